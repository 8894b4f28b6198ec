import { GridError, reasonOf } from '#hal/errors.ts';
import { functionCode, maxReadRegisters, maxWriteRegisters } from './protocol.ts';
import type { RegisterTransport } from './transport.ts';

/** What is around unit and PDU in a frame, and whom it may be for. */
export interface FrameShape {
  /** Bytes before the unit. */
  readonly headBytes: number;
  readonly leastUnit: number;
  readonly greatestUnit: number;
}

/** Before the registers of a read's answer, from the unit on: unit, function and number of bytes. */
export const readHeadBytes = 3;
/** From the unit on: unit, function, address and count, or value. */
const writeAnswerBytes = 6;

const verbs: Readonly<Record<number, string>> = { 3: 'reading', 4: 'reading input', 6: 'writing', 16: 'writing' };

const isBetween = (value: number, low: number, high: number): boolean =>
  Number.isInteger(value) && value >= low && value <= high;

/** The requests that a Modbus client makes, whatever frames carry them. */
export abstract class RegisterClient implements RegisterTransport {
  readonly name: string;
  readonly #shape: FrameShape;

  protected constructor(name: string, shape: FrameShape) {
    this.name = name;
    this.#shape = shape;
  }

  abstract start(): Promise<void>;

  readHolding(unit: number, address: number, count: number): Promise<Buffer> {
    return this.#read(functionCode.readHolding, unit, address, count);
  }

  readInput(unit: number, address: number, count: number): Promise<Buffer> {
    return this.#read(functionCode.readInput, unit, address, count);
  }

  async writeHolding(unit: number, address: number, registers: Buffer): Promise<void> {
    const count = registers.length / 2;
    const { headBytes } = this.#shape;
    const frame = this.#frame(7 + registers.length, functionCode.writeMultiple, unit, address, count);
    frame[headBytes + 6] = registers.length;
    registers.copy(frame, headBytes + 7);
    await this.#ask(frame, writeAnswerBytes, this.#isSpan(unit, address, count, maxWriteRegisters));
  }

  /** Writes one holding register (function 6), for devices that lack function 16. */
  async writeSingle(unit: number, address: number, value: number): Promise<void> {
    const frame = this.#frame(6, functionCode.writeSingle, unit, address, value);
    const isValid = this.#isSpan(unit, address, 1, 1) && isBetween(value, 0, 0xffff);
    await this.#ask(frame, writeAnswerBytes, isValid);
  }

  /**
   * Sends a frame, of which only what is before the unit is to be filled; answers the registers of a read.
   * @param answerBytes of the answer from the unit on, when it is not an exception
   */
  protected abstract exchange(frame: Buffer, answerBytes: number): Promise<Buffer>;

  /** A request in words. */
  protected describe(frame: Buffer): string {
    const { headBytes } = this.#shape;
    const fn = frame[headBytes + 1]!;
    const count = fn === functionCode.writeSingle ? 1 : frame.readUInt16BE(headBytes + 4);
    return `${verbs[fn]} ${count} at ${frame.readUInt16BE(headBytes + 2)} of unit ${frame[headBytes]}`;
  }

  protected noConnection(error: unknown): GridError {
    const hint = error instanceof GridError ? error.hint : undefined;
    return new GridError('GTX-MOD-001', `No connection to ${this.name}: ${reasonOf(error)}`, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  protected tooMany(hint: string): GridError {
    return new GridError('GTX-MOD-005', `Too many requests wait for ${this.name}`, { hint });
  }

  protected closed(): GridError {
    return new GridError('GTX-MOD-006', `The client of ${this.name} is closed`);
  }

  #read(fn: 3 | 4, unit: number, address: number, count: number): Promise<Buffer> {
    const frame = this.#frame(6, fn, unit, address, count);
    return this.#ask(frame, readHeadBytes + 2 * count, this.#isSpan(unit, address, count, maxReadRegisters));
  }

  #ask(frame: Buffer, answerBytes: number, isValid: boolean): Promise<Buffer> {
    if (isValid) return this.exchange(frame, answerBytes);
    return Promise.reject(new GridError('GTX-MOD-004', `${this.describe(frame)} is not a Modbus request`));
  }

  #isSpan(unit: number, address: number, count: number, max: number): boolean {
    const { leastUnit, greatestUnit } = this.#shape;
    const isUnit = isBetween(unit, leastUnit, greatestUnit);
    return isUnit && isBetween(count, 1, max) && isBetween(address, 0, 0x10000 - count);
  }

  /** With so many bytes from the unit on; a number out of range is cut to its field here and refused by `#ask`. */
  #frame(bytes: number, fn: number, unit: number, address: number, countOrValue: number): Buffer {
    const { headBytes } = this.#shape;
    const frame = Buffer.allocUnsafe(headBytes + bytes);
    frame[headBytes] = unit;
    frame[headBytes + 1] = fn;
    frame[headBytes + 2] = address >> 8;
    frame[headBytes + 3] = address;
    frame[headBytes + 4] = countOrValue >> 8;
    frame[headBytes + 5] = countOrValue;
    return frame;
  }
}
