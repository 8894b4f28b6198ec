import { GridError } from '#hal/errors.ts';
import { maxReadRegisters } from '../modbus/protocol.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { type ModelBlock, type ModelId, modelTable } from './device-map.ts';
import { decodeNumber, fitsNumber } from './point-codec.ts';
import { absent } from './point-reader.ts';
import { composeWrites, type Kept, type RawValues, writeAndVerify } from './point-writer.ts';
import { type GroupTable, layOut, type PointTable } from './table.ts';

/** How a value becomes a whole number of a point's steps. */
export type Rounding = 'nearest' | 'down' | 'towardZero';

const rounded: Readonly<Record<Rounding, (value: number) => number>> = {
  nearest: Math.round,
  down: Math.floor,
  towardZero: Math.trunc,
};

/**
 * A model of one device with its repeated groups at their places, and its registers as they were when last read.
 * Paths are as in `layOut`: `WSet`, `PFWInj.PF`, `Crv[1].Pt[3].V`.
 */
export class PlacedModel {
  readonly id: ModelId;
  readonly #transport: RegisterTransport;
  readonly #unit: number;
  readonly #block: ModelBlock;
  readonly #points: ReadonlyMap<string, PointTable>;
  #registers: Buffer;

  private constructor(transport: RegisterTransport, unit: number, block: ModelBlock & { id: ModelId }, head: Buffer) {
    this.#transport = transport;
    this.#unit = unit;
    this.#block = block;
    this.id = block.id;
    this.#registers = head;
    this.#points = placedPoints(block, head);
  }

  /** Reads the model's start: all of it where one Modbus read does. Errors: `GTX-SUN-005` counts that cannot be. */
  static async read(
    transport: RegisterTransport,
    unit: number,
    block: ModelBlock & { readonly id: ModelId },
  ): Promise<PlacedModel> {
    const head = await transport.readHolding(unit, block.address, Math.min(maxReadRegisters, block.length + 2));
    return new PlacedModel(transport, unit, block, head);
  }

  /** Reads the registers anew: all of them, or so many from the start. */
  async refresh(registers = Infinity): Promise<void> {
    const { address, length } = this.#block;
    const end = Math.min(registers, length + 2);
    const parts: Promise<Buffer>[] = [];
    for (let at = 0; at < end; at += maxReadRegisters) {
      parts.push(this.#transport.readHolding(this.#unit, address + at, Math.min(maxReadRegisters, end - at)));
    }
    this.#registers = Buffer.concat(await Promise.all(parts));
  }

  /** The raw value as last read; `undefined` where the device does not implement the point. */
  raw(path: string): number | undefined {
    const point = this.#points.get(path);
    if (point === undefined || point.type === 'string' || point.type === 'pad') return undefined;
    const isRead = 2 * (point.at + point.size) <= this.#registers.length;
    return isRead ? decodeNumber(point.type, this.#registers, 2 * point.at) : undefined;
  }

  /** In the point's unit. */
  value(path: string): number | undefined {
    const raw = this.raw(path);
    const exponent = this.#exponent(path);
    if (raw === undefined || exponent === undefined) return undefined;
    return exponent < 0 ? raw / 10 ** -exponent : raw * 10 ** exponent;
  }

  /** The device implements all of these points. */
  has(...paths: readonly string[]): boolean {
    return paths.every((path) => this.raw(path) !== undefined && this.#exponent(path) !== undefined);
  }

  /**
   * A value in the point's unit as its raw value. Errors: `GTX-SUN-004` the device lacks the point, `GTX-SUN-008` the
   * value does not fit it.
   */
  toRaw(path: string, value: number, rounding: Rounding = 'nearest'): number {
    const exponent = this.#exponent(path);
    const { type } = this.point(path);
    if (exponent === undefined || type === 'string' || type === 'pad') throw absent(`${this.id}.${path}`);
    const steps = exponent < 0 ? value * 10 ** -exponent : value / 10 ** exponent;
    // A value of whole steps stays whole whatever its binary fraction.
    const whole = Math.round(steps);
    const raw = (Math.abs(steps - whole) < 1e-6 ? whole : rounded[rounding](steps)) + 0;
    if (fitsNumber(type, raw)) return raw;
    throw new GridError('GTX-SUN-008', `${value} is out of the range of point ${this.id}.${path}`);
  }

  /** Writes points and reads them back: one Modbus write where they stand side by side, the one with `last` last. */
  async write(values: RawValues, last: string, isKept?: Kept): Promise<void> {
    for (const write of composeWrites(this, values, last)) {
      await writeAndVerify(this.#transport, this.#unit, this.id, write, isKept);
    }
  }

  /** Like `write`, without the points that the device does not implement. */
  async writeImplemented(values: RawValues, last: string, isKept?: Kept): Promise<void> {
    const there: Record<string, number> = {};
    for (const path in values) if (this.raw(path) !== undefined) there[path] = values[path]!;
    await this.write(there, last, isKept);
  }

  /** Of the ID register. */
  get address(): number {
    return this.#block.address;
  }

  /** Errors: `GTX-SUN-004` the device's model ends before it. */
  point(path: string): PointTable {
    const point = this.#points.get(path);
    if (point === undefined) throw absent(`${this.id}.${path}`);
    return point;
  }

  #exponent(path: string): number | undefined {
    const sf = this.#points.get(path)?.sf;
    return sf === undefined ? 0 : this.raw(sf);
  }
}

/** Devices of one kind share their places: a curve model has hundreds of points. Kinds are few; the limit is for noise. */
const places = new Map<string, ReadonlyMap<string, PointTable>>();
const maxPlaces = 256;

function placedPoints(block: ModelBlock & { readonly id: ModelId }, head: Buffer): ReadonlyMap<string, PointTable> {
  const table = modelTable(block.id);
  const end = block.length + 2;
  const counts = new Map(countsOf(table).map((name) => [name, countIn(table, head, name)]));
  const product = [...counts.values()].reduce((all, count) => all * Math.max(1, count), 1);
  // Each repetition has a register at least: what exceeds the length is no count.
  if (product > end) {
    throw new GridError('GTX-SUN-005', `Model ${block.id} says that it holds ${product} points in ${end} registers`, {
      hint: 'Check the device type and its firmware.',
    });
  }
  const key = [block.id, block.length, ...counts.values()].join(' ');
  const known = places.get(key);
  if (known !== undefined) return known;
  const placed = layOut(table, (name) => counts.get(name) ?? 0, block.length);
  const there = placed.filter(({ at, point }) => at + point.size <= end);
  const points = new Map(there.map(({ path, at, point }) => [path, { ...point, at }]));
  if (places.size >= maxPlaces) places.clear();
  places.set(key, points);
  return points;
}

function countIn({ points }: GroupTable, head: Buffer, name: string): number {
  const { type, at, size } = points[name]!;
  if (type === 'string' || type === 'pad' || 2 * (at + size) > head.length) return 0;
  return decodeNumber(type, head, 2 * at) ?? 0;
}

const countsOf = (group: GroupTable): string[] => [
  ...(typeof group.count === 'string' ? [group.count] : []),
  ...group.groups.flatMap(countsOf),
];
