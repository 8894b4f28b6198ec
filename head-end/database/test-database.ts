import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createLog } from '#hal/log.ts';
import { type Database, openDatabase } from './database.ts';
import { eraseDatabase } from './postgres-place.ts';

/** A database for one test file, empty but for the schema; gone with the test context, or when disposed. */
export async function startTestDatabase(t?: TestContext): Promise<Database> {
  const folder = mkdtempSync(join(tmpdir(), 'gridtokenx-db-'));
  // As root, the database's own user must be able to enter it.
  chmodSync(folder, 0o711);
  const database = await openDatabase({ folder, log: createLog('test-database', 'fatal') });
  const dispose = async (): Promise<void> => {
    await database[Symbol.asyncDispose]();
    eraseDatabase(folder);
  };
  t?.after(dispose);
  return { pool: database.pool, connection: database.connection, pid: database.pid, [Symbol.asyncDispose]: dispose };
}
