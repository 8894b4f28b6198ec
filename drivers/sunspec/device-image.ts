import { GridError } from '#hal/errors.ts';
import { exceptionCode, type ModbusException } from '../modbus/protocol.ts';
import type { RegisterBank } from '../modbus/server.ts';
import { baseAddresses, endModel, marker, type ModelId, modelTable } from './device-map.ts';
import { decodeNumber, encodeAbsent, encodeNumber, encodeText, type NumberType } from './point-codec.ts';
import { layOut, type PlacedPoint } from './table.ts';

export interface ImageModel {
  readonly id: ModelId;
  /** Values of the points that count repeating groups (`{ NPrt: 1 }`). */
  readonly counts?: Readonly<Record<string, number>>;
}

/** A point of the image, resolved once. */
export interface ImagePoint {
  /** The raw value; `undefined` while the point is not implemented. */
  get(): number | undefined;
  /** Sets the raw value. Throws `GTX-SUN-006` when it does not fit. */
  set(raw: number): void;
}

export interface ImageHooks {
  /** Called before registers are read, to bring what moves up to date. */
  readonly beforeRead: () => void;
  /** Whether the device takes this raw value for a writable point, named `123.WMaxLimPct`. */
  readonly accepts: (name: string, raw: number) => boolean;
  /** Called after a write with the names of the points written. */
  readonly afterWrite: (names: readonly string[]) => void;
}

interface OwnedPoint extends PlacedPoint {
  readonly name: string;
  /** Bytes from the start of the image. */
  readonly offset: number;
}

const base = baseAddresses[0];

/**
 * The registers of a SunSpec device as it shows them from 40000: marker, models in order, end. Every point is "not
 * implemented" until it is set. A write must cover whole, writable, implemented points, and is taken whole or not
 * at all: exception 2 for where it points, 3 for what it carries.
 */
export class DeviceImage implements RegisterBank {
  readonly #bytes: Buffer;
  readonly #points = new Map<string, OwnedPoint>();
  /** The point of each register, for writes. */
  readonly #owners: (OwnedPoint | undefined)[];
  readonly #hooks: ImageHooks;

  constructor(models: readonly ImageModel[], hooks: ImageHooks) {
    this.#hooks = hooks;
    const placed = models.map(({ id, counts }) => {
      const points = layOut(modelTable(id), (name) => counts?.[name] ?? 0, 0);
      const size = points.reduce((end, { at, point }) => Math.max(end, at + point.size), 0);
      return { id, counts: counts ?? {}, points, size };
    });
    const registers = placed.reduce((sum, { size }) => sum + size, 4);
    this.#bytes = Buffer.alloc(2 * registers);
    this.#owners = Array.from({ length: registers }, () => undefined);
    this.#bytes.writeUInt32BE(marker, 0);
    let start = 2;
    for (const { id, counts, points, size } of placed) {
      for (const point of points) this.#own(id, start, point);
      this.point(id, 'ID').set(id);
      this.point(id, 'L').set(size - 2);
      for (const [name, count] of Object.entries(counts)) this.point(id, name).set(count);
      start += size;
    }
    this.#bytes.writeUInt16BE(endModel, 2 * start);
  }

  /** A number by its path (`W`, `Prt[0].DCW`). */
  point(model: ModelId, path: string): ImagePoint {
    const { offset, point } = this.#named(model, path);
    const type = point.type as NumberType;
    return {
      get: () => decodeNumber(type, this.#bytes, offset),
      set: (raw) => encodeNumber(type, this.#bytes, offset, raw),
    };
  }

  /** Sets several numbers of a model by their raw values. */
  set(model: ModelId, values: Readonly<Record<string, number>>): void {
    for (const [path, raw] of Object.entries(values)) this.point(model, path).set(raw);
  }

  setText(model: ModelId, path: string, text: string): void {
    const { offset, point } = this.#named(model, path);
    encodeText(this.#bytes, offset, point.size, text);
  }

  read(address: number, count: number): Buffer | ModbusException {
    const start = 2 * (address - base);
    const end = start + 2 * count;
    if (start < 0 || end > this.#bytes.length) return exceptionCode.illegalDataAddress;
    this.#hooks.beforeRead();
    return this.#bytes.subarray(start, end);
  }

  write(address: number, registers: Buffer): ModbusException | undefined {
    const first = address - base;
    const end = first + registers.length / 2;
    if (first < 0 || end > this.#owners.length) return exceptionCode.illegalDataAddress;
    const names: string[] = [];
    for (let at = first; at < end; ) {
      const owner = this.#owners[at];
      if (owner === undefined || owner.point.rw !== true) return exceptionCode.illegalDataAddress;
      const type = owner.point.type as NumberType;
      if (owner.offset !== 2 * at || at + owner.point.size > end) return exceptionCode.illegalDataValue;
      if (decodeNumber(type, this.#bytes, owner.offset) === undefined) return exceptionCode.illegalDataAddress;
      const raw = decodeNumber(type, registers, 2 * (at - first));
      if (raw === undefined || !this.#hooks.accepts(owner.name, raw)) return exceptionCode.illegalDataValue;
      names.push(owner.name);
      at += owner.point.size;
    }
    registers.copy(this.#bytes, 2 * first);
    this.#hooks.afterWrite(names);
    return undefined;
  }

  #own(model: ModelId, start: number, placed: PlacedPoint): void {
    const name = `${model}.${placed.path}`;
    const owned: OwnedPoint = { ...placed, name, offset: 2 * (start + placed.at) };
    this.#points.set(name, owned);
    for (let i = 0; i < placed.point.size; i++) this.#owners[start + placed.at + i] = owned;
    encodeAbsent(placed.point, this.#bytes, owned.offset);
  }

  #named(model: ModelId, path: string): OwnedPoint {
    const point = this.#points.get(`${model}.${path}`);
    if (point === undefined) throw new GridError('GTX-SUN-006', `The image has no point ${model}.${path}`);
    return point;
  }
}

/** The least power of ten from 0 up at which the greatest value fits so many units of a register. */
export function exponentFor(greatest: number, max: number): number {
  let exponent = 0;
  while (greatest / 10 ** exponent > max) exponent++;
  return exponent;
}
