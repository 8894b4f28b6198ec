import { closeSync, openSync, readSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { GridError, reasonOf } from '#hal/errors.ts';

/** A row of the outbox as it lies in the file. */
export interface OutboxRow {
  readonly sequence: number;
  readonly start: number;
  readonly duration: number;
  /** JSON. */
  readonly values: string;
}

/** A time of which something is missing. */
export interface Gap {
  readonly from: number;
  readonly until: number;
  readonly why: GapReason;
}

/** `not measured`: nothing was queued. The others: it was, and was lost or not taken. */
export type GapReason = 'not measured' | 'given up' | 'damaged' | 'refused';

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

const sumOf = (...parts: readonly (string | number)[]): number => crc32(parts.join('\u0000'));
/** A page of a WAL has this much before it (SQLite file format, §4.1). */
const frameHeadBytes = 24;
/** mxFrame in the first copy of the header of the WAL index (SQLite "WAL-mode file format", §2.2.1). */
const mxFrameAt = 16;

/**
 * The SQLite file behind the outboxes of a process: one board's on a board, many on a laptop. What is written in one
 * turn of the event loop is committed together. WAL with synchronous NORMAL: it survives `kill -9` of the program at
 * any moment; a power cut may take the last commits, never the file. Each row and state has a checksum of its own: what
 * an SD card made of it is not sent as a reading.
 */
export class OutboxFile implements Disposable {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #pageBytes: number;
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #remove: StatementSync;
  readonly #removeOne: StatementSync;
  readonly #putState: StatementSync;
  readonly #putGap: StatementSync;
  readonly #pruneGaps: StatementSync;
  #waiting: Waiting[] = [];
  #lastFrame = 0;
  #bytesWritten = 0;

  /** Throws `GTX-OUT-001` when the file cannot be opened. */
  constructor(file: string) {
    this.#file = file;
    try {
      this.#database = new DatabaseSync(file);
      this.#database.exec(`
        PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000;
        CREATE TABLE IF NOT EXISTS outbox (board TEXT, sequence INTEGER, start INTEGER, duration INTEGER, "values" TEXT,
          sum INTEGER, PRIMARY KEY (board, sequence)) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS state (board TEXT PRIMARY KEY, value TEXT, sum INTEGER) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS gap (id INTEGER PRIMARY KEY, board TEXT, start INTEGER, end INTEGER, why TEXT) STRICT;`);
      for (const table of ['outbox', 'state']) this.#addSums(table);
    } catch (error) {
      const hint = 'Check that the folder is writable and that the disk has space left.';
      throw new GridError('GTX-OUT-001', `Cannot open the outbox ${file}: ${reasonOf(error)}`, { hint, cause: error });
    }
    this.#pageBytes = Number(this.#database.prepare('PRAGMA page_size').get()?.['page_size']);
    this.#lastFrame = this.#frame();
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

  /** Bytes that went to the log of the file since it was opened: what its flash is worn by, but for checkpoints. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Throws `GTX-OUT-003` when it is not what was written. */
  stateOf(board: string): string | undefined {
    const row = this.#database.prepare('SELECT value, sum FROM state WHERE board = ?').get(board);
    if (row === undefined) return undefined;
    const value = String(row['value']);
    if (row['sum'] === null || Number(row['sum']) === sumOf(board, value)) return value;
    throw new GridError('GTX-OUT-003', `The state of ${board} in ${this.#file} is damaged`, {
      hint: 'The SD card may be worn out: replace it and restore the data folder from a backup.',
    });
  }

  sizeOf(board: string): number {
    return Number(this.#database.prepare('SELECT count(*) AS n FROM outbox WHERE board = ?').get(board)?.['n']);
  }

  /** A board's oldest rows after a sequence number; of one that is damaged the values are missing. */
  rowsOf(board: string, after: number, limit: number): (Omit<OutboxRow, 'values'> & { values: string | undefined })[] {
    return this.#select.all(board, after, limit).map((row) => {
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

  /** Resolves when it is committed; rejects with `GTX-OUT-002` and nothing is written. */
  write(write: OutboxWrite): Promise<void> {
    return this.transact(() => this.#apply(write));
  }

  /** Makes a table of the caller's own in the file; `sql` is repeated at every start. */
  define(sql: string): void {
    this.#database.exec(sql);
  }

  /** A statement on a table of the caller's own; what writes is run within `transact`. */
  prepare(sql: string): StatementSync {
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
    this.#database.close();
  }

  /** A file of a version that had no checksums. */
  #addSums(table: string): void {
    const columns = this.#database.prepare(`PRAGMA table_info(${table})`).all();
    if (columns.some(({ name }) => name === 'sum')) return;
    this.#database.exec(`ALTER TABLE ${table} ADD COLUMN sum INTEGER`);
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
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      const hint = 'Check that the disk has space left.';
      throw new GridError('GTX-OUT-002', `Cannot write the outbox: ${reasonOf(error)}`, { hint, cause: error });
    }
    this.#countPages();
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

  #countPages(): void {
    const frame = this.#frame();
    // After a checkpoint the log begins anew.
    const pages = frame >= this.#lastFrame ? frame - this.#lastFrame : frame;
    this.#lastFrame = frame;
    this.#bytesWritten += pages * (this.#pageBytes + frameHeadBytes);
  }

  /** The newest frame of the log; 0 where there is none. */
  #frame(): number {
    const head = Buffer.alloc(4);
    const index = openSync(`${this.#file}-shm`, 'r');
    try {
      readSync(index, head, 0, head.length, mxFrameAt);
    } finally {
      closeSync(index);
    }
    return head.readUInt32LE();
  }
}
