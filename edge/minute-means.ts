import { UnixSeconds } from '#hal/units.ts';
import type { Posting } from './posting.ts';

/** How a channel's samples become one value: their mean, or the last of them (what a store holds). */
export type Meaning = 'mean' | 'last';
/** By channel. */
export type Meanings = ReadonlyMap<string, Meaning>;
export type Values = Readonly<Record<string, number | undefined>>;

const minute = 60;
/** Samples further apart than this tell nothing of the time between them, seconds. */
const longestGap = 120;

interface Tally {
  readonly sum: number;
  readonly count: number;
  readonly last: number;
}

/**
 * Makes samples into values of whole minutes. A sample tells of the time since the one before it, so the first after
 * a start, a gap or a jump of the clock only shows that the next whole minute begins.
 */
export class MinuteMeans {
  readonly #meanings: Meanings;
  readonly #longestGap: number;
  readonly #tallies = new Map<string, Tally>();
  /** The minute that is going on; `undefined` before the first sample. */
  #start: number | undefined;
  #lastAt = 0;

  constructor(meanings: Meanings, sampleSeconds: number) {
    this.#meanings = meanings;
    this.#longestGap = Math.max(longestGap, 2 * sampleSeconds);
  }

  /** Takes a sample of this instant; answers the minutes that end with it, as one period. */
  add(at: UnixSeconds, values: Values): Posting<string> | undefined {
    const start = this.#start;
    const isBroken = start === undefined || at < start - minute || at - this.#lastAt > this.#longestGap;
    this.#lastAt = at;
    if (isBroken) {
      this.#begin(Math.ceil(at / minute) * minute);
      return undefined;
    }
    if (at <= start) return undefined;
    for (const name of this.#meanings.keys()) this.#count(name, values[name]);
    if (at < start + minute) return undefined;
    const end = Math.floor(at / minute) * minute;
    const posting = { start: UnixSeconds(start), duration: end - start, values: this.#values() };
    this.#begin(end);
    return posting;
  }

  #begin(start: number): void {
    this.#start = start;
    this.#tallies.clear();
  }

  #count(name: string, value: number | undefined): void {
    if (value === undefined) return;
    const { sum, count } = this.#tallies.get(name) ?? { sum: 0, count: 0 };
    this.#tallies.set(name, { sum: sum + value, count: count + 1, last: value });
  }

  #values(): Values {
    return valuesBy(this.#meanings, (name, meaning) => {
      const tally = this.#tallies.get(name);
      return tally && (meaning === 'last' ? tally.last : tally.sum / tally.count);
    });
  }
}

const valuesBy = (meanings: Meanings, valueOf: (name: string, meaning: Meaning) => number | undefined): Values =>
  Object.fromEntries([...meanings].map(([name, meaning]) => [name, valueOf(name, meaning)]));

/** One posting of several that follow each other: means weigh by their time, without what was not measured. */
export function combined(
  meanings: Meanings,
  first: Posting<string>,
  following: readonly Posting<string>[],
): Posting<string> {
  const all = [first, ...following];
  return {
    start: first.start,
    duration: all.reduce((sum, { duration }) => sum + duration, 0),
    values: valuesBy(meanings, (name, meaning) => {
      const measured = all.flatMap(({ duration, values }) => {
        const value = values[name];
        return value === undefined ? [] : [{ duration, value }];
      });
      if (meaning === 'last') return measured.at(-1)?.value;
      const seconds = measured.reduce((sum, { duration }) => sum + duration, 0);
      const weighed = measured.reduce((sum, { duration, value }) => sum + duration * value, 0);
      return seconds === 0 ? undefined : weighed / seconds;
    }),
  };
}

/**
 * The first of these postings that make up one period of `rate` seconds, which begins at a multiple of it: as far as
 * they follow each other without a hole. None while the period goes on.
 */
export function ofOnePeriod<P extends Posting<string>>(
  postings: readonly P[],
  rate: number,
  now: UnixSeconds,
): readonly P[] {
  const [first] = postings;
  if (first === undefined) return [];
  const boundary = (Math.floor(first.start / rate) + 1) * rate;
  let end: number = first.start;
  let count = 0;
  for (const { start, duration } of postings) {
    if (start !== end || start >= boundary) break;
    end += duration;
    count++;
  }
  // What follows, or a long silence, shows that nothing more comes.
  const isOver = end >= boundary || count < postings.length || now >= boundary + longestGap;
  return isOver ? postings.slice(0, count) : [];
}
