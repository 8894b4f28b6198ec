import { GridError } from '#hal/errors.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import type { ModelBlock, ModelId, PointName } from './device-map.ts';
import { decodeNumber, encodeNumber, type NumberType } from './point-codec.ts';
import { pointOf } from './point-reader.ts';
import type { PointTable } from './table.ts';

interface PlacedWrite {
  readonly address: number;
  readonly registers: Buffer;
}

/** Raw values by point. */
export type RawValues<Id extends ModelId> = { readonly [Name in PointName<Id>]?: number };

/** The points written, by place, with their types: text and padding are never written here. */
function placed<Id extends ModelId>(
  block: ModelBlock & { readonly id: Id },
  values: RawValues<Id>,
): { readonly name: string; readonly point: PointTable & { readonly type: NumberType }; readonly value: number }[] {
  const points = Object.entries<number | undefined>(values).map(([name, value]) => {
    const point = pointOf(block, name);
    const { type } = point;
    if (value === undefined || point.rw !== true || type === 'string' || type === 'pad') {
      throw new GridError('GTX-SUN-006', `Point ${block.id}.${name} cannot be written`);
    }
    return { name, point: { ...point, type }, value };
  });
  return points.toSorted((a, b) => a.point.at - b.point.at);
}

/**
 * The one Modbus write that sets these points; widths and places come from the table.
 * Throws `GTX-SUN-006` when they do not stand side by side, may not be written or a value does not fit.
 */
export function composeWrite<Id extends ModelId>(
  block: ModelBlock & { readonly id: Id },
  values: RawValues<Id>,
): PlacedWrite {
  const points = placed(block, values);
  const start = points[0]?.point.at ?? 0;
  const registers = Buffer.alloc(2 * points.reduce((sum, { point }) => sum + point.size, 0));
  let at = start;
  for (const { name, point, value } of points) {
    if (point.at !== at) throw new GridError('GTX-SUN-006', `Point ${block.id}.${name} does not follow the one before`);
    encodeNumber(point.type, registers, 2 * (at - start), value);
    at += point.size;
  }
  return { address: block.address + start, registers };
}

/**
 * Writes points in one request and reads the registers back. `isKept` judges each point's value as the device took it.
 * Errors: `GTX-SUN-007` when the device took something else, `GTX-MOD-…` from the bus.
 */
export async function writeAndVerify<Id extends ModelId>(
  transport: RegisterTransport,
  unit: number,
  block: ModelBlock & { readonly id: Id },
  values: RawValues<Id>,
  isKept: (name: PointName<Id>, taken: number | undefined, written: number) => boolean,
): Promise<void> {
  const { address, registers } = composeWrite(block, values);
  // Both are asked for at once; the bus keeps their order, so that it is read after it is written.
  const [, taken] = await Promise.all([
    transport.writeHolding(unit, address, registers),
    transport.readHolding(unit, address, registers.length / 2),
  ]);
  for (const { name, point, value } of placed(block, values)) {
    const now = decodeNumber(point.type, taken, 2 * (block.address + point.at - address));
    if (isKept(name as PointName<Id>, now, value)) continue;
    const device = `unit ${unit} on ${transport.name}`;
    throw new GridError('GTX-SUN-007', `${device} took ${now} for ${block.id}.${name}, not ${value}`, {
      hint: 'Check that remote control is allowed in the settings of the device and that nothing else controls it.',
    });
  }
}
