import { GridError } from '#hal/errors.ts';

interface TypeCodec {
  /** Of 16 bits each. */
  readonly registers: number;
  readonly isFloat?: true;
  /** What the type can hold; 64-bit integers only as far as a number is exact. */
  readonly range: readonly [least: number, greatest: number];
  read(buffer: Buffer): number;
  write(buffer: Buffer, value: number): void;
}

const integer = (bytes: 2 | 4, isSigned: boolean): TypeCodec => {
  const steps = 2 ** (8 * bytes);
  return {
    registers: bytes / 2,
    range: isSigned ? [-steps / 2, steps / 2 - 1] : [0, steps - 1],
    read: (buffer) => (isSigned ? buffer.readIntBE(0, bytes) : buffer.readUIntBE(0, bytes)),
    write: (buffer, value) =>
      void (isSigned ? buffer.writeIntBE(value, 0, bytes) : buffer.writeUIntBE(value, 0, bytes)),
  };
};

/** How numbers stand in registers, the first byte the most significant; other orders are turned round before. */
export const registerTypes = {
  int16: integer(2, true),
  uint16: integer(2, false),
  int32: integer(4, true),
  uint32: integer(4, false),
  int64: {
    registers: 4,
    range: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    read: (buffer) => Number(buffer.readBigInt64BE(0)),
    write: (buffer, value) => void buffer.writeBigInt64BE(BigInt(value)),
  },
  uint64: {
    registers: 4,
    range: [0, Number.MAX_SAFE_INTEGER],
    read: (buffer) => Number(buffer.readBigUInt64BE(0)),
    write: (buffer, value) => void buffer.writeBigUInt64BE(BigInt(value)),
  },
  float32: {
    registers: 2,
    isFloat: true,
    range: [-3.4028234663852886e38, 3.4028234663852886e38],
    read: (buffer) => buffer.readFloatBE(0),
    write: (buffer, value) => void buffer.writeFloatBE(value),
  },
} as const satisfies Readonly<Record<string, TypeCodec>>;
export type RegisterType = keyof typeof registerTypes;

export const registersOf = (type: RegisterType): number => registerTypes[type].registers;

/** How a value's registers, and the bytes of each, follow one another on the wire. */
export interface RegisterOrder {
  readonly wordOrder: 'high-first' | 'low-first';
  readonly byteOrder?: 'high-first' | 'low-first';
}

export interface NumberPoint {
  readonly type: RegisterType;
  /** One step of the register in the point's unit; 1 when left out. */
  readonly scale?: number;
  /** The raw value, as an unsigned number of its width, that stands for "no value". */
  readonly absent?: number;
}

/** Turns wire order into big-endian and back. */
function reorder(buffer: Buffer, { wordOrder, byteOrder }: RegisterOrder): Buffer {
  const turned = Buffer.from(buffer);
  if (wordOrder === 'low-first') turned.swap16().reverse();
  return byteOrder === 'low-first' ? turned.swap16() : turned;
}

/** 10^-n is no binary fraction: powers of ten below 1 divide. */
function scaled(raw: number, scale: number): number {
  const steps = Math.round(1 / scale);
  return Math.abs(scale) < 1 && Math.abs(1 / scale - steps) < 1e-9 ? raw / steps : raw * scale;
}

/**
 * The value of a point in its unit; `undefined` where the device says that it has none (`absent`, NaN, infinite).
 * @throws GridError GTX-MAP-003 for a 64-bit integer beyond what a number holds exactly
 */
export function decodePoint(point: NumberPoint, order: RegisterOrder, buffer: Buffer, offset = 0): number | undefined {
  const codec: TypeCodec = registerTypes[point.type];
  const bytes = reorder(buffer.subarray(offset, offset + 2 * codec.registers), order);
  if (point.absent !== undefined && BigInt(`0x${bytes.toString('hex')}`) === BigInt(point.absent)) return undefined;
  const raw = codec.read(bytes);
  if (codec.isFloat === true) return Number.isFinite(raw) ? scaled(raw, point.scale ?? 1) : undefined;
  if (Number.isSafeInteger(raw)) return scaled(raw, point.scale ?? 1);
  throw new GridError('GTX-MAP-003', `A register says ${raw}, which is more than any meter counts`, {
    hint: 'Check the word order and the type of the point in the register map.',
  });
}

/**
 * The registers that show a value, rounded to the point's step.
 * @throws GridError GTX-MAP-004 for a value that the type does not hold
 */
export function encodePoint(point: NumberPoint, order: RegisterOrder, value: number): Buffer {
  const codec: TypeCodec = registerTypes[point.type];
  const steps = scaled(value, 1 / (point.scale ?? 1));
  const raw = codec.isFloat === true ? steps : Math.round(steps);
  const [least, greatest] = codec.range;
  if (!(raw >= least && raw <= greatest)) {
    throw new GridError('GTX-MAP-004', `${value} does not fit a register of type ${point.type}`, { kind: 'input' });
  }
  const bytes = Buffer.alloc(2 * codec.registers);
  codec.write(bytes, raw + 0);
  return reorder(bytes, order);
}

/** The least difference between two values of a point near `value`, in its unit. */
export function stepOf({ type, scale = 1 }: NumberPoint, value: number): number {
  const isFloat = (registerTypes[type] as TypeCodec).isFloat === true;
  return Math.abs(scale) * (isFloat ? 2 ** (Math.floor(Math.log2(Math.max(1e-30, Math.abs(value / scale)))) - 23) : 1);
}
