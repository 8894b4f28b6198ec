import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { GridError, reasonOf } from '#hal/errors.ts';
import { openWhole, type Repair } from './outbox-repair.ts';

type Row = Record<string, SQLOutputValue>;

/** A statement on the database, whichever it is when it is run. */
export interface FileStatement {
  get(...values: SQLInputValue[]): Row | undefined;
  all(...values: SQLInputValue[]): Row[];
  run(...values: SQLInputValue[]): void;
}

/**
 * The SQLite database of an outbox. Where the file may be absent, for its disk is full or read-only, an empty one in
 * memory stands in for it until `open` finds that the file can be had.
 */
export class OutboxDatabase implements Disposable {
  readonly #file: string;
  #database: DatabaseSync;
  #absence: GridError | undefined;
  #repair: Repair | undefined;
  /** What makes the tables, each with what carries over to the file what they hold while it is absent. */
  readonly #definitions: Map<string, string>;
  /** Of the database of now, by their SQL; a few dozen. */
  readonly #statements = new Map<string, StatementSync>();

  /** Throws `GTX-OUT-001` when the file cannot be opened, unless it may be absent. */
  constructor(file: string, tables: string, mayBeAbsent: boolean) {
    this.#file = file;
    this.#definitions = new Map([[tables, '']]);
    try {
      const { database, repair } = this.#opened();
      this.#database = database;
      this.#repair = repair;
    } catch (error) {
      if (!mayBeAbsent || !(error instanceof GridError)) throw error;
      this.#absence = error;
      this.#database = new DatabaseSync(':memory:');
      this.#database.exec(tables);
    }
  }

  /** Why the file is absent; `undefined` when it is there. */
  get absence(): GridError | undefined {
    return this.#absence;
  }

  /** What was damaged when the file was opened. */
  get repair(): Repair | undefined {
    return this.#repair;
  }

  get isTransaction(): boolean {
    return this.#database.isOpen && this.#database.isTransaction;
  }

  /** Opens the file where it is absent; throws `GTX-OUT-001` while it cannot be had. */
  open(): void {
    try {
      const { database, repair } = this.#opened();
      this.#carryOver(database);
      this.#database.close();
      this.#statements.clear();
      this.#database = database;
      this.#repair = repair;
    } catch (error) {
      if (error instanceof GridError) this.#absence = error;
      throw error;
    }
    this.#absence = undefined;
  }

  /**
   * Makes tables; `sql` is repeated whenever the file is opened. `carryOver` is what is run when the file comes after
   * its stand-in: it copies from the tables of `main` to those of `file`; what it does not copy is lost.
   */
  define(sql: string, carryOver = ''): void {
    this.#database.exec(sql);
    this.#definitions.set(sql, carryOver);
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  prepare(sql: string): FileStatement {
    return {
      get: (...values) => this.#prepared(sql).get(...values),
      all: (...values) => this.#prepared(sql).all(...values),
      run: (...values) => void this.#prepared(sql).run(...values),
    };
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #carryOver(database: DatabaseSync): void {
    const standIn = this.#database;
    try {
      standIn.prepare('ATTACH DATABASE ? AS file').run(this.#file);
      standIn.exec(`BEGIN; ${[...this.#definitions.values()].join('')} COMMIT`);
    } catch (error) {
      database.close();
      throw this.#unopened(error);
    } finally {
      if (standIn.isTransaction) standIn.exec('ROLLBACK');
      standIn.exec('DETACH DATABASE file');
    }
  }

  #opened(): ReturnType<typeof openWhole> {
    try {
      // It could not be made while the disk was full.
      if (this.#absence !== undefined) mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
      const opened = openWhole(this.#file, [...this.#definitions.keys()].join(''));
      try {
        // SQLite opens what it may only read, and would never write to it again.
        opened.database.exec('BEGIN IMMEDIATE; ROLLBACK');
      } catch (error) {
        opened.database.close();
        throw error;
      }
      return opened;
    } catch (error) {
      throw this.#unopened(error);
    }
  }

  #unopened(cause: unknown): GridError {
    const hint = 'Check that the folder is writable and that the disk has space left.';
    return new GridError('GTX-OUT-001', `Cannot open the outbox ${this.#file}: ${reasonOf(cause)}`, { hint, cause });
  }
}
