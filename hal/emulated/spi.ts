import { GridError } from '../errors.ts';
import type { SpiDevice } from '../ports.ts';

/** A chip at the end of an SPI bus: what it drives out while the master clocks bytes in, as many of them. */
export type SpiChip = (sent: Buffer) => Buffer;

/** An SPI bus in software, with a model of a chip on it. */
export class EmulatedSpi implements SpiDevice {
  readonly name: string;
  readonly #chip: SpiChip;
  #isStarted = false;

  constructor(name: string, chip: SpiChip) {
    this.name = `spi ${name} (emulated)`;
    this.#chip = chip;
  }

  async start(): Promise<void> {
    this.#isStarted = true;
  }

  async transfer(sent: Buffer): Promise<Buffer> {
    if (!this.#isStarted) throw new GridError('GTX-HAL-006', `${this.name} is not started`);
    const received = this.#chip(Buffer.from(sent));
    if (received.length === sent.length) return received;
    throw new RangeError(`a chip that is clocked ${sent.length} bytes gives as many, not ${received.length}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStarted = false;
  }
}
