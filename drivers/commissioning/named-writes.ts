import type { RegisterTransport } from '../modbus/transport.ts';
import { type ModelBlock, type ModelId, scanDevice } from '../sunspec/device-map.ts';
import { models } from '../sunspec/models.generated.ts';
import { pointsPlacedIn, readBlock, valueAt } from './measured-points.ts';
import type { WatchedWrite } from './write-watch.ts';

/** A register write as a person reads it. */
export interface NamedWrite {
  readonly unit: number;
  /** Of its first register, on the wire. */
  readonly address: number;
  /** As they are written, in hexadecimal. */
  readonly registers: string;
  /** The SunSpec point, such as `704.WMaxLimPct`; `undefined` where none stands there. */
  readonly point: string | undefined;
  /** In `of`; the symbol of an enumeration. */
  readonly value: number | string | undefined;
  readonly of: string | undefined;
}

/**
 * Names what was written to one SunSpec unit, point by point; the registers around are read from `bus`. Errors:
 * `GTX-SUN-…`, those of the bus.
 */
export async function nameWrites(
  bus: RegisterTransport,
  unit: number,
  writes: readonly WatchedWrite[],
): Promise<readonly NamedWrite[]> {
  const own = writes.filter((write) => write.unit === unit);
  if (own.length === 0) return [];
  const { blocks } = await scanDevice(bus, unit);
  const named: NamedWrite[] = [];
  for (const write of own) {
    const block = blocks.find(
      ({ address, length }) => write.address >= address && write.address < address + 2 + length,
    );
    named.push(...(block !== undefined && isKnown(block) ? await pointsOf(bus, write, block) : [bare(write)]));
  }
  return named;
}

const isKnown = (block: ModelBlock): block is ModelBlock & { readonly id: ModelId } => Object.hasOwn(models, block.id);

const bare = ({ unit, address, registers }: WatchedWrite): NamedWrite => ({
  unit,
  address,
  registers: registers.toString('hex'),
  point: undefined,
  value: undefined,
  of: undefined,
});

async function pointsOf(
  bus: RegisterTransport,
  write: WatchedWrite,
  block: ModelBlock & { readonly id: ModelId },
): Promise<readonly NamedWrite[]> {
  const image = Buffer.from(await readBlock(bus, write.unit, block));
  const start = write.address - block.address;
  write.registers.copy(image, 2 * start);
  const placed = pointsPlacedIn(block, image);
  const places = new Map(placed.map((each) => [each.path, each]));
  return placed
    .filter(({ at, point }) => at >= start && 2 * (at + point.size - start) <= write.registers.length)
    .toSorted((a, b) => a.at - b.at)
    .map((each) => ({
      unit: write.unit,
      address: block.address + each.at,
      registers: image.toString('hex', 2 * each.at, 2 * (each.at + each.point.size)),
      point: `${block.id}.${each.path}`,
      value: valueAt(each, image, places),
      of: each.point.unit,
    }));
}
