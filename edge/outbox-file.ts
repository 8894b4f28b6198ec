import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { GridError, reasonOf } from '#hal/errors.ts';

/** A row of the outbox as it lies in the file. */
export interface OutboxRow {
  readonly sequence: number;
  readonly start: number;
  readonly duration: number;
  /** JSON. */
  readonly values: string;
}

/** What one board writes in one go, all or nothing. */
export interface OutboxWrite {
  readonly board: string;
  /** Everything up to this sequence number is done with. */
  readonly doneThrough: number;
  readonly row: OutboxRow | undefined;
  /** JSON. */
  readonly state: string;
}

interface Waiting {
  readonly apply: () => void;
  readonly resolve: () => void;
  readonly reject: (error: GridError) => void;
}

/**
 * The SQLite file behind the outboxes of a process: one board's on a board, many on a laptop. What is written in one
 * turn of the event loop is committed together. WAL with synchronous NORMAL: it survives `kill -9` of the program at
 * any moment; a power cut may take the last commits, never the file.
 */
export class OutboxFile implements Disposable {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #remove: StatementSync;
  readonly #putState: StatementSync;
  #waiting: Waiting[] = [];

  /** Throws `GTX-OUT-001` when the file cannot be opened. */
  constructor(file: string) {
    try {
      this.#database = new DatabaseSync(file);
      this.#database.exec(`
        PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000;
        CREATE TABLE IF NOT EXISTS outbox (board TEXT, sequence INTEGER, start INTEGER, duration INTEGER, "values" TEXT,
          PRIMARY KEY (board, sequence)) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS state (board TEXT PRIMARY KEY, value TEXT) STRICT, WITHOUT ROWID;`);
    } catch (error) {
      const hint = 'Check that the folder is writable and that the disk has space left.';
      throw new GridError('GTX-OUT-001', `Cannot open the outbox ${file}: ${reasonOf(error)}`, { hint, cause: error });
    }
    this.#insert = this.#database.prepare('INSERT INTO outbox VALUES (?, ?, ?, ?, ?)');
    this.#select = this.#database.prepare(
      'SELECT sequence, start, duration, "values" FROM outbox WHERE board = ? AND sequence > ? ORDER BY sequence LIMIT ?',
    );
    this.#remove = this.#database.prepare('DELETE FROM outbox WHERE board = ? AND sequence <= ?');
    this.#putState = this.#database.prepare('INSERT OR REPLACE INTO state VALUES (?, ?)');
  }

  stateOf(board: string): string | undefined {
    const value = this.#database.prepare('SELECT value FROM state WHERE board = ?').get(board)?.['value'];
    return value === undefined ? undefined : String(value);
  }

  sizeOf(board: string): number {
    return Number(this.#database.prepare('SELECT count(*) AS n FROM outbox WHERE board = ?').get(board)?.['n']);
  }

  /** A board's oldest rows after a sequence number. */
  rowsOf(board: string, after: number, limit: number): OutboxRow[] {
    return this.#select.all(board, after, limit).map((row) => ({
      sequence: Number(row['sequence']),
      start: Number(row['start']),
      duration: Number(row['duration']),
      values: String(row['values']),
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

  [Symbol.dispose](): void {
    this.#flush();
    this.#database.close();
  }

  #flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    try {
      this.#database.exec('BEGIN');
      for (const { apply } of waiting) apply();
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      const hint = 'Check that the disk has space left.';
      const failure = new GridError('GTX-OUT-002', `Cannot write the outbox: ${reasonOf(error)}`, {
        hint,
        cause: error,
      });
      for (const { reject } of waiting) reject(failure);
      return;
    }
    for (const { resolve } of waiting) resolve();
  }

  #apply({ board, doneThrough, row, state }: OutboxWrite): void {
    this.#remove.run(board, doneThrough);
    this.#putState.run(board, state);
    if (row !== undefined) this.#insert.run(board, row.sequence, row.start, row.duration, row.values);
  }
}
