import { GridError } from '#hal/errors.ts';
import type { SpiDevice } from '#hal/ports.ts';
import { nanoPerWh } from './energy-register.ts';
import type { ChipReading, MeteringChip } from './spi-meter.ts';
import { type SpiRegister, SpiRegisters, type SpiWire } from './spi-registers.ts';

const unsigned = (address: number, bytes: 1 | 2 | 4): SpiRegister => ({ address, bytes });
const signed = (address: number): SpiRegister => ({ address, bytes: 4, isSigned: true });

/**
 * The registers in use, those of 24 bits by their 32-bit addresses. Source: Analog Devices ADE7953 data sheet,
 * tables 14 to 16. A and B are the two current channels.
 */
export const ade7953 = {
  lastOp: unsigned(0x0fd, 1),
  unlock: unsigned(0x0fe, 1),
  config: unsigned(0x102, 2),
  reserved1: unsigned(0x120, 2),
  lastAdd: unsigned(0x1fe, 2),
  watt: [signed(0x312), signed(0x313)],
  vRms: unsigned(0x31c, 4),
  /** Signed accumulation; cleared when read (LCYCMODE.RSTREAD, set after a reset). */
  energy: [signed(0x31e), signed(0x31f)],
  iGain: [unsigned(0x380, 4), unsigned(0x38c, 4)],
  vGain: unsigned(0x381, 4),
  wattGain: [unsigned(0x382, 4), unsigned(0x38e, 4)],
} as const;

/** What LAST_OP shows after a read and after a write. */
export const readCode = 0x35;
export const writeCode = 0xca;

const lastData: Readonly<Record<SpiRegister['bytes'], SpiRegister>> = {
  1: unsigned(0x0ff, 1),
  2: unsigned(0x1ff, 2),
  4: unsigned(0x3ff, 4),
};

/** Sixteen bits of address, 0x80 to read or 0 to write, then the data (data sheet, "SPI interface"). */
export const ade7953Wire: SpiWire = {
  headBytes: 3,
  readHead: (address) => [address >> 8, address & 0xff, 0x80],
  writeHead: (address) => [address >> 8, address & 0xff, 0x00],
  echoOf: (bytes) => lastData[bytes],
  books: { address: ade7953.lastAdd, operation: ade7953.lastOp, readCode },
};

export const unlockKey = 0xad;
/** What Reserved1 must hold for the accuracy that the data sheet promises. */
export const optimum = 0x0030;
/** High-pass filter on, bus locked to SPI (CONFIG bit 15 cleared). */
export const configuration = 0x0004;
export const nominalGain = 0x40_0000;

/** One clamp; what a count means depends on the board around the chip. */
export interface Ade7953Clamp {
  readonly wattsPerCount: number;
  readonly wattHoursPerCount: number;
  /** Register values, 0x200000 to 0x600000; nominal (×1) when left out. */
  readonly currentGain?: number;
  readonly powerGain?: number;
  /** True current over what the chip was calibrated for; above 0. */
  readonly ratio?: number;
  readonly isReversed?: boolean;
}

export interface Ade7953Options {
  readonly voltsPerCount: number;
  readonly voltageGain?: number;
  /** Current channels A and B. */
  readonly clamps: readonly [Ade7953Clamp, Ade7953Clamp];
}

/** An ADE7953: two clamps on one voltage. Errors as `SpiMeter` tells them. */
export class Ade7953 implements MeteringChip {
  readonly channels = 2;
  readonly name: string;
  readonly #device: SpiDevice;
  readonly #registers: SpiRegisters;
  readonly #options: Ade7953Options;
  /** Counts that were taken from the chip and not handed on yet. */
  #pending = [0, 0];

  constructor(device: SpiDevice, options: Ade7953Options) {
    this.name = device.name;
    this.#device = device;
    this.#registers = new SpiRegisters(device, ade7953Wire);
    this.#options = options;
  }

  /** A chip that has its configuration is left alone. */
  async setUp(): Promise<boolean> {
    await this.#device.start();
    if ((await this.#misfit()) === undefined) return false;
    const registers = this.#registers;
    // The key opens Reserved1 for the very next access.
    await registers.write(ade7953.unlock, unlockKey);
    for (const [register, value] of this.#configuration()) await registers.write(register, value);
    const misfit = await this.#misfit();
    if (misfit === undefined) return true;
    throw new GridError('GTX-SPI-002', `No ADE7953 on ${this.name}: ${misfit}`, {
      hint: 'Check chip select, wiring and the SPI device in the board file, and that the chip has its supply.',
    });
  }

  async isSetUp(): Promise<boolean> {
    return (await this.#registers.read(ade7953.reserved1)) === optimum;
  }

  async read(): Promise<ChipReading> {
    const powersW: number[] = [];
    for (const [i, clamp] of this.#options.clamps.entries()) {
      const counts = await this.#registers.read(ade7953.watt[i]!);
      powersW.push(Math.round(counts * clamp.wattsPerCount * factorOf(clamp)));
    }
    const voltsRms = (await this.#registers.read(ade7953.vRms)) * this.#options.voltsPerCount;
    return { voltsRms, powersW };
  }

  async takeEnergy(): Promise<readonly number[]> {
    for (const i of this.#pending.keys()) this.#pending[i]! += await this.#registers.read(ade7953.energy[i]!);
    const counts = this.#pending;
    this.#pending = [0, 0];
    return this.#options.clamps.map((clamp, i) => {
      return Math.round(counts[i]! * clamp.wattHoursPerCount * factorOf(clamp) * nanoPerWh);
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

  #configuration(): readonly (readonly [SpiRegister, number])[] {
    const { voltageGain = nominalGain, clamps } = this.#options;
    return [
      [ade7953.reserved1, optimum],
      [ade7953.config, configuration],
      [ade7953.vGain, voltageGain],
      ...clamps.flatMap(({ currentGain = nominalGain, powerGain = nominalGain }, i) => [
        [ade7953.iGain[i]!, currentGain] as const,
        [ade7953.wattGain[i]!, powerGain] as const,
      ]),
    ];
  }
}

const factorOf = ({ ratio = 1, isReversed = false }: Ade7953Clamp): number => (isReversed ? -ratio : ratio);

const hex = (value: number): string => `0x${value.toString(16)}`;
