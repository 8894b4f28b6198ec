import type { Pool } from 'pg';
import type { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { deadline } from '#hal/wall.ts';
import { connectTo, createPool, databaseError } from './connect.ts';
import { migrate, readMigrations } from './migrations.ts';
import { type ConnectionOptions, EmbeddedPostgres } from './postgres.ts';

export type DatabaseOptions = ({ readonly folder: string } | { readonly url: string }) & {
  readonly log: Log;
  /** Told what is going on during a start that takes a while. */
  readonly onProgress?: (what: string) => void;
  /** Called once when the embedded server ends without being asked to. */
  readonly onExit?: (error: GridError) => void;
  /** Ends a start that is under way. */
  readonly signal?: AbortSignal;
};

/** An open database with the schema of this release. */
export interface Database extends AsyncDisposable {
  readonly pool: Pool;
  /** How another program may connect; holds the password. */
  readonly connection: ConnectionOptions;
  /** The embedded server's process. */
  readonly pid: number | undefined;
}

/** Starts the embedded server on a folder, or connects to one by its address, and brings the schema up to date. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { log } = options;
  const embedded = 'folder' in options ? new EmbeddedPostgres(options) : undefined;
  const connection = 'folder' in options ? await (embedded as EmbeddedPostgres).start() : connectTo(options.url);
  const pool = createPool(connection, log);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= end(pool, embedded);
    return closing;
  };
  try {
    await prepare(pool, log);
  } catch (error) {
    await close();
    throw databaseError(error);
  }
  return {
    pool,
    connection,
    get pid() {
      return embedded?.pid;
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Statements under way get a second; then the server ends them, or they end by themselves. */
async function end(pool: Pool, embedded: EmbeddedPostgres | undefined): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  using _ = deadline(1_000, resolve);
  await Promise.race([pool.end(), late]);
  await embedded?.[Symbol.asyncDispose]();
}

async function prepare(pool: Pool, log: Log): Promise<void> {
  const client = await pool.connect();
  try {
    await migrate(client, readMigrations());
    const { rows } = await client.query<{ fsync: string; commit: string }>(
      `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit`,
    );
    for (const { fsync, commit } of rows) {
      if (fsync === 'off' || commit === 'off') {
        log.warn({ fsync, synchronous_commit: commit }, 'this database may lose acknowledged readings in a power cut');
      }
    }
  } finally {
    client.release();
  }
}
