import type { Pool, PoolClient } from 'pg';
import { Bursts } from './bursts.ts';
import { inTransaction, onConnection } from './transaction.ts';

/** What a change does in the transaction that it shares. */
export interface Prepared<Row, Stored, T> {
  /** Stored with those of all the others, by one statement. */
  readonly row?: Row;
  /** Called once all is on the disk, with what is there for its row; what it throws is this change's rejection. */
  readonly answer: (stored: Stored | undefined) => T;
}

/** Does what cannot wait for the rows in the open transaction, and tells the rest. */
export type Write<Row, Stored, T> = (client: PoolClient) => Promise<Prepared<Row, Stored, T>>;

/**
 * Stores rows by one statement, so that all of them are on the disk or none; answers what is there then for each, in
 * their order.
 */
export type StoreRows<Row, Stored> = (client: PoolClient, rows: readonly Row[]) => Promise<readonly Stored[]>;

interface Change<Row, Stored> {
  /** Two changes of one scope are never in one commit; `undefined` never shares one at all. */
  readonly scope: string | undefined;
  /** Has statements of its own beside the row. */
  readonly isWriting: boolean;
  readonly prepare: (client: PoolClient) => Promise<Prepared<Row, Stored, void>>;
  readonly reject: (error: unknown) => void;
}

/** As many as share one commit. */
const maxShared = 64;

/**
 * Changes, carried out in the order in which they came: those that come in one burst, or wait while a commit is under
 * way, share a commit and one statement for their rows, as long as they are of different scopes. Whoever waits here
 * waits for its answer, so that their number is bounded by that of the requests that are let in.
 */
export class SharedCommits<Row, Stored> {
  readonly #pool: Pool;
  readonly #store: StoreRows<Row, Stored>;
  readonly #waiting: Change<Row, Stored>[] = [];
  readonly #bursts: Bursts;

  constructor(pool: Pool, store: StoreRows<Row, Stored>) {
    this.#pool = pool;
    this.#store = store;
    this.#bursts = new Bursts(
      () => this.#waiting.length,
      () => this.#commit(this.#waiting.splice(0, this.#sharing())),
    );
  }

  /** Resolves after the commit, with the write's answer. Rejects as `inTransaction` does, and with what that throws. */
  take<T>(scope: string | undefined, write: Write<Row, Stored, T>): Promise<T> {
    return this.#take(scope, true, write);
  }

  /** As `take`, for what needs no statements but that of its row: it is spared the beginning and the end of a transaction. */
  keep<T>(scope: string, prepare: () => Prepared<Row, Stored, T>): Promise<T> {
    return this.#take(scope, false, async () => prepare());
  }

  #take<T>(scope: string | undefined, isWriting: boolean, write: Write<Row, Stored, T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const prepare = async (client: PoolClient): Promise<Prepared<Row, Stored, void>> => {
      const { answer, ...prepared } = await write(client);
      return { ...prepared, answer: (stored) => settle(() => answer(stored), resolve, reject) };
    };
    this.#waiting.push({ scope, isWriting, prepare, reject });
    this.#bursts.add();
    return promise;
  }

  /** How many of those that wait may share a commit: at least one. */
  #sharing(): number {
    const scopes = new Set<string>();
    for (const { scope } of this.#waiting) {
      if (scope === undefined || scopes.has(scope) || scopes.size === maxShared) return Math.max(1, scopes.size);
      scopes.add(scope);
    }
    return scopes.size;
  }

  async #commit(changes: readonly Change<Row, Stored>[]): Promise<void> {
    let hasWritten = false;
    try {
      const run = changes.some(({ isWriting }) => isWriting) ? inTransaction : onConnection;
      const answers = await run(this.#pool, async (client) => {
        const written = await this.#write(client, changes);
        hasWritten = true;
        return written;
      });
      for (const answer of answers) answer();
    } catch (error) {
      // What the database refuses in one change is no reason to refuse the others: nothing of them was committed, or what
      // was, by a statement for rows alone, is found there.
      if (changes.length > 1 && !hasWritten) for (const change of changes) await this.#commit([change]);
      else for (const { reject } of changes) reject(error);
    }
  }

  async #write(client: PoolClient, changes: readonly Change<Row, Stored>[]): Promise<readonly (() => void)[]> {
    const parts: Prepared<Row, Stored, void>[] = [];
    for (const { prepare } of changes) parts.push(await prepare(client));
    const rows = parts.flatMap(({ row }) => (row === undefined ? [] : [row]));
    const stored = (rows.length > 0 ? await this.#store(client, rows) : []).values();
    return parts.map(({ row, answer }) => {
      const outcome = row === undefined ? undefined : stored.next().value;
      return () => answer(outcome);
    });
  }
}

function settle<T>(answer: () => T, resolve: (value: T) => void, reject: (error: unknown) => void): void {
  try {
    resolve(answer());
  } catch (error) {
    reject(error);
  }
}
