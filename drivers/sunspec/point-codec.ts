import { GridError } from '#hal/errors.ts';
import type { PointTable, PointType } from './table.ts';

export type NumberType = Exclude<PointType, 'string' | 'pad'>;

interface NumberCodec {
  readonly min: number;
  readonly max: number;
  /** The value that stands for "not implemented" (SunSpec Device Information Model Specification V1.2 §4.2). */
  readonly absent: number | bigint | undefined;
  read(buffer: Buffer, offset: number): number | bigint;
  write(buffer: Buffer, offset: number, value: number | bigint): void;
}

const u16 = (absent: number | undefined, max: number): NumberCodec => ({
  min: 0,
  max,
  absent,
  read: (buffer, offset) => buffer.readUInt16BE(offset),
  write: (buffer, offset, value) => buffer.writeUInt16BE(Number(value), offset),
});
const s16 = (min: number, max: number): NumberCodec => ({
  min,
  max,
  absent: -0x8000,
  read: (buffer, offset) => buffer.readInt16BE(offset),
  write: (buffer, offset, value) => buffer.writeInt16BE(Number(value), offset),
});
const u32 = (absent: number | undefined, max: number): NumberCodec => ({
  min: 0,
  max,
  absent,
  read: (buffer, offset) => buffer.readUInt32BE(offset),
  write: (buffer, offset, value) => buffer.writeUInt32BE(Number(value), offset),
});
const s32: NumberCodec = {
  min: -0x7fffffff,
  max: 0x7fffffff,
  absent: -0x80000000,
  read: (buffer, offset) => buffer.readInt32BE(offset),
  write: (buffer, offset, value) => buffer.writeInt32BE(Number(value), offset),
};
/** Above 2^53 − 1 a number would lose units: such a value is read as a bigint and refused. */
const u64 = (absent: bigint | undefined): NumberCodec => ({
  min: 0,
  max: Number.MAX_SAFE_INTEGER,
  absent,
  read: (buffer, offset) => {
    const high = buffer.readUInt32BE(offset);
    return high < 0x200000 ? high * 0x100000000 + buffer.readUInt32BE(offset + 4) : buffer.readBigUInt64BE(offset);
  },
  write: (buffer, offset, value) => {
    if (typeof value === 'bigint') {
      buffer.writeBigUInt64BE(value, offset);
      return;
    }
    buffer.writeUInt32BE(Math.floor(value / 0x100000000), offset);
    buffer.writeUInt32BE(value % 0x100000000, offset + 4);
  },
});
const float32: NumberCodec = {
  min: -3.4028234663852886e38,
  max: 3.4028234663852886e38,
  absent: Number.NaN,
  read: (buffer, offset) => buffer.readFloatBE(offset),
  write: (buffer, offset, value) => buffer.writeFloatBE(Number(value), offset),
};

const codecs: Readonly<Record<NumberType, NumberCodec>> = {
  int16: s16(-0x7fff, 0x7fff),
  sunssf: s16(-10, 10),
  uint16: u16(0xffff, 0xfffe),
  enum16: u16(0xffff, 0xfffe),
  bitfield16: u16(0xffff, 0x7fff),
  count: u16(0xffff, 0xfffe),
  int32: s32,
  uint32: u32(0xffffffff, 0xfffffffe),
  bitfield32: u32(0xffffffff, 0x7fffffff),
  // Accumulators say "not implemented" by 0, which an accumulator that has not counted yet says too.
  acc32: u32(undefined, 0xffffffff),
  uint64: u64(0xffffffffffffffffn),
  acc64: u64(undefined),
  float32,
};

/**
 * The raw value of a number, `undefined` where the device says "not implemented". Accumulators are never `undefined`.
 * Throws `GTX-SUN-005` for a value that its type does not allow or that exceeds 2^53 − 1.
 */
export function decodeNumber(type: NumberType, buffer: Buffer, offset: number): number | undefined {
  const codec = codecs[type];
  const value = codec.read(buffer, offset);
  if (value === codec.absent || Number.isNaN(value)) return undefined;
  if (typeof value === 'bigint' || value < codec.min || value > codec.max) {
    throw new GridError('GTX-SUN-005', `${value} is no ${type}`, { hint: 'Check the device type and its firmware.' });
  }
  return value;
}

/** The type can hold the raw value; what stands for "not implemented" is no value. */
export function fitsNumber(type: NumberType, value: number): boolean {
  const { min, max } = codecs[type];
  return (type === 'float32' || Number.isSafeInteger(value)) && value >= min && value <= max;
}

/** Writes a raw value, or "not implemented" for `undefined`. Throws `GTX-SUN-006` for one outside its type. */
export function encodeNumber(type: NumberType, buffer: Buffer, offset: number, value: number | undefined): void {
  const codec = codecs[type];
  if (value !== undefined && !fitsNumber(type, value)) {
    throw new GridError('GTX-SUN-006', `${value} does not fit ${type}, ${codec.min} to ${codec.max}`);
  }
  codec.write(buffer, offset, value ?? codec.absent ?? 0);
}

/** The text of a string point: up to the first NUL, without blanks around it; `undefined` when there is none. */
export function decodeText(buffer: Buffer, offset: number, registers: number): string | undefined {
  const bytes = buffer.subarray(offset, offset + 2 * registers);
  const end = bytes.indexOf(0);
  const text = bytes.toString('utf8', 0, end === -1 ? bytes.length : end).trim();
  return text === '' ? undefined : text;
}

/** Writes a text, padded with NUL. Throws `GTX-SUN-006` when it is longer than the point. */
export function encodeText(buffer: Buffer, offset: number, registers: number, text: string): void {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length > 2 * registers) {
    throw new GridError('GTX-SUN-006', `"${text}" is longer than ${2 * registers} bytes`);
  }
  buffer.fill(0, offset, offset + 2 * registers);
  bytes.copy(buffer, offset);
}

/** Fills a point with what stands for "not implemented". */
export function encodeAbsent({ type, size }: PointTable, buffer: Buffer, offset: number): void {
  if (type === 'string') buffer.fill(0, offset, offset + 2 * size);
  else if (type === 'pad') buffer.writeUInt16BE(0x8000, offset);
  else encodeNumber(type, buffer, offset, undefined);
}

/** Counters round down, so that a unit counts when it is whole; everything else rounds to the nearest. */
const counters: ReadonlySet<PointType> = new Set(['acc32', 'acc64', 'uint64']);

/**
 * raw × 10^exponent as an integer. Powers of ten divide, for 10^-n is no binary fraction.
 * Throws `GTX-SUN-005` when it exceeds 2^53 − 1.
 */
export function scaleToInteger(type: PointType, raw: number, exponent: number): number {
  const value = exponent >= 0 ? raw * 10 ** exponent : raw / 10 ** -exponent;
  const integer = counters.has(type) ? Math.floor(value) : Math.round(value);
  if (!Number.isSafeInteger(integer)) throw new GridError('GTX-SUN-005', `${raw} × 10^${exponent} is out of range`);
  return integer;
}
