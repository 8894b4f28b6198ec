import { GridError } from '#hal/errors.ts';
import { exceptionCode, type ModbusException } from '../modbus/protocol.ts';
import type { RegisterBank } from '../modbus/server.ts';
import { baseAddresses, endModel, marker, type ModelId, modelTable } from './device-map.ts';
import { decodeNumber, encodeAbsent, encodeNumber, encodeText, type NumberType } from './point-codec.ts';
import { absent } from './point-reader.ts';
import { layOut, type PlacedPoint, type PointTable } from './table.ts';

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

/** The points of a model by their paths. */
type OwnedPoints = ReadonlyMap<string, OwnedPoint>;

/** Where the points stand, model by model. Twins of one kind share it: a curve model has hundreds of points. */
interface Layout {
  readonly registers: number;
  readonly models: ReadonlyMap<ModelId, OwnedPoints>;
  /** The point of each register, for writes. */
  readonly owners: readonly (OwnedPoint | undefined)[];
}

const base = baseAddresses[0];
/** One a kind of device, and kinds are few. */
const layouts = new Map<string, Layout>();

function layoutOf(models: readonly ImageModel[]): Layout {
  const key = JSON.stringify(models);
  const known = layouts.get(key);
  if (known !== undefined) return known;
  const byModel = new Map<ModelId, OwnedPoints>();
  const owners: (OwnedPoint | undefined)[] = [undefined, undefined];
  for (const { id, counts } of models) {
    const start = owners.length;
    const points = new Map<string, OwnedPoint>();
    byModel.set(id, points);
    for (const placed of layOut(modelTable(id), (name) => counts?.[name] ?? 0, 0)) {
      const owned = { ...placed, name: `${id}.${placed.path}`, offset: 2 * (start + placed.at) };
      points.set(owned.path, owned);
      for (let i = 0; i < placed.point.size; i++) owners[start + placed.at + i] = owned;
    }
  }
  owners.push(undefined, undefined);
  const layout = { registers: owners.length, models: byModel, owners };
  layouts.set(key, layout);
  return layout;
}

/**
 * The registers of a SunSpec device as it shows them from 40000: marker, models in order, end. Every point is "not
 * implemented" until it is set. A write must cover whole, writable, implemented points, and is taken whole or not
 * at all: exception 2 for where it points, 3 for what it carries.
 */
export class DeviceImage implements RegisterBank {
  readonly #bytes: Buffer;
  readonly #layout: Layout;
  readonly #hooks: ImageHooks;
  readonly #held = new Map<string, () => void>();

  constructor(models: readonly ImageModel[], hooks: ImageHooks) {
    this.#hooks = hooks;
    this.#layout = layoutOf(models);
    const { registers, models: byModel } = this.#layout;
    this.#bytes = Buffer.alloc(2 * registers);
    this.#bytes.writeUInt32BE(marker, 0);
    for (const points of byModel.values()) {
      for (const { point, offset } of points.values()) encodeAbsent(point, this.#bytes, offset);
    }
    models.forEach(({ id, counts }, i) => {
      const next = models[i + 1];
      const end = next === undefined ? 2 * (registers - 2) : this.#named(next.id, 'ID').offset;
      this.set(id, { ID: id, L: (end - this.#named(id, 'ID').offset) / 2 - 2, ...counts });
    });
    this.#bytes.writeUInt16BE(endModel, 2 * (registers - 2));
  }

  has(model: ModelId): boolean {
    return this.#layout.models.has(model);
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
    for (const path in values) {
      const { point, offset } = this.#named(model, path);
      encodeNumber(point.type as NumberType, this.#bytes, offset, values[path]);
    }
  }

  /** The number in its unit, by the scale factor in the image; throws `GTX-SUN-004` while it is not implemented. */
  value(model: ModelId, path: string): number {
    const { point, offset } = this.#named(model, path);
    const raw = decodeNumber(point.type as NumberType, this.#bytes, offset);
    if (raw === undefined) throw absent(`${model}.${path}`);
    const exponent = this.#exponent(model, point);
    // Powers of ten divide, for 10^-n is no binary fraction.
    return exponent < 0 ? raw / 10 ** -exponent : raw * 10 ** exponent;
  }

  /** Sets numbers of a model by values in their units, rounded to the step of the point. */
  setValues(model: ModelId, values: Readonly<Record<string, number>>): void {
    for (const [path, value] of Object.entries(values)) this.writer(model, path)(value);
  }

  /** Sets one number by values in its unit, again and again; the scale factor is that of now. */
  writer(model: ModelId, path: string): (value: number) => void {
    const { point, offset } = this.#named(model, path);
    const type = point.type as NumberType;
    const steps = 10 ** -this.#exponent(model, point);
    return (value) => encodeNumber(type, this.#bytes, offset, Math.round(value * steps));
  }

  /** Shows `value` (in the point's unit) from now on, whatever the device measures. Throws as `writer` does. */
  hold(model: ModelId, path: string, value: number): void {
    const write = this.writer(model, path);
    write(value);
    this.#held.set(`${model}.${path}`, () => write(value));
  }

  /** A copy of all registers, for twins of the same kind. */
  save(): Buffer {
    return Buffer.from(this.#bytes);
  }

  /** Takes over what `save` gave. */
  restore(registers: Buffer): void {
    registers.copy(this.#bytes);
  }

  /** Copies every point under one prefix (`Crv[1].`) to the same point under another of the same kind. */
  copy(model: ModelId, from: string, to: string): void {
    for (const { path, point, offset } of this.#layout.models.get(model)?.values() ?? []) {
      if (!path.startsWith(from)) continue;
      const target = this.#named(model, to + path.slice(from.length));
      this.#bytes.copy(this.#bytes, target.offset, offset, offset + 2 * point.size);
    }
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
    for (const show of this.#held.values()) show();
    return this.#bytes.subarray(start, end);
  }

  write(address: number, registers: Buffer): ModbusException | undefined {
    const first = address - base;
    const end = first + registers.length / 2;
    if (first < 0 || end > this.#layout.registers) return exceptionCode.illegalDataAddress;
    const names: string[] = [];
    for (let at = first; at < end; ) {
      const owner = this.#layout.owners[at];
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

  #exponent(model: ModelId, { sf }: PointTable): number {
    if (sf === undefined) return 0;
    const { point, offset } = this.#named(model, sf);
    return decodeNumber(point.type as NumberType, this.#bytes, offset) ?? 0;
  }

  #named(model: ModelId, path: string): OwnedPoint {
    const point = this.#layout.models.get(model)?.get(path);
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
