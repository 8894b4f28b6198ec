import { GridError } from '#hal/errors.ts';
import type { SpiDevice } from '#hal/ports.ts';
import type { ChipReading, MeteringChip } from './spi-meter.ts';
import { type SpiRegister, SpiRegisters, type SpiWire } from './spi-registers.ts';

const at = (address: number): SpiRegister => ({ address, bytes: 2 });
type OfPhases = readonly [SpiRegister, SpiRegister, SpiRegister];
const ofPhases = (first: number, step: number): OfPhases => [at(first), at(first + step), at(first + 2 * step)];
const clearing = (first: number): OfPhases => {
  const [a, b, c] = ofPhases(first, 1);
  return [
    { ...a, clears: true },
    { ...b, clears: true },
    { ...c, clears: true },
  ];
};

/**
 * The registers in use. Source: Microchip ATM90E32AS data sheet (DS20005853) §6; each has 16 bits. What is one phase's
 * is given for A, B and C.
 */
export const atm90e32 = {
  meterEn: at(0x00),
  channelMapI: at(0x01),
  channelMapU: at(0x02),
  plConstH: at(0x31),
  plConstL: at(0x32),
  mMode0: at(0x33),
  mMode1: at(0x34),
  pOffset: ofPhases(0x41, 2),
  pqGain: ofPhases(0x47, 2),
  phi: ofPhases(0x48, 2),
  uGain: ofPhases(0x61, 4),
  iGain: ofPhases(0x62, 4),
  softReset: at(0x70),
  lastSpiData: at(0x78),
  cfgRegAccEn: at(0x7f),
  /** Forward and reverse active energy; cleared when read. */
  apEnergy: clearing(0x81),
  anEnergy: clearing(0x85),
  /** Mean active power, signed, high and low words. */
  pMean: ofPhases(0xb1, 1),
  pMeanLsb: ofPhases(0xc1, 1),
  uRms: ofPhases(0xd9, 1),
} as const;

/** Read = 0x80 | high address byte (two bits), low byte; data most significant byte first (data sheet §4.1). */
export const atm90e32Wire: SpiWire = {
  headBytes: 2,
  readHead: (address) => [0x80 | ((address >> 8) & 0x03), address & 0xff],
  writeHead: (address) => [(address >> 8) & 0x03, address & 0xff],
  echoOf: () => atm90e32.lastSpiData,
};

export const resetCode = 0x789a;
export const unlockCode = 0x55aa;
const wattsPerCount = 0.00032;
const voltsPerCount = 0.01;
/** 1 / 3,200 kWh a pulse (PL_Constant below), 1 / 100 pulse a count: 0.003125 Wh. */
const nanoWhPerCount = 3_125_000;
/** 450,000,000,000 / 3,200 pulses a kWh. */
const plConstant = 0x0861_c468;
/** Three phases, four wires, high-pass filter on, all phases counted; bit 12: 60 Hz. */
const mMode0 = 0x0087;
const mMode0At60Hz = 0x1000;
/** Of an energy counter of 16 bits: 204.8 Wh. */
const fullCount = 0xffff;

/** One clamp and the voltage that belongs to it. */
export interface Atm90e32Clamp {
  /** Voltage input whose phase the clamp is on: 1 to 3. */
  readonly voltageInput: 1 | 2 | 3;
  /** Register values 0 to 65,535 as calibrated. */
  readonly voltageGain: number;
  readonly currentGain: number;
  /** Register value, two's complement. */
  readonly powerOffset?: number;
  /** True current over what the chip was calibrated for: a clamp that exceeds its 65 A is calibrated down. Above 0. */
  readonly ratio?: number;
  readonly isReversed?: boolean;
}

export interface Atm90e32Options {
  readonly lineHz: 50 | 60;
  /** MMode1: amplification of the current inputs as the board's clamps need it; 0 is ×1. */
  readonly pgaGain?: number;
  /** Current inputs 1 to 3. */
  readonly clamps: readonly [Atm90e32Clamp, Atm90e32Clamp, Atm90e32Clamp];
}

/** An ATM90E32AS: three clamps, three voltages. Errors as `SpiMeter` tells them. */
export class Atm90e32 implements MeteringChip {
  readonly channels = 3;
  readonly name: string;
  readonly #device: SpiDevice;
  readonly #registers: SpiRegisters;
  readonly #options: Atm90e32Options;
  #overruns = 0;
  /** Counts that were taken from the chip and not handed on yet. */
  #pending = [0, 0, 0];

  constructor(device: SpiDevice, options: Atm90e32Options) {
    this.name = device.name;
    this.#device = device;
    this.#registers = new SpiRegisters(device, atm90e32Wire);
    this.#options = options;
  }

  /** Times that an energy counter was found full: what flowed beyond it is lost, not guessed. */
  get overruns(): number {
    return this.#overruns;
  }

  /** A chip that has its configuration is left alone: what it counted while the board was down is in it. */
  async setUp(): Promise<boolean> {
    await this.#device.start();
    if ((await this.#misfit()) === undefined) return false;
    const registers = this.#registers;
    await registers.write(atm90e32.softReset, resetCode);
    await registers.write(atm90e32.cfgRegAccEn, unlockCode);
    for (const [register, value] of this.#configuration()) await registers.write(register, value);
    await registers.write(atm90e32.cfgRegAccEn, 0);
    const misfit = await this.#misfit();
    if (misfit === undefined) return true;
    throw new GridError('GTX-SPI-002', `No ATM90E32 on ${this.name}: ${misfit}`, {
      hint: 'Check chip select, wiring and the SPI device in the board file, and that the chip has its supply.',
    });
  }

  async isSetUp(): Promise<boolean> {
    const gain = this.#options.clamps[0].voltageGain;
    const { meterEn, uGain } = atm90e32;
    return (await this.#registers.read(meterEn)) === 1 && (await this.#registers.read(uGain[0])) === gain;
  }

  async read(): Promise<ChipReading> {
    const powersW: number[] = [];
    for (const [i, { ratio = 1, isReversed = false }] of this.#options.clamps.entries()) {
      const counts = await this.#power(i);
      powersW.push(Math.round(counts * wattsPerCount * ratio) * (isReversed ? -1 : 1));
    }
    const volts = await this.#registers.read(atm90e32.uRms[0]);
    return { voltsRms: volts * voltsPerCount, powersW };
  }

  async takeEnergy(): Promise<readonly number[]> {
    for (const i of this.#pending.keys()) {
      this.#pending[i]! += await this.#taken(atm90e32.apEnergy[i]!);
      this.#pending[i]! -= await this.#taken(atm90e32.anEnergy[i]!);
    }
    const counts = this.#pending;
    this.#pending = [0, 0, 0];
    return this.#options.clamps.map(({ ratio = 1, isReversed = false }, i) => {
      return Math.round(counts[i]! * nanoWhPerCount * ratio) * (isReversed ? -1 : 1);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#device[Symbol.asyncDispose]();
  }

  /** The first register that does not hold what it should. */
  async #misfit(): Promise<string | undefined> {
    for (const [register, value] of this.#configuration()) {
      const found = await this.#registers.read(register);
      if (found !== value) return `register ${hex(register.address)} holds ${hex(found)}, not ${hex(value)}`;
    }
    return undefined;
  }

  async #taken(register: SpiRegister): Promise<number> {
    const count = await this.#registers.read(register);
    if (count === fullCount) this.#overruns++;
    return count;
  }

  /** High and low word of one moment: between two equal high words. */
  async #power(channel: number): Promise<number> {
    const [high, low] = [atm90e32.pMean[channel]!, atm90e32.pMeanLsb[channel]!];
    let upper = await this.#registers.read(high);
    for (;;) {
      const lower = await this.#registers.read(low);
      const again = await this.#registers.read(high);
      if (again === upper) return (upper << 16) | lower | 0;
      upper = again;
    }
  }

  #configuration(): readonly (readonly [SpiRegister, number])[] {
    const { lineHz, pgaGain = 0, clamps } = this.#options;
    // Sources of the phases' voltages: 4 to 6 are the voltage inputs, four bits a phase (data sheet, ChannelMapU).
    const voltages = clamps.reduce((map, { voltageInput }, i) => map | ((voltageInput + 3) << (4 * i)), 0);
    return [
      [atm90e32.channelMapI, 0x0210],
      [atm90e32.channelMapU, voltages],
      [atm90e32.plConstH, plConstant >>> 16],
      [atm90e32.plConstL, plConstant & 0xffff],
      [atm90e32.mMode0, lineHz === 60 ? mMode0 | mMode0At60Hz : mMode0],
      [atm90e32.mMode1, pgaGain],
      ...clamps.flatMap(({ voltageGain, currentGain, powerOffset = 0 }, i) => [
        [atm90e32.uGain[i]!, voltageGain] as const,
        [atm90e32.iGain[i]!, currentGain] as const,
        [atm90e32.pOffset[i]!, powerOffset & 0xffff] as const,
      ]),
      [atm90e32.meterEn, 1],
    ];
  }
}

const hex = (value: number): string => `0x${value.toString(16)}`;
