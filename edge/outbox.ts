import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { type ChannelName, type ChannelValues, channelNames } from '#ieee2030_5/ext/channels.ts';

/** What one post carries: the values at the end of `[start, start + duration]`. */
export interface Posting {
  readonly start: UnixSeconds;
  readonly duration: number;
  readonly values: ChannelValues;
}

export interface QueuedPosting extends Posting {
  readonly sequence: number;
}

/** Counters since installation: a reading is one value of one channel for one time period. */
export interface OutboxTotals {
  readonly queued: number;
  readonly acknowledged: number;
  /** Readings given up because the outbox was full. */
  readonly dropped: number;
}

/** About a month of postings at one every 15 s; then the oldest is given up, and counted. */
const defaultLimit = 200_000;

const countOf = (values: ChannelValues): number => channelNames.filter((name) => values[name] !== undefined).length;

/**
 * The board's durable memory: postings that the head-end has not acknowledged yet, and the board's own state
 * (registers), written in one transaction. Survives `kill -9` of the program at any moment; a power cut may take
 * the last postings that were not yet acknowledged (WAL, synchronous NORMAL), never the file.
 */
export class Outbox implements Disposable {
  readonly #database: DatabaseSync;
  readonly #limit: number;
  readonly #insert: StatementSync;
  readonly #oldest: StatementSync;
  readonly #remove: StatementSync;
  readonly #putState: StatementSync;
  #size: number;
  #totals: OutboxTotals;

  constructor(file: string, limit = defaultLimit) {
    this.#limit = limit;
    try {
      this.#database = new DatabaseSync(file);
      this.#database.exec(`
        PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -256;
        CREATE TABLE IF NOT EXISTS outbox (sequence INTEGER PRIMARY KEY, start INTEGER, duration INTEGER, "values" TEXT) STRICT;
        CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT) STRICT, WITHOUT ROWID;`);
    } catch (error) {
      const hint = 'Check that the folder is writable and that the disk has space left.';
      throw new GridError('GTX-OUT-001', `Cannot open the outbox ${file}: ${reasonOf(error)}`, { hint, cause: error });
    }
    this.#insert = this.#database.prepare('INSERT INTO outbox (start, duration, "values") VALUES (?, ?, ?)');
    this.#oldest = this.#database.prepare(
      'SELECT sequence, start, duration, "values" FROM outbox ORDER BY sequence LIMIT 1',
    );
    this.#remove = this.#database.prepare('DELETE FROM outbox WHERE sequence = ?');
    this.#putState = this.#database.prepare('INSERT OR REPLACE INTO state (key, value) VALUES (?, ?)');
    this.#size = Number(this.#database.prepare('SELECT count(*) AS n FROM outbox').get()?.['n'] ?? 0);
    this.#totals = (this.state('totals') as OutboxTotals | undefined) ?? { queued: 0, acknowledged: 0, dropped: 0 };
  }

  get size(): number {
    return this.#size;
  }

  get totals(): OutboxTotals {
    return this.#totals;
  }

  /** Queues a posting and keeps the board's state with it, all or nothing. */
  append(posting: Posting, state: Readonly<Record<string, unknown>>): void {
    this.#transaction(() => {
      const queued = countOf(posting.values);
      this.#insert.run(
        posting.start,
        posting.duration,
        JSON.stringify(channelNames.map((name) => posting.values[name] ?? null)),
      );
      this.#size++;
      let dropped = 0;
      while (this.#size > this.#limit) {
        const oldest = this.oldest();
        if (oldest === undefined) break;
        this.#remove.run(oldest.sequence);
        this.#size--;
        dropped += countOf(oldest.values);
      }
      for (const [key, value] of Object.entries(state)) this.#putState.run(key, JSON.stringify(value));
      const { totals } = this;
      this.#saveTotals({ ...totals, queued: totals.queued + queued, dropped: totals.dropped + dropped });
    });
  }

  /** The posting to send next, or `undefined` when everything is acknowledged. */
  oldest(): QueuedPosting | undefined {
    const row = this.#oldest.get();
    if (row === undefined) return undefined;
    const values = JSON.parse(String(row['values'])) as (number | null)[];
    return {
      sequence: Number(row['sequence']),
      start: Number(row['start']) as UnixSeconds,
      duration: Number(row['duration']),
      values: Object.fromEntries(channelNames.map((name, i) => [name, values[i] ?? undefined])) as Record<
        ChannelName,
        number
      >,
    };
  }

  /** The head-end holds it: forget it. */
  acknowledge(posting: QueuedPosting): void {
    this.#transaction(() => {
      this.#remove.run(posting.sequence);
      this.#size--;
      this.#saveTotals({ ...this.#totals, acknowledged: this.#totals.acknowledged + countOf(posting.values) });
    });
  }

  /** What `append` kept under this key; the caller knows its type. */
  state(key: string): unknown {
    const row = this.#database.prepare('SELECT value FROM state WHERE key = ?').get(key);
    return row === undefined ? undefined : JSON.parse(String(row['value']));
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #saveTotals(totals: OutboxTotals): void {
    this.#totals = totals;
    this.#putState.run('totals', JSON.stringify(totals));
  }

  #transaction(work: () => void): void {
    const { size, totals } = { size: this.#size, totals: this.#totals };
    this.#database.exec('BEGIN');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      this.#size = size;
      this.#totals = totals;
      const hint = 'Check that the disk has space left.';
      throw new GridError('GTX-OUT-002', `Cannot write the outbox: ${reasonOf(error)}`, { hint, cause: error });
    }
  }
}
