import { Wh } from '#hal/units.ts';

/** Messages further apart than this tell nothing of the time between them, seconds. */
const longestGap = 30;

/** Energy of a front-end that tells power only: each message counts for the time since the one before. */
export class PowerIntegral {
  #wattSeconds: number[] = [];
  #at: number | undefined;

  /** Answers the energy of each channel since the start; what flowed in a gap is not guessed. */
  add(at: number, powersW: readonly number[]): readonly Wh[] {
    const elapsed = this.#at === undefined ? 0 : at - this.#at;
    this.#at = at;
    const seconds = elapsed > 0 && elapsed <= longestGap ? elapsed : 0;
    this.#wattSeconds = powersW.map((powerW, i) => (this.#wattSeconds[i] ?? 0) + powerW * seconds);
    return this.#wattSeconds.map((wattSeconds) => Wh(Math.trunc(wattSeconds / 3600)));
  }
}
