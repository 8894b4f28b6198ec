import { GridError } from '#hal/errors.ts';
import { planReads, type Span } from '../modbus/read-plan.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { type DeviceMap, type ModelBlock, type ModelId, modelTable, type PointName } from './device-map.ts';
import { decodeNumber, type NumberType, scaleToInteger } from './point-codec.ts';
import type { PointTable } from './table.ts';

/** A number to read from a device. */
export interface Wanted {
  readonly model: ModelId;
  readonly point: string;
  /** Decimals of the unit that the integer keeps: 0 watts, 2 hundredths of a percent. */
  readonly decimals: number;
}

export const want = <Id extends ModelId>(model: Id, point: PointName<Id>, decimals = 0): Wanted => ({
  model,
  point,
  decimals,
});

interface Place {
  readonly read: number;
  readonly offset: number;
}

interface PlannedPoint {
  readonly name: string;
  readonly type: NumberType;
  readonly place: Place;
  /** The power of ten of the integer's unit: known, or at a place of the same reads where the device may change it. */
  readonly exponent: number | Place;
  readonly decimals: number;
}

/**
 * Reads a set of numbers from one unit in as few Modbus reads as can be. Scale factors that the model calls fixed
 * are read once; those that may change are read in the same request as their point where they stand near it.
 */
export class PointReader {
  readonly #transport: RegisterTransport;
  readonly #unit: number;
  readonly #reads: readonly Span[];
  readonly #points: readonly PlannedPoint[];

  private constructor(
    transport: RegisterTransport,
    unit: number,
    reads: readonly Span[],
    points: readonly PlannedPoint[],
  ) {
    this.#transport = transport;
    this.#unit = unit;
    this.#reads = reads;
    this.#points = points;
  }

  /** Errors: `GTX-SUN-003` model missing, `GTX-SUN-004` point missing, `GTX-MOD-…` from the bus. */
  static async prepare(
    transport: RegisterTransport,
    unit: number,
    map: DeviceMap,
    wanted: readonly Wanted[],
  ): Promise<PointReader> {
    const found = wanted.map((wish) => {
      const block = map.first(wish.model);
      const point = pointOf(block, wish.point);
      const sf = point.sf === undefined ? undefined : pointOf(block, point.sf);
      return { wish, sf, span: spanOf(block, point), sfSpan: sf && spanOf(block, sf), type: numberType(wish, point) };
    });
    const reads = planReads(found.flatMap(({ span, sf, sfSpan }) => (sfSpan && !sf?.fixed ? [span, sfSpan] : [span])));
    const fixedSpans = found.flatMap(({ sf, sfSpan }) => (sfSpan && sf?.fixed ? [sfSpan] : []));
    const fixedReads = planReads(fixedSpans);
    const fixedBuffers = await readAll(transport, unit, fixedReads);
    const points = found.map(({ wish, sf, span, sfSpan, type }): PlannedPoint => {
      const name = `${wish.model}.${wish.point}`;
      let exponent: number | Place = 0;
      if (sfSpan && sf?.fixed) exponent = scaleFactor(name, fixedBuffers, placeOf(fixedReads, sfSpan));
      else if (sfSpan) exponent = placeOf(reads, sfSpan);
      return { name, type, place: placeOf(reads, span), exponent, decimals: wish.decimals };
    });
    return new PointReader(transport, unit, reads, points);
  }

  /** Modbus reads that one `read` takes. */
  get requests(): number {
    return this.#reads.length;
  }

  /**
   * The integers, in the order wanted: counters rounded down, others to the nearest.
   * Errors: `GTX-SUN-004` a point that the device does not implement, `GTX-SUN-005` an impossible value.
   */
  async read(): Promise<readonly number[]> {
    const values = await this.readImplemented();
    return values.map((value, i) => {
      if (value === undefined) throw absent(this.#points[i]!.name);
      return value;
    });
  }

  /** Like `read`, with `undefined` for a point that the device does not implement. */
  async readImplemented(): Promise<readonly (number | undefined)[]> {
    const buffers = await readAll(this.#transport, this.#unit, this.#reads);
    return this.#points.map(({ name, type, place, exponent, decimals }) => {
      const raw = decodeNumber(type, buffers[place.read]!, place.offset);
      if (raw === undefined) return undefined;
      const power = typeof exponent === 'number' ? exponent : scaleFactor(name, buffers, exponent);
      return scaleToInteger(type, raw, power + decimals);
    });
  }
}

/** The device lacks a point that the driver cannot do without. */
export const absent = (name: string): GridError =>
  new GridError('GTX-SUN-004', `The device does not implement point ${name}`, {
    hint: 'Check the device type and its firmware; another driver may suit it.',
  });

/** A point of the model's own, within the length that the device says. */
export function pointOf(block: ModelBlock & { readonly id: ModelId }, name: string): PointTable {
  const point = modelTable(block.id).points[name];
  if (point === undefined || point.at + point.size > block.length + 2) throw absent(`${block.id}.${name}`);
  return point;
}

function numberType({ model, point: name }: Wanted, { type }: PointTable): NumberType {
  if (type === 'string' || type === 'pad') throw absent(`${model}.${name} as a number`);
  return type;
}

const spanOf = (block: ModelBlock, point: PointTable): Span => ({
  start: block.address + point.at,
  end: block.address + point.at + point.size,
});

function placeOf(reads: readonly Span[], span: Span): Place {
  const read = reads.findIndex(({ start, end }) => start <= span.start && span.end <= end);
  return { read, offset: 2 * (span.start - reads[read]!.start) };
}

function scaleFactor(name: string, buffers: readonly Buffer[], { read, offset }: Place): number {
  const exponent = decodeNumber('sunssf', buffers[read]!, offset);
  if (exponent === undefined) throw absent(`${name} (its scale factor)`);
  return exponent;
}

/** All at once: a client that may pipeline sends them together, another one after the other. */
const readAll = (transport: RegisterTransport, unit: number, reads: readonly Span[]): Promise<Buffer[]> =>
  Promise.all(reads.map(({ start, end }) => transport.readHolding(unit, start, end - start)));
