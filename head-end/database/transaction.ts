import type { Pool, PoolClient } from 'pg';
import { databaseError } from './connect.ts';

/**
 * Runs `work` on a connection of its own: one statement is a transaction by itself. Rejects with a GridError
 * (`GTX-DB-…`).
 */
export async function onConnection<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw databaseError(error);
  });
  try {
    const answer = await work(client);
    client.release();
    return answer;
  } catch (error) {
    // The server rolls back what a closed connection left open.
    client.release(true);
    throw databaseError(error);
  }
}

/** Runs `work` in a transaction of its own; what it answers is on the disk. Rejects with a GridError (`GTX-DB-…`). */
export const inTransaction = <T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> =>
  onConnection(pool, async (client) => {
    await client.query('BEGIN');
    const answer = await work(client);
    await client.query('COMMIT');
    return answer;
  });

/** Lets pieces of work run one after another, in the order in which they came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
