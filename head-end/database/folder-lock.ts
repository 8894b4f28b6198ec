import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { reasonOf } from '#hal/errors.ts';
import { folderError, inUse, noSpaceLeft } from './postgres-errors.ts';

/**
 * Holds a folder for this process until disposed; the kernel lets go of it when the process dies, however it dies.
 * Node has no flock, but SQLite's exclusive lock is one.
 * Throws `GTX-DB-005` when another process holds it and `GTX-DB-002` when the folder cannot be written.
 */
export function lockFolder(folder: string): Disposable {
  const path = join(folder, 'lock');
  let database: DatabaseSync | undefined;
  try {
    // Ours alone from the start: whoever may read it may lock it.
    closeSync(openSync(path, 'a', 0o600));
    database = new DatabaseSync(path);
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    const reason = reasonOf(error);
    if (reason.includes('database is locked')) throw inUse(folder, 'another head-end');
    if (reason.includes('disk is full')) throw noSpaceLeft(folder, error);
    throw folderError(folder, error);
  }
  const held = database;
  return { [Symbol.dispose]: () => held.close() };
}
