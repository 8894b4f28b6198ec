import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { reasonOf, systemCode } from './errors.ts';

/**
 * Holds a folder for this process until disposed, by a file `lock` in it; `undefined` when another one holds it. The kernel lets go of it when
 * the process dies, however it dies: Node has no flock, but SQLite's exclusive lock is one. Throws system errors with
 * their code (`EACCES`, `ENOSPC`, …).
 */
export function tryLockFolder(folder: string): Disposable | undefined {
  const path = join(folder, 'lock');
  // Ours alone from the start: whoever may read it may lock it.
  closeSync(openSync(path, 'a', 0o600));
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if (/is locked/.test(reasonOf(error))) return undefined;
    const isFull = systemCode(error) === 'ERR_SQLITE_ERROR' && /full/.test(reasonOf(error));
    throw Object.assign(new Error(reasonOf(error), { cause: error }), { code: isFull ? 'ENOSPC' : 'EIO' });
  }
  const held = database;
  return {
    [Symbol.dispose]: () => {
      // Removed while it is still held: whoever comes now makes a file of its own.
      rmSync(path, { force: true });
      held.close();
    },
  };
}
