import { GridError } from '#hal/errors.ts';
import { malformed } from '#hal/tpm-response.ts';

/** Octets, as everything here hands them out: a copy of its own, never a window on a larger buffer's future. */
export type Octets = Uint8Array;

/** Reads what a TPM or a peer sent, front to back; every read is checked against the end (GTX-TPM-003). */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(count: number): Octets {
    return this.#bytes.slice(this.#advance(count), this.#at);
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8));
  }

  /** Everything must have been read. */
  end(): void {
    if (this.left > 0) throw malformed(`${this.left} octets are left over`);
  }

  #advance(count: number): number {
    if (count > this.left) throw malformed(`it ends ${count - this.left} octets too early`);
    const from = this.#at;
    this.#at += count;
    return from;
  }
}

/** A structure's both ways on the wire, big-endian (TPM 2.0 part 2 §4). */
export interface Codec<T> {
  /** Throws GTX-TPM-007 for a value that the structure cannot hold. */
  write(value: T): Octets;
  /** Throws GTX-TPM-003 for octets that are none. */
  read(reader: Reader): T;
  /** It begins with its own length (TPM2B): as a command's first parameter it can be encrypted. */
  readonly sized?: true;
}

export type Value<C> = C extends Codec<infer T> ? T : never;

/** A whole buffer as one structure. */
export function parse<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  const value = codec.read(reader);
  reader.end();
  return value;
}

/** A value of ours that does not fit its field: a mistake in the program or in what its caller gave. */
export const unfit = (reason: string): GridError => new GridError('GTX-TPM-007', `Cannot be sent to a TPM: ${reason}`);

const integer = (octets: 1 | 2 | 4, read: (reader: Reader) => number): Codec<number> => ({
  write(value) {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * octets)) {
      throw unfit(`${value} is not an unsigned integer of ${octets} octets`);
    }
    const bytes = Buffer.alloc(octets);
    bytes.writeUIntBE(value, 0, octets);
    return bytes;
  },
  read,
});

export const u8 = integer(1, (reader) => reader.u8());
export const u16 = integer(2, (reader) => reader.u16());
export const u32 = integer(4, (reader) => reader.u32());

export const u64: Codec<bigint> = {
  write(value) {
    if (value < 0n || value >= 1n << 64n) throw unfit(`${value} is not an unsigned integer of 8 octets`);
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(value);
    return bytes;
  },
  read: (reader) => reader.u64(),
};

/** Exactly so many octets, without a length. */
export const fixed = (length: number): Codec<Octets> => ({
  write(value) {
    if (value.length !== length) throw unfit(`${value.length} octets where ${length} belong`);
    return value;
  },
  read: (reader) => reader.take(length),
});

/** What a length counts, after a length field of its own. */
const counted = (length: Codec<number>, most: number): Codec<Octets> => ({
  write(value) {
    if (value.length > most) throw unfit(`${value.length} octets where at most ${most} fit`);
    return Buffer.concat([length.write(value.length), value]);
  },
  read(reader) {
    const count = length.read(reader);
    if (count > most) throw malformed(`a field has ${count} octets where at most ${most} fit`);
    return reader.take(count);
  },
});

/** TPM2B: up to `most` octets after their count. */
export const buffer = (most: number): Codec<Octets> => ({ ...counted(u16, most), sized: true });

/** Up to `most` octets after a count of one octet (a PCR bitmap). */
export const shortBuffer = (most: number): Codec<Octets> => counted(u8, most);

/** A structure after its length, which it must fill (TPM2B_PUBLIC and its like). */
export const sized = <T>(inner: Codec<T>): Codec<T> => ({
  sized: true,
  write: (value) => buffer(0xffff).write(inner.write(value)),
  read: (reader) => parse(inner, buffer(0xffff).read(reader)),
});

/** TPML: up to `most` items after their count. */
export const list = <T>(item: Codec<T>, most: number): Codec<readonly T[]> => ({
  write(items) {
    if (items.length > most) throw unfit(`${items.length} items where at most ${most} fit`);
    return Buffer.concat([u32.write(items.length), ...items.map((value) => item.write(value))]);
  },
  read(reader) {
    const count = reader.u32();
    if (count > most) throw malformed(`a list has ${count} items where at most ${most} fit`);
    return Array.from({ length: count }, () => item.read(reader));
  },
});

/** A number that has a name: an algorithm, a curve, a tag. Numbers without a name are refused. */
export function named<const N extends Readonly<Record<string, number>>>(
  what: string,
  width: Codec<number>,
  numbers: N,
): Codec<keyof N & string> {
  const names = new Map<number, keyof N & string>(Object.entries(numbers).map(([name, number]) => [number, name]));
  return {
    write(name) {
      const number = Object.hasOwn(numbers, name) ? numbers[name] : undefined;
      if (number === undefined) throw unfit(`${name} is no ${what}`);
      return width.write(number);
    },
    read(reader) {
      const number = width.read(reader);
      const name = names.get(number);
      if (name === undefined) throw malformed(`0x${number.toString(16)} is no ${what} that is known here`);
      return name;
    },
  };
}

/** A structure's fields, in the order of the wire. */
export type Fields = Readonly<Record<string, Codec<unknown>>>;
export type Struct<F> = { readonly [K in keyof F]: Value<F[K]> };

const writeFields = (fields: Fields, value: Readonly<Record<string, unknown>>): Octets =>
  Buffer.concat(Object.entries(fields).map(([name, codec]) => codec.write(value[name])));

function readFields(fields: Fields, reader: Reader): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [name, codec] of Object.entries(fields)) value[name] = codec.read(reader);
  return value;
}

export const struct = <const F extends Fields>(fields: F): Codec<Struct<F>> => ({
  write: (value) => writeFields(fields, value),
  read: (reader) => readFields(fields, reader) as Struct<F>,
});

type Tagged<K extends string, V extends Readonly<Record<string, Fields>>> = {
  [N in keyof V & string]: { readonly [P in K]: N } & Struct<V[N]>;
}[keyof V & string];

/** A union: a tag, then the fields that go with it. */
export const tagged = <const K extends string, const V extends Readonly<Record<string, Fields>>>(
  key: K,
  tag: Codec<keyof V & string>,
  variants: V,
): Codec<Tagged<K, V>> => ({
  write(value) {
    const name = (value as Readonly<Record<string, unknown>>)[key] as keyof V & string;
    return Buffer.concat([tag.write(name), writeFields(variants[name]!, value)]);
  },
  read(reader) {
    const name = tag.read(reader);
    return { [key]: name, ...readFields(variants[name]!, reader) } as Tagged<K, V>;
  },
});
