import { UnixSeconds } from '#hal/units.ts';
import type { Posting } from './posting.ts';
import { combined, type Meanings } from './minute-means.ts';

/** From this age on, postings are kept as one for each slot of so many seconds. */
export interface AgeTier {
  readonly afterDays: number;
  readonly slotSeconds: number;
}

export interface RetentionPolicy {
  /** Younger first; each slot is a multiple of the one before. */
  readonly tiers: readonly AgeTier[];
  /** Older than this is given up, and counted. */
  readonly days: number;
  /** Rows in the file, whatever their age: what a disk is expected to hold. */
  readonly mostRows: number;
}

/**
 * A week as it was measured, a month by market windows, a year by quarters of an hour: 40,320, 6,624 and 32,160 rows
 * at a posting every 15 s.
 */
export const defaultRetention: RetentionPolicy = {
  tiers: [
    { afterDays: 7, slotSeconds: 300 },
    { afterDays: 30, slotSeconds: 900 },
  ],
  days: 365,
  mostRows: 200_000,
};

export const secondsOfDay = 86_400;

/**
 * The first of these postings that one slot holds and that follow each other without a hole, once all of that slot is
 * older than its tier; `undefined` when nothing is old enough. Postings come in the order of time.
 */
export function agedGroup<P extends Posting<string>>(
  postings: readonly P[],
  { afterDays, slotSeconds }: AgeTier,
  now: UnixSeconds,
): readonly P[] | undefined {
  const [first] = postings;
  if (first === undefined) return undefined;
  const slotEnd = (Math.floor(first.start / slotSeconds) + 1) * slotSeconds;
  if (slotEnd > now - afterDays * secondsOfDay) return undefined;
  const group: P[] = [];
  let end: number = first.start;
  for (const posting of postings) {
    const itsEnd = posting.start + posting.duration;
    // One that reaches beyond the slot is coarser already; it stays alone.
    if (posting.start !== end || posting.start >= slotEnd || (group.length > 0 && itsEnd > slotEnd)) break;
    group.push(posting);
    end = itsEnd;
  }
  return group;
}

/** One posting for several: registers and states as at its end, means by the time that each stands for. */
export function merged(group: readonly Posting<string>[], meanings: Meanings): Posting<string> | undefined {
  const [first, ...following] = group;
  return first === undefined ? undefined : combined(meanings, first, following);
}
