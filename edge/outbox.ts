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
/** Postings held in memory; the rest of a long outage waits in the file. */
const windowSize = 256;

const countOf = (values: ChannelValues): number => channelNames.filter((name) => values[name] !== undefined).length;

/**
 * The board's durable memory: postings that the head-end has not acknowledged yet, and the board's own state
 * (registers), written in one transaction a posting. Survives `kill -9` of the program at any moment; an
 * acknowledgement is written with the next posting, so that after a crash the last one may be sent once more. A power
 * cut may take the last postings that were not acknowledged (WAL, synchronous NORMAL), never the file.
 */
export class Outbox implements Disposable {
  readonly #database: DatabaseSync;
  readonly #limit: number;
  readonly #insert: StatementSync;
  readonly #next: StatementSync;
  readonly #removeThrough: StatementSync;
  readonly #putState: StatementSync;
  /** The oldest postings, in order; empty only when the file has none beyond it. */
  #window: QueuedPosting[];
  #size: number;
  #totals: OutboxTotals;
  /** Everything up to this sequence number is acknowledged or given up. */
  #doneThrough = 0;
  #state: Readonly<Record<string, unknown>>;

  constructor(file: string, limit = defaultLimit) {
    this.#limit = limit;
    try {
      this.#database = new DatabaseSync(file);
      this.#database.exec(`
        PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
        PRAGMA cache_size = -256; PRAGMA wal_autocheckpoint = 4000;
        CREATE TABLE IF NOT EXISTS outbox (sequence INTEGER PRIMARY KEY AUTOINCREMENT, start INTEGER, duration INTEGER, "values" TEXT) STRICT;
        CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, value TEXT) STRICT;`);
    } catch (error) {
      const hint = 'Check that the folder is writable and that the disk has space left.';
      throw new GridError('GTX-OUT-001', `Cannot open the outbox ${file}: ${reasonOf(error)}`, { hint, cause: error });
    }
    this.#insert = this.#database.prepare('INSERT INTO outbox (start, duration, "values") VALUES (?, ?, ?)');
    this.#next = this.#database.prepare(
      `SELECT sequence, start, duration, "values" FROM outbox WHERE sequence > ? ORDER BY sequence LIMIT ${windowSize}`,
    );
    this.#removeThrough = this.#database.prepare('DELETE FROM outbox WHERE sequence <= ?');
    this.#putState = this.#database.prepare('INSERT OR REPLACE INTO state (id, value) VALUES (1, ?)');
    this.#size = Number(this.#database.prepare('SELECT count(*) AS n FROM outbox').get()?.['n'] ?? 0);
    const kept = this.#database.prepare('SELECT value FROM state').get()?.['value'];
    const { totals, ...state } = (kept === undefined ? {} : JSON.parse(String(kept))) as { totals?: OutboxTotals };
    this.#totals = totals ?? { queued: 0, acknowledged: 0, dropped: 0 };
    this.#state = state;
    this.#window = this.#load(0);
  }

  /** Postings that wait for an acknowledgement. */
  get size(): number {
    return this.#size;
  }

  get totals(): OutboxTotals {
    return this.#totals;
  }

  /** Queues a posting and keeps the board's state with it, all or nothing. */
  append(posting: Posting, state: Readonly<Record<string, unknown>>): void {
    const totals = { ...this.#totals, queued: this.#totals.queued + countOf(posting.values) };
    const values = JSON.stringify(channelNames.map((name) => posting.values[name] ?? null));
    const sequence = this.#transaction(() => {
      this.#removeThrough.run(this.#doneThrough);
      this.#putState.run(JSON.stringify({ ...state, totals }));
      return Number(this.#insert.run(posting.start, posting.duration, values).lastInsertRowid);
    });
    this.#totals = totals;
    this.#state = state;
    if (this.#window.length === this.#size && this.#size < windowSize) this.#window.push({ ...posting, sequence });
    this.#size++;
    while (this.#size > this.#limit) this.#giveUpOldest();
  }

  /** The posting to send next, or `undefined` when everything is acknowledged. */
  oldest(): QueuedPosting | undefined {
    return this.#window[0];
  }

  /** The head-end holds the oldest posting: forget it. */
  acknowledge(posting: QueuedPosting): void {
    this.#finish(posting);
    this.#totals = { ...this.#totals, acknowledged: this.#totals.acknowledged + countOf(posting.values) };
  }

  /** What `append` kept under this key last; the caller knows its type. */
  state(key: string): unknown {
    return this.#state[key];
  }

  /** Writes what was acknowledged since the last posting. */
  [Symbol.dispose](): void {
    try {
      this.#transaction(() => {
        this.#removeThrough.run(this.#doneThrough);
        this.#putState.run(JSON.stringify({ ...this.#state, totals: this.#totals }));
      });
    } finally {
      this.#database.close();
    }
  }

  #giveUpOldest(): void {
    const oldest = this.oldest();
    if (oldest === undefined) throw new RangeError('an outbox that is full is not empty');
    this.#finish(oldest);
    this.#totals = { ...this.#totals, dropped: this.#totals.dropped + countOf(oldest.values) };
  }

  #finish(posting: QueuedPosting): void {
    if (this.#window[0]?.sequence !== posting.sequence)
      throw new RangeError(`posting ${posting.sequence} is not the oldest`);
    this.#window.shift();
    this.#doneThrough = posting.sequence;
    this.#size--;
    if (this.#window.length === 0 && this.#size > 0) this.#window = this.#load(this.#doneThrough);
  }

  #load(after: number): QueuedPosting[] {
    return this.#next.all(after).map((row) => {
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
    });
  }

  #transaction<T>(work: () => T): T {
    this.#database.exec('BEGIN');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      const hint = 'Check that the disk has space left.';
      throw new GridError('GTX-OUT-002', `Cannot write the outbox: ${reasonOf(error)}`, { hint, cause: error });
    }
  }
}
