import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import { type UnixSeconds, type W, Wh } from '#hal/units.ts';
import type { DeviceMemory } from '../driver.ts';

/** Readings further apart tell nothing of the time between them, seconds. */
const longestGap = 30;
/** What a crash can lose; the memory is written no more often. */
const keptEverySeconds = 15;
const secondsOfHour = 3600;

/** Ws since installation. */
interface Energies {
  readonly charge: number;
  readonly discharge: number;
}

/**
 * The energies of a battery whose registers count none: each power counts for the time since the reading before. They
 * outlive restarts in the device's memory.
 */
export class BatteryEnergy {
  readonly #memory: DeviceMemory;
  readonly #clock: Pick<Clock, 'now'>;
  #energies: Energies;
  #at: UnixSeconds | undefined;
  #keptAt: number = Number.NEGATIVE_INFINITY;
  #memoryError: GridError | undefined;

  /** @param name of the battery, for messages. Errors: `GTX-SUN-015` what was kept is damaged. */
  constructor(memory: DeviceMemory, clock: Pick<Clock, 'now'>, name: string) {
    this.#memory = memory;
    this.#clock = clock;
    this.#energies = restored(memory.read(), name);
  }

  /** Why the energies could not be kept the last time; `undefined` when they were. */
  get memoryError(): GridError | undefined {
    return this.#memoryError;
  }

  /** Adds what flowed at `powerW` (positive = discharge) since the last call; what flowed in a gap is not guessed. */
  async take(powerW: W): Promise<{ readonly chargeWh: Wh; readonly dischargeWh: Wh }> {
    const now = this.#clock.now();
    const elapsed = this.#at === undefined ? 0 : now - this.#at;
    this.#at = now;
    if (elapsed > 0 && elapsed <= longestGap) {
      const { charge, discharge } = this.#energies;
      this.#energies = {
        charge: charge + elapsed * Math.max(0, 0 - powerW),
        discharge: discharge + elapsed * Math.max(0, powerW),
      };
    }
    if (now - this.#keptAt >= keptEverySeconds || now < this.#keptAt) await this.#keep(now);
    const { charge, discharge } = this.#energies;
    return {
      chargeWh: Wh(Math.floor(charge / secondsOfHour)),
      dischargeWh: Wh(Math.floor(discharge / secondsOfHour)),
    };
  }

  /** What could not be saved is saved the next time: a full disk does not blind the board. */
  async #keep(now: UnixSeconds): Promise<void> {
    this.#keptAt = now;
    try {
      await this.#memory.write(this.#energies);
      this.#memoryError = undefined;
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      this.#memoryError = error;
    }
  }
}

function restored(saved: unknown, name: string): Energies {
  if (saved === undefined) return { charge: 0, discharge: 0 };
  if (typeof saved === 'object' && saved !== null && 'charge' in saved && 'discharge' in saved) {
    const { charge, discharge } = saved;
    if (isEnergy(charge) && isEnergy(discharge)) return { charge, discharge };
  }
  throw new GridError('GTX-SUN-015', `The kept energies of ${name} are damaged`, {
    hint: 'Restore the data folder from a backup; without one, remove the kept value: they begin at 0 again.',
  });
}

const isEnergy = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
