import type { SpiDevice } from '#hal/ports.ts';
import { atm90e32, resetCode, unlockCode } from './atm90e32.ts';

/** What flows through one clamp as it hangs on the wire, and the voltage of its phase. */
export interface TwinClamp {
  readonly volts: number;
  /** Mean active power of the elapsed time, W; the sign is the building's, not the clamp's. */
  readonly powerW: number;
}

export interface TwinFitting {
  /** Gains at which the chip shows true values with this clamp and transformer. */
  readonly trueVoltageGain: number;
  readonly trueCurrentGain: number;
  /** Voltage input of the phase that the clamp is on, 1 to 3; its own number when left out. */
  readonly voltageInput?: 1 | 2 | 3;
  /** Times that the clamp divides more than the chip's gains make up for. */
  readonly ratio?: number;
  readonly isReversed?: boolean;
}

const wattHoursPerCount = 0.003125;
const wattsPerCount = 0.00032;
const words = 0x400;
/** Configuration and calibration that is written only while access is enabled. */
const firstLocked = 0x01;
const lastLocked = 0x6f;

/**
 * An ATM90E32 behind SPI frames: a chip that measures what its clamps are given, counts energy with what is left over
 * carried on, clears what is read, and forgets its configuration when its supply fails.
 */
export class Atm90e32Twin implements SpiDevice {
  readonly name = 'spi twin ATM90E32';
  readonly #fittings: readonly TwinFitting[];
  readonly #words = new Uint16Array(words);
  /** Counts with fractions that the energy registers do not show yet, forward and reverse of each phase. */
  readonly #rest: number[] = [0, 0, 0, 0, 0, 0];
  /** Wires that are pulled read as ones. */
  isPresent = true;

  constructor(fittings: readonly [TwinFitting, TwinFitting, TwinFitting]) {
    this.#fittings = fittings;
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
    this.#words.fill(0);
    this.#rest.fill(0);
    this.#words[atm90e32.channelMapI.address] = 0x0210;
    this.#words[atm90e32.channelMapU.address] = 0x0654;
    for (const gain of [...atm90e32.uGain, ...atm90e32.iGain]) this.#words[gain.address] = 0x8000;
  }

  transfer(sent: Buffer): Promise<Buffer> {
    const received = Buffer.alloc(sent.length, this.isPresent ? 0 : 0xff);
    if (this.isPresent && sent.length === 4) {
      const address = ((sent[0]! & 0x03) << 8) | sent[1]!;
      if ((sent[0]! & 0x80) !== 0) received.writeUInt16BE(this.#read(address), 2);
      else this.#write(address, sent.readUInt16BE(2));
    }
    return Promise.resolve(received);
  }

  /** Lets so many seconds pass. Clamps 1 to 3; the voltages are those of the inputs 1 to 3. */
  advance(seconds: number, clamps: readonly [TwinClamp, TwinClamp, TwinClamp]): void {
    const isMetering = this.#words[atm90e32.meterEn.address] === 1;
    for (const [i, { powerW }] of clamps.entries()) {
      const fitting = this.#fittings[i]!;
      const { trueVoltageGain, trueCurrentGain, voltageInput = i + 1, ratio = 1, isReversed = false } = fitting;
      const source = (this.#words[atm90e32.channelMapU.address]! >> (4 * i)) & 0x7;
      const voltageGain = this.#words[atm90e32.uGain[i]!.address]! / trueVoltageGain;
      const currentGain = this.#words[atm90e32.iGain[i]!.address]! / trueCurrentGain;
      // With the voltage of another phase, a third of a turn away, a resistive load shows minus half of its power.
      const phase = source === voltageInput + 3 ? 1 : -0.5;
      const shownW = ((powerW * voltageGain * currentGain * phase) / ratio) * (isReversed ? -1 : 1);
      const volts = (clamps[source - 4]?.volts ?? 0) * voltageGain;
      this.#words[atm90e32.uRms[i]!.address] = isMetering ? Math.min(0xffff, Math.round(volts * 100)) : 0;
      const counts = isMetering ? Math.round(shownW / wattsPerCount) : 0;
      this.#words[atm90e32.pMean[i]!.address] = counts >> 16;
      this.#words[atm90e32.pMeanLsb[i]!.address] = counts;
      if (isMetering) this.#count(i, (shownW * seconds) / 3600 / wattHoursPerCount);
    }
  }

  #count(phase: number, counts: number): void {
    const slot = counts >= 0 ? phase : phase + 3;
    const register = (counts >= 0 ? atm90e32.apEnergy : atm90e32.anEnergy)[phase]!.address;
    const sum = this.#rest[slot]! + Math.abs(counts);
    const whole = Math.floor(sum);
    this.#rest[slot] = sum - whole;
    this.#words[register] = Math.min(0xffff, this.#words[register]! + whole);
  }

  #read(address: number): number {
    const value = this.#words[address]!;
    if (address === atm90e32.lastSpiData.address) return value;
    const isEnergy = address >= 0x80 && address <= 0xaf;
    if (isEnergy) this.#words[address] = 0;
    this.#words[atm90e32.lastSpiData.address] = value;
    return value;
  }

  #write(address: number, value: number): void {
    this.#words[atm90e32.lastSpiData.address] = value;
    if (address === atm90e32.softReset.address) {
      if (value === resetCode) this.reset();
      return;
    }
    const isLocked = address >= firstLocked && address <= lastLocked;
    if (isLocked && this.#words[atm90e32.cfgRegAccEn.address] !== unlockCode) return;
    if (address < 0x80) this.#words[address] = value;
  }
}
