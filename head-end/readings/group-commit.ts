import type { Pool, PoolClient } from 'pg';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { Bursts } from '../database/bursts.ts';
import { databaseError } from '../database/connect.ts';
import {
  type BatchPlan,
  distinct,
  type Doubts,
  type IngestOutcome,
  isAfter,
  judge,
  keyOf,
  outcomeOf,
  planBatch,
} from './batch.ts';
import { copyRows } from './copy-rows.ts';
import { type ReadingRow, sql } from './reading-sql.ts';

interface Post {
  readonly rows: readonly ReadingRow[];
  readonly resolve: (outcome: IngestOutcome) => void;
  readonly reject: (error: GridError) => void;
}

/** Since the start of the process. */
export interface IngestStatistics {
  readonly batches: number;
  readonly posts: number;
  readonly stored: number;
  readonly duplicates: number;
  readonly conflicts: number;
}

const countOf = (posts: readonly Post[]): number => posts.reduce((sum, { rows }) => sum + rows.length, 0);
const noDoubts: Doubts = { stored: new Set(), conflicts: new Set() };

/**
 * Stores posts in groups: what arrives while one commit is under way goes into the next. A post is answered after
 * its commit, and a commit is on the disk.
 */
export class GroupCommit {
  readonly #pool: Pool;
  readonly #log: Log;
  readonly #maxPendingRows: number;
  /** The newest committed reading of each channel: what is newer cannot be there. */
  readonly #newest = new Map<number, ReadingRow>();
  readonly #bursts: Bursts;
  readonly #gathering: Post[] = [];
  #pendingRows = 0;
  #isClosed = false;
  /** After a failure: whether its commit took place is not known. */
  #isUncertain = true;
  readonly #statistics = { batches: 0, posts: 0, stored: 0, duplicates: 0, conflicts: 0 };

  constructor(pool: Pool, log: Log, maxPendingRows: number) {
    this.#pool = pool;
    this.#log = log;
    this.#maxPendingRows = maxPendingRows;
    this.#bursts = new Bursts(
      () => this.#gathering.length,
      () => this.#commit(this.#gathering.splice(0)),
    );
  }

  /** Learns what is stored. */
  async start(): Promise<void> {
    const client = await this.#pool.connect();
    try {
      await this.#learn(client);
    } finally {
      client.release();
    }
  }

  get statistics(): IngestStatistics {
    return { ...this.#statistics };
  }

  newest(channelId: number): ReadingRow | undefined {
    return this.#newest.get(channelId);
  }

  /** The end of the newest time period of all; -Infinity when there is none. */
  newestEnd(): number {
    let end = Number.NEGATIVE_INFINITY;
    for (const { periodStart, duration } of this.#newest.values()) end = Math.max(end, periodStart + duration);
    return end;
  }

  /**
   * Resolves when the rows are on the disk. Rejects with `GTX-RDG-001` when too much is waiting, `GTX-RDG-002` when
   * the head-end is stopping, `GTX-RDG-003` or `GTX-DB-003` when the commit failed: the sender may try again.
   */
  add(rows: readonly ReadingRow[]): Promise<IngestOutcome> {
    if (this.#isClosed) {
      return Promise.reject(new GridError('GTX-RDG-002', 'The head-end is stopping and takes no more readings'));
    }
    if (this.#pendingRows + rows.length > this.#maxPendingRows) {
      return Promise.reject(
        new GridError('GTX-RDG-001', `${this.#pendingRows} readings are waiting for the database; no more fit`, {
          hint: 'Boards send them again later. If it lasts, the disk is too slow for this many meters.',
        }),
      );
    }
    this.#pendingRows += rows.length;
    return new Promise((resolve, reject) => {
      this.#gathering.push({ rows, resolve, reject });
      this.#bursts.add();
    });
  }

  /** Commits what is waiting, and takes no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#bursts.settled();
  }

  async #commit(posts: readonly Post[]): Promise<void> {
    let client: PoolClient | undefined;
    try {
      client = await this.#pool.connect();
      if (this.#isUncertain) await this.#learn(client);
      const rows = posts.map((post) => post.rows);
      const plan = planBatch(rows, (channelId) => this.#newest.get(channelId));
      const doubts = await store(client, plan);
      client.release();
      this.#advance(plan.fresh);
      this.#pendingRows -= countOf(posts);
      this.#settle(posts, new Set(plan.doubtful), doubts);
    } catch (error) {
      this.#isUncertain = true;
      client?.release(true);
      this.#pendingRows -= countOf(posts);
      this.#log.error({ posts: posts.length, reason: reasonOf(error) }, 'readings could not be stored');
      for (const post of posts) post.reject(commitError(error));
    }
  }

  async #learn(client: PoolClient): Promise<void> {
    const { rows } = await client.query<ReadingRow>(sql.newest);
    this.#newest.clear();
    for (const row of rows) this.#newest.set(row.channelId, row);
    this.#isUncertain = false;
  }

  /** Doubtful rows are never newer than their channel's newest. */
  #advance(fresh: readonly ReadingRow[]): void {
    for (const row of fresh) {
      const last = this.#newest.get(row.channelId);
      if (last === undefined || isAfter(row, last)) this.#newest.set(row.channelId, row);
    }
  }

  #settle(posts: readonly Post[], doubtful: ReadonlySet<ReadingRow>, doubts: Doubts): void {
    this.#statistics.batches += 1;
    for (const post of posts) {
      const outcome = outcomeOf(post.rows, doubtful, doubts);
      this.#statistics.posts += 1;
      this.#statistics.stored += outcome.stored;
      this.#statistics.duplicates += outcome.duplicates;
      this.#statistics.conflicts += outcome.conflicts;
      post.resolve(outcome);
    }
    for (const row of doubts.conflicts) {
      this.#log.warn({ ...row }, 'a reading was sent again with another value; the first one stays');
    }
  }
}

/** Stores a batch in one transaction, and says which of its doubtful rows were missing. */
async function store(client: PoolClient, { fresh, doubtful }: BatchPlan): Promise<Doubts> {
  if (doubtful.length === 0) {
    await copyRows(client, fresh);
    return noDoubts;
  }
  await client.query('BEGIN');
  if (fresh.length > 0) await copyRows(client, fresh);
  const once = distinct(doubtful);
  const keys = [once.map((row) => row.channelId), once.map((row) => row.periodStart), once.map((row) => row.duration)];
  const inserted = await client.query<ReadingRow>(sql.insertMissing, [...keys, once.map((row) => row.value)]);
  const held = await client.query<ReadingRow>(sql.stored, keys);
  await client.query('COMMIT');
  return judge(
    doubtful,
    new Set(inserted.rows.map((row) => keyOf(row))),
    new Map(held.rows.map((row) => [keyOf(row), row])),
  );
}

function commitError(error: unknown): GridError {
  const reason = databaseError(error);
  if (reason.code === 'GTX-DB-003') return reason;
  return new GridError('GTX-RDG-003', 'The readings could not be stored', {
    hint: 'The board sends them again; the log says what is wrong with the database.',
    cause: error,
  });
}
