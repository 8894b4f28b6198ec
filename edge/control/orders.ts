import { isDeepStrictEqual } from 'node:util';
import { reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { DerMode, DerModes, DerOrder, GridSupport } from '#drivers/grid-support.ts';
import type { DeviceModes } from './grid-modes.ts';

/** A device falls back to its own safe value when the board has not refreshed a power for this long. */
export const powerRevertSeconds = 60;
/** And to its own function when it has not refreshed one of these. */
const functionRevertSeconds = 600;
/** Powers within this share of the rating are not repeated before half of that time has passed. */
const deadband = 0.005;
/** Another order that failed is not tried again before, seconds. */
const refusedSeconds = 60;

/** What keeps the site within its limits, and is tried again every time. */
const isUrgent = (mode: DerMode): boolean => mode === 'limitW' || mode === 'targetW' || mode === 'connect';

interface Given {
  readonly value: unknown;
  readonly at: UnixSeconds;
}

/** Values to fall back to, where the device can. */
export type Reversions = { readonly [Mode in DerMode]?: DerModes[Mode] };

/**
 * What one device was told, and when: what is the same is repeated before the device reverts by itself, and what is
 * not wanted any more is ended. One order that fails does not keep the others from theirs.
 */
export class DeviceOrders {
  readonly #device: GridSupport;
  readonly #name: string;
  readonly #ratedW: number;
  readonly #reversions: Reversions;
  readonly #log: Log;
  readonly #given = new Map<DerMode, Given>();
  readonly #refused = new Map<DerMode, Given>();
  /** Orders of which the log has told that they fail. */
  readonly #failing = new Set<DerMode>();

  constructor(device: GridSupport, name: string, ratedW: number, reversions: Reversions, log: Log) {
    this.#device = device;
    this.#name = name;
    this.#ratedW = ratedW;
    this.#reversions = reversions;
    this.#log = log;
  }

  /** Modes that the device did not take, and why. */
  get refusals(): ReadonlyMap<DerMode, string> {
    return new Map([...this.#refused].map(([mode, { value }]) => [mode, reasonOf(value)]));
  }

  /** Tells the device what it does not know yet, one mode after the other. */
  async give(wanted: DeviceModes, now: UnixSeconds): Promise<void> {
    // What cannot be ended now goes back to the end of them, for the next time.
    const given = [...this.#given.keys()];
    for (const mode of given) if (wanted[mode] === undefined) await this.#order(mode, null, now);
    for (const mode of Object.keys(wanted) as DerMode[]) {
      const value = wanted[mode];
      if (value !== undefined && this.#isDue(mode, value, now)) await this.#order(mode, value, now);
    }
  }

  #isDue(mode: DerMode, value: unknown, now: UnixSeconds): boolean {
    const refused = this.#refused.get(mode);
    // A clock that was set back is no reason to wait until it is there again.
    if (refused !== undefined && Math.abs(now - refused.at) < refusedSeconds) return false;
    const given = this.#given.get(mode);
    if (given === undefined || !this.#isSame(mode, given.value, value)) return true;
    const reverts = this.#device.modes().get(mode)?.reverts;
    return reverts !== 'never' && Math.abs(now - given.at) >= revertSecondsOf(mode) / 2;
  }

  /** A limit is lowered at once, and raised beyond the deadband. */
  #isSame(mode: DerMode, given: unknown, value: unknown): boolean {
    if (mode === 'limitW') {
      const change = Number(value) - Number(given);
      return change >= 0 && change <= (this.#ratedW * deadband) / 2;
    }
    if (mode === 'targetW') return Math.abs(Number(given) - Number(value)) <= this.#ratedW * deadband;
    return isDeepStrictEqual(given, value);
  }

  async #order<Mode extends DerMode>(mode: Mode, value: DerModes[Mode] | null, now: UnixSeconds): Promise<void> {
    const reverts = this.#device.modes().get(mode)?.reverts;
    const revertTo = reverts === 'toValue' ? this.#reversions[mode] : undefined;
    const revertSeconds = revertSecondsOf(mode);
    const order: DerOrder<Mode> = revertTo === undefined ? { revertSeconds } : { revertSeconds, revertTo };
    try {
      await this.#device.setMode(mode, value, order);
      if (value === null) this.#given.delete(mode);
      else this.#given.set(mode, { value, at: now });
      this.#refused.delete(mode);
      if (this.#failing.delete(mode)) this.#log.info({ device: this.#name, mode }, 'device takes its orders again');
    } catch (error) {
      this.#failed(mode, value, error, now);
    }
  }

  #failed(mode: DerMode, value: unknown, error: unknown, now: UnixSeconds): void {
    this.#given.delete(mode);
    // What could not be ended is ended later.
    if (value === null) this.#given.set(mode, { value: undefined, at: now });
    if (!isUrgent(mode)) this.#refused.set(mode, { value: error, at: now });
    if (this.#failing.has(mode)) return;
    this.#failing.add(mode);
    this.#log.warn(
      { device: this.#name, mode, reason: reasonOf(error) },
      'order to a device failed; it reverts by itself where it can',
    );
  }
}

const revertSecondsOf = (mode: DerMode): number => (isUrgent(mode) ? powerRevertSeconds : functionRevertSeconds);
