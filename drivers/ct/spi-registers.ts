import { GridError } from '#hal/errors.ts';
import type { SpiDevice } from '#hal/ports.ts';

/** A register of a metering chip. */
export interface SpiRegister {
  readonly address: number;
  readonly bytes: 1 | 2 | 4;
  readonly isSigned?: boolean;
  /** Reading it clears it. */
  readonly clears?: boolean;
}

/** How a chip frames its registers on the bus. */
export interface SpiWire {
  /** Bytes before the data. */
  readonly headBytes: number;
  readHead(address: number): readonly number[];
  writeHead(address: number): readonly number[];
  /** The register that repeats the data of the last access of that size, without changing it. */
  echoOf(bytes: SpiRegister['bytes']): SpiRegister;
  /** The registers that tell the address of the last access, and what it was, where the chip has them. */
  readonly books?: { readonly address: SpiRegister; readonly operation: SpiRegister; readonly readCode: number };
}

/** Answers asked for at most until two in a row agree. */
const mostReads = 5;

/**
 * The registers of one chip. A bus of this kind has no checksum, so no answer is believed alone. A chip that keeps
 * books on its last access is asked for address, kind and data of it; of another, a register is read until two answers in a
 * row agree, and one that clears on reading is confirmed by the chip's memory of that access.
 *
 * Errors: `GTX-SPI-001` the answers do not agree · `GTX-HAL-…` the bus fails.
 */
export class SpiRegisters {
  readonly #device: SpiDevice;
  readonly #wire: SpiWire;

  constructor(device: SpiDevice, wire: SpiWire) {
    this.#device = device;
    this.#wire = wire;
  }

  async read(register: SpiRegister): Promise<number> {
    const { books } = this.#wire;
    const first = await this.#once(register);
    const echo = { ...this.#wire.echoOf(register.bytes), isSigned: register.isSigned === true };
    if (books === undefined) return this.#agreed(register.clears === true ? echo : register, first, register);
    const value = await this.#agreed(echo, first, register);
    // Asked for last: whatever of the above went to another register, they tell.
    const address = await this.#agreed(books.address, await this.#once(books.address), register);
    const operation = await this.#agreed(books.operation, await this.#once(books.operation), register);
    if (address !== register.address || operation !== books.readCode) throw this.#disagreement(register);
    return value;
  }

  /** Nothing tells whether it arrived: what is written is read afterwards. */
  async write({ address, bytes }: SpiRegister, value: number): Promise<void> {
    const { headBytes } = this.#wire;
    const sent = Buffer.alloc(headBytes + bytes);
    sent.set(this.#wire.writeHead(address));
    sent.writeUIntBE(value, headBytes, bytes);
    await this.#device.transfer(sent);
  }

  async #agreed(again: SpiRegister, first: number, asked: SpiRegister): Promise<number> {
    let last = first;
    for (let reads = 1; reads < mostReads; reads++) {
      const next = await this.#once(again);
      if (next === last) return last;
      last = next;
    }
    throw this.#disagreement(asked);
  }

  async #once({ address, bytes, isSigned }: SpiRegister): Promise<number> {
    const { headBytes } = this.#wire;
    const sent = Buffer.alloc(headBytes + bytes);
    sent.set(this.#wire.readHead(address));
    const received = await this.#device.transfer(sent);
    return isSigned === true ? received.readIntBE(headBytes, bytes) : received.readUIntBE(headBytes, bytes);
  }

  #disagreement({ address }: SpiRegister): GridError {
    const at = `0x${address.toString(16).padStart(4, '0')}`;
    return new GridError('GTX-SPI-001', `${this.#device.name} answers register ${at} differently each time`, {
      hint: 'Shorten the SPI wires, lower the bus clock and check ground and supply of the metering chip.',
    });
  }
}
