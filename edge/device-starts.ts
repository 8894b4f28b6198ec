import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { Role } from '#drivers/driver.ts';
import type { Health } from './health.ts';
import type { BoardDevices } from './sampler.ts';

/** A device that did not start is tried again this often, seconds. */
export const startRetrySeconds = 10;

/**
 * Starts the devices of a board, each by itself: one that is missing is told of and tried again, and keeps nobody
 * else from working.
 */
export class DeviceStarts {
  readonly #waiting: Map<Role, () => Promise<void>>;
  readonly #health: Health;
  readonly #log: Log;
  readonly #missing = new Set<Role>();

  constructor({ meter, inverter, battery, ripple, contactor }: BoardDevices, health: Health, log: Log) {
    const starts = [
      ['clamps', meter],
      ['inverter', inverter],
      ['battery', battery],
      ['ripple', ripple],
      ['contactor', contactor],
    ] as const;
    this.#waiting = new Map(
      starts.flatMap(([role, device]) => (device === undefined ? [] : [[role, () => device.start()] as const])),
    );
    this.#health = health;
    this.#log = log;
  }

  isStarted(role: Role): boolean {
    return !this.#waiting.has(role);
  }

  get isComplete(): boolean {
    return this.#waiting.size === 0;
  }

  /** Tries what has not started yet. Answers whether something has now. Never rejects for a device that is missing. */
  async attempt(now: UnixSeconds): Promise<boolean> {
    const tried = [...this.#waiting].map(async ([device, start]) => {
      try {
        await start();
      } catch (error) {
        if (!(error instanceof GridError)) throw error;
        this.#health.set(device, now, error);
        if (!this.#missing.has(device)) this.#log.warn({ device, reason: error.describe() }, 'device is missing');
        this.#missing.add(device);
        return false;
      }
      this.#waiting.delete(device);
      this.#health.set(device, now);
      if (this.#missing.delete(device)) this.#log.info({ device }, 'device was found');
      return true;
    });
    return (await Promise.all(tried)).includes(true);
  }
}
