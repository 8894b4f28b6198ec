import { maxReadRegisters } from '../modbus/protocol.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { type ModelBlock, type ModelId, modelTable, type PointName } from './device-map.ts';
import { decodeNumber, decodeText, scaleToInteger } from './point-codec.ts';
import { absent } from './point-reader.ts';
import type { PointTable } from './table.ts';

/** A model's own points as read once: nameplates and settings. A model that the device cut short lacks its last points. */
export class ModelView<Id extends ModelId> {
  readonly #id: Id;
  readonly #buffer: Buffer;

  constructor(id: Id, buffer: Buffer) {
    this.#id = id;
    this.#buffer = buffer;
  }

  /** The value as it stands in the registers; `undefined` where the device does not implement the point. */
  raw(name: PointName<Id>): number | undefined {
    const { type, at } = this.#point(name);
    if (type === 'string' || type === 'pad' || !this.#has(name)) return undefined;
    return decodeNumber(type, this.#buffer, 2 * at);
  }

  /** An integer that keeps so many decimals of the unit; `undefined` where the device does not implement it. */
  integer(name: PointName<Id>, decimals = 0): number | undefined {
    const raw = this.raw(name);
    const { type, sf } = this.#point(name);
    const exponent = sf === undefined ? 0 : this.raw(sf as PointName<Id>);
    return raw === undefined || exponent === undefined ? undefined : scaleToInteger(type, raw, exponent + decimals);
  }

  /** Like `integer`; throws `GTX-SUN-004` where the device does not implement the point. */
  required(name: PointName<Id>, decimals = 0): number {
    const value = this.integer(name, decimals);
    if (value === undefined) throw absent(`${this.#id}.${name}`);
    return value;
  }

  text(name: PointName<Id>): string | undefined {
    const { type, at, size } = this.#point(name);
    return type === 'string' && this.#has(name) ? decodeText(this.#buffer, 2 * at, size) : undefined;
  }

  #point(name: PointName<Id>): PointTable {
    return modelTable(this.#id).points[name]!;
  }

  #has(name: PointName<Id>): boolean {
    const { at, size } = this.#point(name);
    return 2 * (at + size) <= this.#buffer.length;
  }
}

/** Reads a model's own points. Errors: `GTX-MOD-…` from the bus. */
export async function readModel<Id extends ModelId>(
  transport: RegisterTransport,
  unit: number,
  block: ModelBlock & { readonly id: Id },
): Promise<ModelView<Id>> {
  const end = block.address + Math.min(modelTable(block.id).size, block.length + 2);
  const parts: Buffer[] = [];
  for (let at = block.address; at < end; at += maxReadRegisters) {
    parts.push(await transport.readHolding(unit, at, Math.min(maxReadRegisters, end - at)));
  }
  return new ModelView(block.id, Buffer.concat(parts));
}
