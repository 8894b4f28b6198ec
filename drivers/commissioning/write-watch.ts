import type { RegisterTransport } from '../modbus/transport.ts';

/** Registers that were written to a unit, or would have been. */
export interface WatchedWrite {
  readonly unit: number;
  readonly address: number;
  readonly registers: Buffer;
}

export interface WriteWatchOptions {
  /** Nothing reaches the bus: what is written is only read back. */
  readonly isDry: boolean;
  /** Writes that are remembered; the oldest make room. */
  readonly most?: number;
}

const usualMost = 1000;

/**
 * A bus that remembers what is written through it. A dry one keeps the writes to itself and shows them to whoever reads
 * these registers, so that a driver does all that it would do, and nothing happens.
 */
export class WriteWatch implements RegisterTransport {
  readonly name: string;
  readonly #bus: RegisterTransport;
  readonly #options: WriteWatchOptions;
  readonly #writes: WatchedWrite[] = [];
  /** By unit and address: two bytes a register. */
  readonly #kept = new Map<number, Map<number, number>>();

  constructor(bus: RegisterTransport, options: WriteWatchOptions) {
    this.name = bus.name;
    this.#bus = bus;
    this.#options = options;
  }

  /** In their order. */
  get writes(): readonly WatchedWrite[] {
    return this.#writes;
  }

  start(): Promise<void> {
    return this.#bus.start();
  }

  async readHolding(unit: number, address: number, count: number): Promise<Buffer> {
    const registers = Buffer.from(await this.#bus.readHolding(unit, address, count));
    for (const [at, value] of this.#kept.get(unit) ?? []) {
      if (at >= address && at < address + count) registers.writeUInt16BE(value, 2 * (at - address));
    }
    return registers;
  }

  readInput(unit: number, address: number, count: number): Promise<Buffer> {
    return this.#bus.readInput(unit, address, count);
  }

  async writeHolding(unit: number, address: number, registers: Buffer): Promise<void> {
    this.#writes.push({ unit, address, registers: Buffer.from(registers) });
    if (this.#writes.length > (this.#options.most ?? usualMost)) this.#writes.shift();
    if (!this.#options.isDry) {
      await this.#bus.writeHolding(unit, address, registers);
      return;
    }
    const kept = this.#kept.get(unit) ?? new Map<number, number>();
    for (let i = 0; 2 * i < registers.length; i++) kept.set(address + i, registers.readUInt16BE(2 * i));
    this.#kept.set(unit, kept);
  }
}
