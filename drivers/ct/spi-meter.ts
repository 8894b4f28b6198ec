import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import { type UnixSeconds, W } from '#hal/units.ts';
import { delay, monotonicMs } from '#hal/wall.ts';
import type { ClampFrame, SiteMeter } from '../capabilities.ts';
import type { DeviceMemory } from '../driver.ts';
import { addEnergy, type EnergyRegister, restoredEnergy } from './energy-register.ts';

/** What a chip measures now: volts of its first voltage input, and integer W of each clamp. */
export interface ChipReading {
  readonly voltsRms: number;
  readonly powersW: readonly number[];
}

/** A metering chip behind SPI. Every call rejects with a `GridError`. */
export interface MeteringChip extends AsyncDisposable {
  readonly name: string;
  readonly channels: number;
  /**
   * Opens the bus, and writes configuration and calibration and reads them back unless the chip has them. Answers
   * whether it was set up anew: it has measured nothing yet then.
   */
  setUp(): Promise<boolean>;
  /** Whether it still has its configuration: a brown-out takes it. */
  isSetUp(): Promise<boolean>;
  read(): Promise<ChipReading>;
  /** Net energy of each clamp since it was last taken, signed integer nano-watt-hours; the chip forgets it. */
  takeEnergy(): Promise<readonly number[]>;
}

/**
 * Energy is taken from the chip at multiples of so many seconds and kept at once: what a crash between the two can
 * lose is one such period, and the memory is written no more often. Readings are posted at the same multiples.
 */
const energySeconds = 15;
/** A chip that was just set up shows nothing of use for so long. */
const settleSeconds = 2;
const pollMs = 20;

/**
 * A CT front-end that is a chip on an SPI bus, read when a frame is asked for. Its energy survives restarts of the
 * board in the memory, and a restart of the chip is noticed and mended.
 *
 * Errors: `GTX-SPI-001` answers do not agree · `002` no chip, or not this one · `003` the chip lost its configuration
 * · `004` no frame in time · `005` closed · `006` what was kept is damaged · `008` it settles.
 */
export class SpiMeter implements SiteMeter {
  readonly #chip: MeteringChip;
  readonly #memory: DeviceMemory;
  readonly #clock: Pick<Clock, 'now'>;
  #energy: readonly EnergyRegister[] | undefined;
  #energyAt = Number.NEGATIVE_INFINITY;
  #message = 0;
  #memoryError: GridError | undefined;
  #reading: Promise<ClampFrame> | undefined;
  #isClosed = false;
  #isSetUp = false;
  #settledAt = Number.NEGATIVE_INFINITY;

  constructor(chip: MeteringChip, memory: DeviceMemory, clock: Pick<Clock, 'now'>) {
    this.#chip = chip;
    this.#memory = memory;
    this.#clock = clock;
  }

  /** Why the energy registers could not be kept the last time; `undefined` when they were. */
  get memoryError(): GridError | undefined {
    return this.#memoryError;
  }

  async start(): Promise<void> {
    this.#energy ??= restoredEnergy(this.#memory.read(), this.#chip.channels, this.#chip.name);
    if (!this.#isSetUp) await this.#setUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    // Whoever asked for it learns of its failure.
    await this.#reading?.catch(() => undefined);
    await this.#chip[Symbol.asyncDispose]();
  }

  async frameAfter(after: UnixSeconds, timeoutMs: number): Promise<ClampFrame> {
    const until = monotonicMs() + timeoutMs;
    // A clock that was set back does not keep the meter silent until it has caught up.
    const bound = Math.min(after, this.#clock.now() - (this.#clock.now() < after ? 1 : 0));
    for (;;) {
      if (this.#isClosed) throw new GridError('GTX-SPI-005', `The meter on ${this.#chip.name} is closed`);
      const now = this.#clock.now();
      if (now > bound) {
        this.#reading ??= this.#read(now).finally(() => {
          this.#reading = undefined;
        });
        const frame = await this.#reading;
        if (frame.receivedAt > bound) return frame;
      }
      if (monotonicMs() >= until) {
        throw new GridError('GTX-SPI-004', `No new reading of ${this.#chip.name} within ${timeoutMs} ms`, {
          hint: 'Check that the clock of the board runs.',
        });
      }
      await delay(pollMs);
    }
  }

  async #read(now: UnixSeconds): Promise<ClampFrame> {
    await this.start();
    if (!(await this.#chip.isSetUp())) {
      await this.#setUp();
      throw new GridError('GTX-SPI-003', `${this.#chip.name} had lost its configuration; it was set up again`, {
        hint: 'When it happens again, check the supply of the metering chip: it restarts.',
      });
    }
    if (now < this.#settledAt && now >= this.#settledAt - settleSeconds) {
      throw new GridError('GTX-SPI-008', `${this.#chip.name} was just set up and settles`);
    }
    const { voltsRms, powersW } = await this.#chip.read();
    const isDue = Math.floor(now / energySeconds) > Math.floor(this.#energyAt / energySeconds) || now < this.#energyAt;
    const energy = isDue ? await this.#takeEnergy(now) : (this.#energy ?? []);
    const channels = powersW.map((powerW, i) => ({ powerW: W(powerW), energyWh: energy[i]!.wh }));
    return { receivedAt: now, message: ++this.#message, voltsRms, channels };
  }

  async #setUp(): Promise<void> {
    const before = this.#settledAt;
    // It may fail half-way: then it is looked through again, and may be found complete.
    this.#isSetUp = false;
    this.#settledAt = this.#clock.now() + settleSeconds;
    const isAnew = await this.#chip.setUp();
    this.#isSetUp = true;
    if (!isAnew) this.#settledAt = before;
  }

  /** What could not be saved is kept in memory and saved the next time: a full disk does not blind the board. */
  async #takeEnergy(now: UnixSeconds): Promise<readonly EnergyRegister[]> {
    const taken = await this.#chip.takeEnergy();
    const energy = (this.#energy ?? []).map((register, i) => addEnergy(register, taken[i] ?? 0));
    this.#energy = energy;
    this.#energyAt = now;
    try {
      await this.#memory.write(energy);
      this.#memoryError = undefined;
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      this.#memoryError = error;
    }
    return energy;
  }
}
