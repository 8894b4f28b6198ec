import { GridError } from '#hal/errors.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { decodeNumber, encodeNumber, type NumberType } from './point-codec.ts';
import type { PointTable } from './table.ts';

/** Raw values by path. */
export type RawValues = Readonly<Record<string, number>>;

/** A model on a device: where its points stand, from its ID register. */
export interface PointPlaces {
  readonly id: number;
  /** Of the ID register. */
  readonly address: number;
  /** Throws `GTX-SUN-004` for a point that is not there. */
  point(path: string): PointTable;
}

interface PlacedValue {
  readonly path: string;
  readonly type: NumberType;
  readonly at: number;
  readonly size: number;
  readonly value: number;
}

/** One Modbus write. */
export interface PlacedWrite {
  readonly address: number;
  readonly registers: Buffer;
  readonly values: readonly PlacedValue[];
}

/** Judges a value as the device took it. */
export type Kept = (path: string, taken: number | undefined, written: number) => boolean;

/** The points written, by place, with their types: text and padding are never written here. */
function placed(model: PointPlaces, values: RawValues): PlacedValue[] {
  const points: PlacedValue[] = [];
  for (const path in values) {
    const { type, at, size, rw } = model.point(path);
    if (rw !== true || type === 'string' || type === 'pad') {
      throw new GridError('GTX-SUN-006', `Point ${model.id}.${path} cannot be written`);
    }
    points.push({ path, type, at, size, value: values[path]! });
  }
  return points.toSorted((a, b) => a.at - b.at);
}

/**
 * The fewest Modbus writes that set these points, by place, the one that holds `last` at the end; widths and places
 * come from the table. Throws `GTX-SUN-006` when a point may not be written or a value does not fit.
 */
export function composeWrites(model: PointPlaces, values: RawValues, last: string): readonly PlacedWrite[] {
  const runs: PlacedValue[][] = [];
  let end = -1;
  for (const point of placed(model, values)) {
    if (point.at === end) runs.at(-1)!.push(point);
    else runs.push([point]);
    end = point.at + point.size;
  }
  const isLast = (run: readonly PlacedValue[]): number => (run.some(({ path }) => path === last) ? 1 : 0);
  return runs.toSorted((a, b) => isLast(a) - isLast(b)).map((run) => compose(model.address, run));
}

function compose(address: number, values: readonly PlacedValue[]): PlacedWrite {
  const start = values[0]!.at;
  const registers = Buffer.allocUnsafe(2 * values.reduce((sum, { size }) => sum + size, 0));
  // They stand side by side, so that every byte is written.
  for (const { type, at, value } of values) encodeNumber(type, registers, 2 * (at - start), value);
  return { address: address + start, registers, values };
}

const exactly: Kept = (_path, taken, written) => taken === written;

/**
 * Writes and reads the registers back. `isKept` judges each point's value as the device took it.
 * Errors: `GTX-SUN-007` when the device took something else, `GTX-MOD-…` from the bus.
 */
export async function writeAndVerify(
  transport: RegisterTransport,
  unit: number,
  model: number,
  { address, registers, values }: PlacedWrite,
  isKept: Kept = exactly,
): Promise<void> {
  // Both are asked for at once; the bus keeps their order, so that it is read after it is written.
  const [, taken] = await Promise.all([
    transport.writeHolding(unit, address, registers),
    transport.readHolding(unit, address, registers.length / 2),
  ]);
  const start = values[0]!.at;
  for (const { path, type, at, value } of values) {
    const now = decodeNumber(type, taken, 2 * (at - start));
    if (isKept(path, now, value)) continue;
    const device = `unit ${unit} on ${transport.name}`;
    throw new GridError('GTX-SUN-007', `${device} took ${now} for ${model}.${path}, not ${value}`, {
      hint: 'Check that remote control is allowed in the settings of the device and that nothing else controls it.',
    });
  }
}
