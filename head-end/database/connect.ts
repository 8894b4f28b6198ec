import { Pool, TypeOverrides, types } from 'pg';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { ConnectionOptions } from './postgres.ts';

/** Enough for ingest, the market, settlement and the dashboard side by side. */
const connections = 6;

/** A 64-bit integer of the database as a number: every one of ours is a safe integer, and another is an error. */
function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} from the database is not a safe integer`);
  return value;
}

/** Connections to a server; `bigint` columns come as numbers. A connection that breaks is replaced at its next use. */
export function createPool(to: ConnectionOptions, log: Log): Pool {
  const parsers = new TypeOverrides();
  parsers.setTypeParser(types.builtins.INT8, safeInteger);
  const pool = new Pool({ ...to, max: connections, connectionTimeoutMillis: 10_000, types: parsers });
  // Idle or in use: whoever is using it is told by the statement that fails.
  pool.on('connect', (client) =>
    client.on('error', (error) => {
      const level = pool.ending ? 'debug' : 'warn';
      log[level]({ reason: error.message }, 'database connection');
    }),
  );
  pool.on('error', (error) => log.debug({ reason: error.message }, 'an idle database connection is replaced'));
  return pool;
}

/** The options for a server of someone else's, `postgres://user:password@host/database`. Throws `GTX-DB-008`. */
export function connectTo(url: string): ConnectionOptions {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new GridError(
      'GTX-DB-008',
      'The database address is not of the form postgres://USER:PASSWORD@HOST/DATABASE',
      {
        kind: 'input',
        hint: 'Check --database; characters like @ or / in a password are written as %40 or %2F.',
      },
    );
  }
  return { connectionString: url };
}

/** Says why a connection or a statement failed. */
export function databaseError(error: unknown): GridError {
  if (error instanceof GridError) return error;
  const code = systemCode(error) ?? '';
  if (code === '53100' || code === 'ENOSPC') {
    return new GridError('GTX-DB-003', 'No space left on the disk of the database', {
      hint: 'Free some space (at least 200 MB) and start again; what was acknowledged is safe.',
      cause: error,
    });
  }
  return new GridError('GTX-DB-008', `The database cannot be used: ${reasonOf(error) || code}`, {
    hint: 'Is the server running, and are the address, user and password right?',
    cause: error,
  });
}
