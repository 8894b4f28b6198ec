import type { Pool } from 'pg';
import { databaseError } from '../database/connect.ts';
import { type ReadingRow, sql } from './reading-sql.ts';

/** Which readings of a channel: time periods that start in [from, until), and after `after`. */
export interface ReadingQuery {
  readonly from: number;
  readonly until: number;
  readonly after: bigint | undefined;
  /** How many to leave out at the beginning, and how many to take. */
  readonly start: number;
  readonly limit: number;
}

export interface ReadingPage {
  readonly rows: readonly ReadingRow[];
  /** How many there are without `start` and `limit`. */
  readonly all: number;
}

/** Stored readings, channel by channel, page by page. */
export class ReadingHistory {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** The starts of a channel's first and last time period; undefined without readings. */
  async span(channelId: number): Promise<{ readonly first: number; readonly last: number } | undefined> {
    const [row] = await this.#query<{ first: number | null; last: number | null }>(sql.span, [channelId]);
    return row === undefined || row.first === null || row.last === null
      ? undefined
      : { first: row.first, last: row.last };
  }

  async page(channelId: number, { from, until, after, start, limit }: ReadingQuery): Promise<ReadingPage> {
    const which = [channelId, from, until, after ?? from - 1];
    const rows = await this.#query<ReadingRow & { readonly all: number }>(sql.page, [...which, start, limit]);
    const [first] = rows;
    if (first !== undefined) return { rows, all: first.all };
    // Beyond the end, or nothing asked for: only the number is left to know.
    const [count] = await this.#query<{ all: number }>(sql.count, which);
    return { rows, all: count?.all ?? 0 };
  }

  async #query<Row extends object>(text: string, values: unknown[]): Promise<Row[]> {
    try {
      return (await this.#pool.query<Row>(text, values)).rows;
    } catch (error) {
      throw databaseError(error);
    }
  }
}
