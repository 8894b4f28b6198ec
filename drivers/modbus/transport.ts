/**
 * What a driver of a Modbus device needs of its bus. Addresses are on the wire (0 to 65,535); buffers are big-endian,
 * two bytes a register. Writes to one unit are carried out in the order in which they were made, and a read never
 * passes a write to its unit that was asked for before it; a bus that several units share sends writes first. Every
 * call rejects with a `GridError` (`GTX-MOD-…`).
 */
export interface RegisterTransport {
  /** How a person finds it: `tcp 192.0.2.7:502`. */
  readonly name: string;
  /** Connects. A bus that is connected already stays as it is. */
  start(): Promise<void>;
  /** Reads 1 to 125 holding registers (function 3). */
  readHolding(unit: number, address: number, count: number): Promise<Buffer>;
  /** Reads 1 to 125 input registers (function 4). */
  readInput(unit: number, address: number, count: number): Promise<Buffer>;
  /** Writes 1 to 123 holding registers in one request (function 16). */
  writeHolding(unit: number, address: number, registers: Buffer): Promise<void>;
}
