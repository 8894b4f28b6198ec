import { closeSync, openSync, readSync } from 'node:fs';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { type FileStatement, OutboxDatabase } from './outbox-database.ts';
import { isDamage } from './outbox-repair.ts';
import { sumOf } from './outbox-sum.ts';

/** A row of the outbox as it lies in the file. */
export interface OutboxRow {
  readonly sequence: number;
  readonly start: number;
  readonly duration: number;
  /** JSON. */
  readonly values: string;
}

/** A row as it is read back: of one that is damaged the values are missing. */
export interface StoredRow extends Omit<OutboxRow, 'values'> {
  readonly values: string | undefined;
}

/** A time of which something is missing. */
export interface Gap {
  readonly from: number;
  readonly until: number;
  readonly why: GapReason;
}

/**
 * `not measured`: nothing was queued. `not kept`: it was measured, and the disk did not take it. `memory damaged`: what was queued may be missing, for the file was damaged. The
 * others: it was queued, and was lost or not taken.
 */
export type GapReason = 'not measured' | 'not kept' | 'given up' | 'damaged' | 'memory damaged' | 'refused';

/** What a board kept beside its rows. */
export interface KeptState {
  /** JSON; `undefined` before the first write, and when it is lost. */
  readonly state: string | undefined;
  /** It, or rows of the board, may be lost. */
  readonly isDamaged: boolean;
}

/** What one board writes in one go, all or nothing. */
export interface OutboxWrite {
  readonly board: string;
  /** Everything up to this sequence number is done with. */
  readonly doneThrough: number;
  /** And these beyond it. */
  readonly doneApart: readonly number[];
  /** Rows to add; one with the sequence number of another takes its place. */
  readonly rows: readonly OutboxRow[];
  readonly gaps: readonly Gap[];
  /** JSON. */
  readonly state: string;
}

interface Waiting {
  readonly apply: () => void;
  readonly resolve: () => void;
  readonly reject: (error: GridError) => void;
}

/** Gaps that are remembered of each board; the oldest are forgotten. */
export const mostGaps = 200;

const tables = `
  CREATE TABLE IF NOT EXISTS outbox (board TEXT, sequence INTEGER, start INTEGER, duration INTEGER, "values" TEXT,
    sum INTEGER, PRIMARY KEY (board, sequence)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS state (board TEXT PRIMARY KEY, value TEXT, sum INTEGER) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS gap (id INTEGER PRIMARY KEY, board TEXT, start INTEGER, end INTEGER, why TEXT) STRICT;
  CREATE TABLE IF NOT EXISTS damaged_state (board TEXT PRIMARY KEY, value TEXT) STRICT, WITHOUT ROWID;`;
const cardHint = 'The SD card may be worn out: replace it. The board works on, with registers that may begin anew.';
/** A page of a WAL has this much before it (SQLite file format, §4.1). */
const frameHeadBytes = 24;
/** mxFrame in the first copy of the header of the WAL index (SQLite "WAL-mode file format", §2.2.1). */
const mxFrameAt = 16;

/**
 * The SQLite file behind the outboxes of a process: one board's on a board, many on a laptop. What is written in one
 * turn of the event loop is committed together. WAL with synchronous NORMAL: it survives `kill -9` of the program at
 * any moment; a power cut may take the last commits, never the file. Each row and state has a checksum of its own: what
 * an SD card made of it is not sent as a reading. What is damaged is set aside, told, and keeps no board from working.
 * One that may be absent, for its disk is full or read-only, takes no rows (`GTX-OUT-001`) until `open` has found that
 * it can be had; what callers have in tables of their own is in memory until then.
 */
export class OutboxFile implements Disposable {
  readonly #database: OutboxDatabase;
  readonly #file: string;
  readonly #log: Log | undefined;
  readonly #insert: FileStatement;
  readonly #select: FileStatement;
  readonly #remove: FileStatement;
  readonly #removeOne: FileStatement;
  readonly #putState: FileStatement;
  readonly #putGap: FileStatement;
  readonly #pruneGaps: FileStatement;
  #pageBytes = 0;
  /** The WAL index: kept open, for to close it would take SQLite's own locks on it away (POSIX locks are a process's). */
  #index: number | undefined;
  readonly #frameNumber = Buffer.alloc(4);
  #waiting: Waiting[] = [];
  #lastFrame = 0;
  #bytesWritten = 0;

  /**
   * Throws `GTX-OUT-001` when the file cannot be opened, unless it may be absent. The log is told of what was damaged.
   */
  constructor(file: string, log?: Log, { mayBeAbsent = false }: { readonly mayBeAbsent?: boolean } = {}) {
    this.#file = file;
    this.#log = log;
    this.#database = new OutboxDatabase(file, tables, mayBeAbsent);
    if (this.isOpen) this.#begin();
    this.#insert = this.#database.prepare('INSERT OR REPLACE INTO outbox VALUES (?, ?, ?, ?, ?, ?)');
    this.#select = this.#database.prepare(
      'SELECT sequence, start, duration, "values", sum FROM outbox WHERE board = ? AND sequence > ? ORDER BY sequence LIMIT ?',
    );
    this.#remove = this.#database.prepare('DELETE FROM outbox WHERE board = ? AND sequence <= ?');
    this.#removeOne = this.#database.prepare('DELETE FROM outbox WHERE board = ? AND sequence = ?');
    this.#putState = this.#database.prepare('INSERT OR REPLACE INTO state VALUES (?, ?, ?)');
    this.#putGap = this.#database.prepare('INSERT INTO gap (board, start, end, why) VALUES (?, ?, ?, ?)');
    this.#pruneGaps = this.#database.prepare(
      `DELETE FROM gap WHERE board = ? AND id <= (SELECT id FROM gap WHERE board = ? ORDER BY id DESC LIMIT 1 OFFSET ${mostGaps})`,
    );
  }

  /** Whether it is there; one that is, stays. */
  get isOpen(): boolean {
    return this.#database.absence === undefined;
  }

  /** Opens it where it is absent; throws `GTX-OUT-001` while it cannot be had. */
  open(): void {
    if (this.isOpen) return;
    this.#database.open();
    this.#begin();
  }

  /** Bytes that went to the log of the file since it was opened: what its flash is worn by, but for checkpoints. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** What is not as it was written is moved aside within the file, and told to the log. Throws `GTX-OUT-003`. */
  stateOf(board: string): KeptState {
    const isRepaired = this.#database.repair !== undefined;
    const row = this.#ask('SELECT value, sum FROM state WHERE board = ?', board);
    if (row === undefined) return { state: undefined, isDamaged: isRepaired };
    const value = String(row['value']);
    if (row['sum'] === null || Number(row['sum']) === sumOf(board, value))
      return { state: value, isDamaged: isRepaired };
    const what = `The state of ${board} in ${this.#file} is damaged`;
    this.#log?.error({ board, reason: new GridError('GTX-OUT-003', what, { hint: cardHint }).describe() }, what);
    const keep = this.#database.prepare('INSERT OR REPLACE INTO damaged_state VALUES (?, ?)');
    this.transact(() => keep.run(board, value)).catch((error: unknown) => {
      this.#log?.warn({ board, reason: reasonOf(error) }, 'the damaged state could not be kept for inspection');
    });
    return { state: undefined, isDamaged: true };
  }

  /** The board's newest row: its sequence number and the end of its time; `undefined` when it has none. */
  newestOf(board: string): { readonly sequence: number; readonly end: number } | undefined {
    const row = this.#ask(
      'SELECT sequence, start + duration AS end FROM outbox WHERE board = ? ORDER BY sequence DESC LIMIT 1',
      board,
    );
    return row === undefined ? undefined : { sequence: Number(row['sequence']), end: Number(row['end']) };
  }

  sizeOf(board: string): number {
    return Number(this.#ask('SELECT count(*) AS n FROM outbox WHERE board = ?', board)?.['n']);
  }

  /** A board's oldest rows after a sequence number. */
  rowsOf(board: string, after: number, limit: number): StoredRow[] {
    const rows = this.#unlessDamaged(() => this.#select.all(board, after, limit));
    return rows.map((row) => {
      const [sequence, start, duration] = [Number(row['sequence']), Number(row['start']), Number(row['duration'])];
      const values = String(row['values']);
      const isWhole = row['sum'] === null || Number(row['sum']) === sumOf(board, sequence, start, duration, values);
      return { sequence, start, duration, values: isWhole ? values : undefined };
    });
  }

  /** A board's newest gaps, the oldest of them first. */
  gapsOf(board: string): Gap[] {
    const rows = this.#database.prepare('SELECT start, end, why FROM gap WHERE board = ? ORDER BY id').all(board);
    return rows.map(({ start, end, why }) => ({
      from: Number(start),
      until: Number(end),
      why: String(why) as GapReason,
    }));
  }

  /** Resolves when it is committed; rejects with `GTX-OUT-001` or `002` and nothing is written. */
  async write(write: OutboxWrite): Promise<void> {
    if (this.#database.absence !== undefined) throw this.#database.absence;
    await this.transact(() => this.#apply(write));
  }

  /** Makes a table of the caller's own in the file; as `OutboxDatabase.define`. */
  define(sql: string, carryOver?: string): void {
    this.#database.define(sql, carryOver);
  }

  /** A statement on a table of the caller's own; what writes is run within `transact`. */
  prepare(sql: string): FileStatement {
    return this.#database.prepare(sql);
  }

  /** Runs statements all or nothing, committed together with what else is written in this turn; as `write` otherwise. */
  transact(apply: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) queueMicrotask(() => this.#flush());
      this.#waiting.push({ apply, resolve, reject });
    });
  }

  /** As `transact`, before it returns; throws `GTX-OUT-002`. */
  transactNow(apply: () => void): void {
    this.#flush();
    this.#commit([apply]);
  }

  [Symbol.dispose](): void {
    this.#flush();
    this.#database[Symbol.dispose]();
    if (this.#index !== undefined) closeSync(this.#index);
    this.#index = undefined;
  }

  #begin(): void {
    this.#pageBytes = Number(this.#database.prepare('PRAGMA page_size').get()?.['page_size']);
    this.#index = openSync(`${this.#file}-shm`, 'r');
    this.#lastFrame = this.#frame(this.#index);
    const { repair } = this.#database;
    if (repair === undefined) return;
    const what = `${this.#file} is damaged and was set aside`;
    this.#log?.error({ ...repair, reason: new GridError('GTX-OUT-003', what, { hint: cardHint }).describe() }, what);
  }

  #ask(sql: string, board: string): ReturnType<FileStatement['get']> {
    return this.#unlessDamaged(() => this.#database.prepare(sql).get(board));
  }

  /** Throws `GTX-OUT-003`. */
  #unlessDamaged<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!isDamage(error)) throw error;
      const hint = 'Restart the board: it sets the file aside and works on. The SD card may be worn out.';
      throw new GridError('GTX-OUT-003', `${this.#file} is damaged: ${reasonOf(error)}`, { hint, cause: error });
    }
  }

  #flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    try {
      this.#commit(waiting.map(({ apply }) => apply));
    } catch (error) {
      for (const { reject } of waiting) reject(error as GridError);
      return;
    }
    for (const { resolve } of waiting) resolve();
  }

  #commit(applies: readonly (() => void)[]): void {
    try {
      this.#database.exec('BEGIN');
      for (const apply of applies) apply();
      this.#database.exec('COMMIT');
    } catch (error) {
      // A board that stops may still have something on its way.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      const hint = 'Check that the disk has space left.';
      throw new GridError('GTX-OUT-002', `Cannot write the outbox: ${reasonOf(error)}`, { hint, cause: error });
    }
    if (this.#index !== undefined) this.#countPages(this.#index);
  }

  #apply({ board, doneThrough, doneApart, rows, gaps, state }: OutboxWrite): void {
    this.#remove.run(board, doneThrough);
    for (const sequence of doneApart) this.#removeOne.run(board, sequence);
    this.#putState.run(board, state, sumOf(board, state));
    for (const { sequence, start, duration, values } of rows) {
      this.#insert.run(board, sequence, start, duration, values, sumOf(board, sequence, start, duration, values));
    }
    for (const { from, until, why } of gaps) this.#putGap.run(board, from, until, why);
    if (gaps.length > 0) this.#pruneGaps.run(board, board);
  }

  #countPages(index: number): void {
    const frame = this.#frame(index);
    // After a checkpoint the log begins anew.
    const pages = frame >= this.#lastFrame ? frame - this.#lastFrame : frame;
    this.#lastFrame = frame;
    this.#bytesWritten += pages * (this.#pageBytes + frameHeadBytes);
  }

  /** The newest frame of the log; 0 where there is none. */
  #frame(index: number): number {
    readSync(index, this.#frameNumber, 0, this.#frameNumber.length, mxFrameAt);
    return this.#frameNumber.readUInt32LE();
  }
}
