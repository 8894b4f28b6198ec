import type { UnixSeconds } from '#hal/units.ts';

interface Register {
  readonly wh: number;
  readonly at: UnixSeconds;
}

/** What a register may rise by beyond what its power allows: the step of coarse registers, and the meter's own delay. */
const slackWh = 1000;

/**
 * Keeps what a damaged frame says from becoming a reading. A register that falls, or that rises by more than the
 * greatest power could have moved in the time since, is taken only when the next reading says the same again: a
 * checksum of 16 bits lets one damaged frame in 65,536 pass, but not two alike in a row.
 */
export class EnergyGuard {
  readonly #greatestW: number;
  #believed: Register | undefined;
  #doubted: Register | undefined;

  /** @param greatestW the most that the meter can carry */
  constructor(greatestW: number) {
    this.#greatestW = greatestW;
  }

  /** Believes a first reading as it is, from a wire that checks well what it carries; a later one as `take` does. */
  takeFirst(wh: number, at: UnixSeconds): number | undefined {
    if (this.#believed === undefined) this.#believed = { wh, at };
    return this.take(wh, at);
  }

  /** The reading, or `undefined` while it is in doubt. The first one only counts when a second agrees with it. */
  take(wh: number, at: UnixSeconds): number | undefined {
    const next = { wh, at };
    if (this.#follows(this.#believed, next) || this.#follows(this.#doubted, next)) {
      this.#believed = next;
      this.#doubted = undefined;
      return wh;
    }
    this.#doubted = next;
    return undefined;
  }

  #follows(before: Register | undefined, next: Register): boolean {
    if (before === undefined) return false;
    const seconds = Math.max(0, next.at - before.at);
    return next.wh >= before.wh && next.wh - before.wh <= slackWh + (this.#greatestW * seconds) / 3600;
  }
}
