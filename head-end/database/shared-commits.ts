import type { Pool, PoolClient } from 'pg';
import { Bursts } from './bursts.ts';
import { inTransaction } from './transaction.ts';

/** Writes into the open transaction; what it answers is called once that is on the disk. */
export type Write<T> = (client: PoolClient) => Promise<() => T>;

interface Change {
  /** Two changes of one scope are never in one commit; `undefined` never shares one at all. */
  readonly scope: string | undefined;
  /** Takes part in a transaction; `committed` is called when that is on the disk. */
  readonly write: (client: PoolClient) => Promise<{ readonly committed: () => void }>;
  readonly reject: (error: unknown) => void;
}

/** As many as share one commit. */
const maxShared = 64;

/**
 * Changes, carried out in the order in which they came: those that come in one burst, or wait while a commit is under
 * way, share a commit, as long as they are of different scopes. Whoever waits here waits for its answer, so that their number is bounded by
 * that of the requests that are let in.
 */
export class SharedCommits {
  readonly #pool: Pool;
  readonly #waiting: Change[] = [];
  readonly #bursts: Bursts;

  constructor(pool: Pool) {
    this.#pool = pool;
    this.#bursts = new Bursts(
      () => this.#waiting.length,
      () => this.#commit(this.#waiting.splice(0, this.#sharing())),
    );
  }

  /** Resolves after the commit, with what the write's answer returns then. Rejects as `inTransaction` does. */
  take<T>(scope: string | undefined, write: Write<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const prepared = async (client: PoolClient): Promise<{ readonly committed: () => void }> => {
      const answer = await write(client);
      return { committed: () => settle(answer, resolve, reject) };
    };
    this.#waiting.push({ scope, write: prepared, reject });
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

  async #commit(changes: readonly Change[]): Promise<void> {
    let hasWritten = false;
    try {
      const written = await inTransaction(this.#pool, async (client) => {
        const parts = [];
        for (const change of changes) parts.push(await change.write(client));
        hasWritten = true;
        return parts;
      });
      for (const { committed } of written) committed();
    } catch (error) {
      // What the database refuses in one change is no reason to refuse the others: nothing of them was committed.
      if (changes.length > 1 && !hasWritten) for (const change of changes) await this.#commit([change]);
      else for (const { reject } of changes) reject(error);
    }
  }
}

function settle<T>(answer: () => T, resolve: (value: T) => void, reject: (error: unknown) => void): void {
  try {
    resolve(answer());
  } catch (error) {
    reject(error);
  }
}
