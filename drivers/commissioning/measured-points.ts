import { GridError } from '#hal/errors.ts';
import { maxReadRegisters } from '../modbus/protocol.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { decodePoint } from '../register-codec.ts';
import { readsOf, type RegisterMap, spanOf } from '../register-map.ts';
import { type ModelBlock, type ModelId, modelTable, scanDevice } from '../sunspec/device-map.ts';
import { models as knownModels } from '../sunspec/models.generated.ts';
import { decodeNumber, decodeText } from '../sunspec/point-codec.ts';
import { layOut, type PlacedPoint } from '../sunspec/table.ts';

/** A value of a device as a person reads it. */
export interface MeasuredPoint {
  /** The register map, or the SunSpec model: `701 DERMeasureAC`. */
  readonly group: string;
  readonly name: string;
  /** In `unit`; `null` where the device says that it has none now. */
  readonly value: number | string | null;
  readonly unit: string | undefined;
}

/** Every point of a register map. Errors: those of the bus, and `GTX-MAP-003`. */
export async function readMapPoints(
  map: RegisterMap,
  transport: RegisterTransport,
  unit: number,
): Promise<readonly MeasuredPoint[]> {
  const values = new Map<string, number | null>();
  for (const { start, end } of readsOf(map)) {
    const registers =
      map.function === 'input'
        ? await transport.readInput(unit, start, end - start)
        : await transport.readHolding(unit, start, end - start);
    for (const point of map.points) {
      const span = spanOf(point);
      if (span.start < start || span.end > end) continue;
      values.set(point.name, decodePoint(point, map, registers, 2 * (span.start - start)) ?? null);
    }
  }
  return map.points.map(({ name, unit: of }) => ({
    group: map.title,
    name,
    value: values.get(name) ?? null,
    unit: of === '1' ? undefined : of,
  }));
}

const known = (id: number): id is ModelId => Object.hasOwn(knownModels, id);

/** Models that hold what a device is set to and rated for rather than what it measures. */
const isSettings = (id: number): boolean => (id >= 120 && id <= 123) || (id >= 702 && id <= 712) || id === 715;

/**
 * Every point that a SunSpec unit implements, of the models that are known: those that measure, or all.
 * Errors: `GTX-SUN-…`, those of the bus.
 */
export async function readSunSpecPoints(
  transport: RegisterTransport,
  unit: number,
  models: 'measured' | 'all',
): Promise<readonly MeasuredPoint[]> {
  const map = await scanDevice(transport, unit);
  const points: MeasuredPoint[] = [];
  for (const block of map.blocks) {
    const { id } = block;
    if (!known(id) || (models === 'measured' && isSettings(id))) continue;
    const registers = await readBlock(transport, unit, block);
    points.push(...pointsIn({ ...block, id }, registers));
  }
  return points;
}

/** All registers of a model. */
export async function readBlock(transport: RegisterTransport, unit: number, block: ModelBlock): Promise<Buffer> {
  const end = block.address + 2 + block.length;
  const parts: Buffer[] = [];
  for (let at = block.address; at < end; at += maxReadRegisters)
    parts.push(await transport.readHolding(unit, at, Math.min(maxReadRegisters, end - at)));
  return Buffer.concat(parts);
}

/** What describes the model rather than the device. */
const structure: ReadonlySet<string> = new Set(['ID', 'L']);

function pointsIn(block: ModelBlock & { readonly id: ModelId }, registers: Buffer): MeasuredPoint[] {
  const table = modelTable(block.id);
  const placed = pointsPlacedIn(block, registers);
  const group = `${block.id} ${table.name}`;
  const places = new Map(placed.map((each) => [each.path, each]));
  return placed.flatMap(({ path, at, point }) => {
    if (structure.has(path) || point.type === 'pad' || point.type === 'sunssf' || point.type === 'count') return [];
    const value = valueAt({ path, at, point }, registers, places);
    return value === undefined ? [] : [{ group, name: path, value, unit: point.unit }];
  });
}

/** Points within the registers that the device has; counts that cannot be are taken as none. */
export function pointsPlacedIn(
  block: ModelBlock & { readonly id: ModelId },
  registers: Buffer,
): readonly PlacedPoint[] {
  const table = modelTable(block.id);
  const countOf = (name: string): number => {
    const { type, at, size } = table.points[name]!;
    if (type === 'string' || type === 'pad' || 2 * (at + size) > registers.length) return 0;
    const count = decodeNumber(type, registers, 2 * at) ?? 0;
    return count > block.length ? 0 : count;
  };
  return layOut(table, countOf, block.length).filter(({ at, point }) => 2 * (at + point.size) <= registers.length);
}

/** In the point’s unit, or the symbol of its code; `undefined` where the device does not implement it. */
export function valueAt(
  { at, point }: PlacedPoint,
  registers: Buffer,
  places: ReadonlyMap<string, PlacedPoint>,
): number | string | undefined {
  const { type, size, sf, symbols } = point;
  if (type === 'pad') return undefined;
  if (type === 'string') return decodeText(registers, 2 * at, size);
  const raw = numberAt(type, registers, at);
  if (raw === undefined) return undefined;
  const symbol = Object.entries(symbols ?? {}).find(([, code]) => code === raw)?.[0];
  if (symbol !== undefined) return symbol;
  return sf === undefined ? raw : scaled(raw, places.get(sf), registers);
}

function scaled(raw: number, factor: PlacedPoint | undefined, registers: Buffer): number | undefined {
  if (factor === undefined) return undefined;
  const exponent = numberAt('sunssf', registers, factor.at);
  if (exponent === undefined) return undefined;
  return exponent < 0 ? raw / 10 ** -exponent : raw * 10 ** exponent;
}

/** One value that cannot be does not hide the others. */
function numberAt(type: Parameters<typeof decodeNumber>[0], registers: Buffer, at: number): number | undefined {
  try {
    return decodeNumber(type, registers, 2 * at);
  } catch (error) {
    if (error instanceof GridError && error.code === 'GTX-SUN-005') return undefined;
    throw error;
  }
}
