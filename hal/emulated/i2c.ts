import { GridError } from '../errors.ts';
import type { I2cBus } from '../ports.ts';

/** A chip on an I2C bus: takes what is written and gives as many bytes as are read after it. */
export type I2cChip = (written: Buffer, length: number) => Buffer;

/** An I2C bus in software; where no chip answers a transaction fails with `GTX-HAL-005`, as on a real one. */
export class EmulatedI2c implements I2cBus {
  readonly name: string;
  /** By address of 7 bits; chips come and go while the bus runs. */
  readonly chips: Map<number, I2cChip>;
  #isStarted = false;

  constructor(name: string, chips: ReadonlyMap<number, I2cChip>) {
    this.name = `i2c ${name} (emulated)`;
    this.chips = new Map(chips);
  }

  async start(): Promise<void> {
    this.#isStarted = true;
  }

  async transfer(address: number, sent: Buffer, length: number): Promise<Buffer> {
    if (!this.#isStarted) throw new GridError('GTX-HAL-006', `${this.name} is not started`);
    const chip = this.chips.get(address);
    if (chip === undefined) {
      throw new GridError('GTX-HAL-005', `${this.name}: a transaction with 0x${address.toString(16)} failed: ENXIO`);
    }
    const received = chip(Buffer.from(sent), length);
    if (received.length === length) return received;
    throw new RangeError(`a chip that is asked for ${length} bytes gives as many, not ${received.length}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStarted = false;
  }
}
