import type { SpiDevice } from '#hal/ports.ts';
import { ade7953, nominalGain, optimum, readCode, unlockKey, writeCode } from './ade7953.ts';
import type { TwinClamp } from './atm90e32-twin.ts';

/** How the board around the chip scales what it measures, and the gains (1 = nominal) at which that is true. */
export interface Ade7953Fitting {
  readonly voltsPerCount: number;
  readonly trueVoltageGain?: number;
  readonly clamps: readonly [Ade7953ClampFitting, Ade7953ClampFitting];
}

export interface Ade7953ClampFitting {
  readonly wattsPerCount: number;
  readonly wattHoursPerCount: number;
  readonly trueCurrentGain?: number;
  readonly truePowerGain?: number;
  /** Times that the clamp divides more than the gains make up for. */
  readonly ratio?: number;
  readonly isReversed?: boolean;
}

/** Registers of the chip's own bookkeeping: reading them changes nothing. */
const bookkeeping = new Set([0x0fd, 0x0fe, 0x0ff, 0x1fe, 0x1ff, 0x2ff, 0x3ff]);
/** Of the 24-bit energy registers: they roll over. */
const turn = 2 ** 24;

/** The bytes of a register are told by its address (ADE7953 data sheet, "Register map"). */
const bytesAt = (address: number): number => (address < 0x100 ? 1 : address < 0x200 ? 2 : address < 0x300 ? 3 : 4);

/** An ADE7953 behind SPI frames: registers of 8 to 32 bits, energy that clears on reading and rolls over. */
export class Ade7953Twin implements SpiDevice {
  readonly name = 'spi twin ADE7953';
  readonly #fitting: Ade7953Fitting;
  readonly #values = new Map<number, number>();
  readonly #energy = [0, 0];
  #isUnlocked = false;

  constructor(fitting: Ade7953Fitting) {
    this.#fitting = fitting;
    this.reset();
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /** As at power-up. */
  reset(): void {
    this.#values.clear();
    this.#energy.fill(0);
    this.#values.set(ade7953.config.address, 0x8004);
    for (const { address } of [...ade7953.iGain, ...ade7953.wattGain, ade7953.vGain]) {
      this.#values.set(address, nominalGain);
    }
  }

  transfer(sent: Buffer): Promise<Buffer> {
    const received = Buffer.alloc(sent.length);
    const address = sent.readUInt16BE(0);
    const bytes = bytesAt(address);
    if (sent.length === 3 + bytes) {
      if ((sent[2]! & 0x80) !== 0) received.writeUIntBE(this.#read(address) % 2 ** (8 * bytes), 3, bytes);
      else this.#write(address, sent.readUIntBE(3, bytes));
    }
    return Promise.resolve(received);
  }

  /** Lets so many seconds pass with these flows through clamps A and B. */
  advance(seconds: number, clamps: readonly [TwinClamp, TwinClamp]): void {
    const gainOf = ({ address }: { readonly address: number }): number => this.#values.get(address)! / nominalGain;
    const voltageGain = gainOf(ade7953.vGain) / (this.#fitting.trueVoltageGain ?? 1);
    this.#values.set(ade7953.vRms.address, Math.round((clamps[0].volts * voltageGain) / this.#fitting.voltsPerCount));
    for (const [i, { powerW }] of clamps.entries()) {
      const fitting = this.#fitting.clamps[i]!;
      const { wattsPerCount, wattHoursPerCount, ratio = 1, isReversed = false } = fitting;
      const currentGain = gainOf(ade7953.iGain[i]!) / (fitting.trueCurrentGain ?? 1);
      const powerGain = gainOf(ade7953.wattGain[i]!) / (fitting.truePowerGain ?? 1);
      const shownW = ((powerW * voltageGain * currentGain * powerGain) / ratio) * (isReversed ? -1 : 1);
      this.#values.set(ade7953.watt[i]!.address, Math.round(shownW / wattsPerCount) >>> 0);
      this.#energy[i]! += (shownW * seconds) / 3600 / wattHoursPerCount;
    }
  }

  #read(address: number): number {
    const value = this.#valueAt(address);
    if (!bookkeeping.has(address)) this.#remember(address, value, readCode);
    return value;
  }

  #valueAt(address: number): number {
    const i = ade7953.energy.findIndex((register) => register.address === address);
    if (i === -1) return this.#values.get(address) ?? 0;
    const whole = Math.trunc(this.#energy[i]!);
    this.#energy[i]! -= whole;
    // Sign-extended to 32 bits.
    const rolled = (((whole + turn / 2) % turn) + turn) % turn;
    return (rolled - turn / 2) >>> 0;
  }

  #write(address: number, value: number): void {
    const isUnlocked = this.#isUnlocked;
    this.#isUnlocked = address === ade7953.unlock.address && value === unlockKey;
    if (address === ade7953.reserved1.address && (!isUnlocked || value !== optimum)) return;
    if (!bookkeeping.has(address)) {
      this.#values.set(address, value);
      this.#remember(address, value, writeCode);
    }
  }

  #remember(address: number, value: number, operation: number): void {
    this.#values.set(ade7953.lastOp.address, operation);
    this.#values.set(ade7953.lastAdd.address, address);
    this.#values.set([0x0ff, 0x1ff, 0x2ff, 0x3ff][bytesAt(address) - 1]!, value);
  }
}
