import type { ReadingRow } from './reading-sql.ts';

/** What became of the readings of one post; the three add up to what was posted. */
export interface IngestOutcome {
  readonly stored: number;
  /** There before, with the same value. */
  readonly duplicates: number;
  /** There before, with another value; the first one stays. */
  readonly conflicts: number;
}

export interface BatchPlan {
  /** Newer than anything stored or planned of their channel, so certainly not there: for COPY. */
  readonly fresh: readonly ReadingRow[];
  /** The others: retries, repetitions and backfill. */
  readonly doubtful: readonly ReadingRow[];
}

/** Whether a reading comes after another of its channel. */
export const isAfter = (a: ReadingRow, b: ReadingRow): boolean =>
  a.periodStart > b.periodStart || (a.periodStart === b.periodStart && a.duration > b.duration);

/** Sorts posted readings by whether they can be there already. `newest` is the newest committed one of a channel. */
export function planBatch(
  posts: readonly (readonly ReadingRow[])[],
  newest: (channelId: number) => ReadingRow | undefined,
): BatchPlan {
  const fresh: ReadingRow[] = [];
  const doubtful: ReadingRow[] = [];
  const planned = new Map<number, ReadingRow>();
  for (const rows of posts) {
    for (const row of rows) {
      const last = planned.get(row.channelId) ?? newest(row.channelId);
      if (last === undefined || isAfter(row, last)) {
        planned.set(row.channelId, row);
        fresh.push(row);
      } else doubtful.push(row);
    }
  }
  return { fresh, doubtful };
}

/** The identity of a reading: its channel (a device's mRID) and time period. */
export const keyOf = ({ channelId, periodStart, duration }: ReadingRow): string =>
  `${channelId}/${periodStart}/${duration}`;

/** The first of each key, in order. */
export const distinct = (rows: readonly ReadingRow[]): ReadingRow[] => {
  const byKey = new Map<string, ReadingRow>();
  for (const row of rows) if (!byKey.has(keyOf(row))) byKey.set(keyOf(row), row);
  return [...byKey.values()];
};

/** What became of a batch's doubtful readings. */
export interface Doubts {
  /** Those that were stored, by identity of the object. */
  readonly stored: ReadonlySet<ReadingRow>;
  readonly conflicts: ReadonlySet<ReadingRow>;
}

/**
 * Judges doubtful readings by what the database answered.
 * @param inserted the keys that were not there before
 * @param held what is there now, by key
 */
export function judge(
  doubtful: readonly ReadingRow[],
  inserted: ReadonlySet<string>,
  held: ReadonlyMap<string, ReadingRow>,
): Doubts {
  const waiting = new Set(inserted);
  const stored = new Set<ReadingRow>();
  const conflicts = new Set<ReadingRow>();
  for (const row of doubtful) {
    const key = keyOf(row);
    if (waiting.delete(key)) stored.add(row);
    else if (held.get(key)?.value !== row.value) conflicts.add(row);
  }
  return { stored, conflicts };
}

/** One post's outcome. `doubtful` are the batch's. */
export function outcomeOf(
  rows: readonly ReadingRow[],
  doubtful: ReadonlySet<ReadingRow>,
  doubts: Doubts,
): IngestOutcome {
  let stored = 0;
  let conflicts = 0;
  for (const row of rows) {
    if (!doubtful.has(row) || doubts.stored.has(row)) stored += 1;
    else if (doubts.conflicts.has(row)) conflicts += 1;
  }
  return { stored, duplicates: rows.length - stored - conflicts, conflicts };
}
