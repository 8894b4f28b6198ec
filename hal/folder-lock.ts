import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { GridError, reasonOf, systemCode } from './errors.ts';
import { delay, monotonicMs } from './wall.ts';

/**
 * Holds a folder for this process until disposed, by a file `lock` in it; `undefined` when another one holds it. The
 * kernel lets go of it when the process dies, however it dies: Node has no flock, but SQLite's exclusive lock is one. Throws system errors with
 * their code (`EACCES`, `ENOSPC`, …).
 */
export function tryLockFolder(folder: string): Disposable | undefined {
  const path = join(folder, 'lock');
  const held = hold(path);
  return (
    held && {
      [Symbol.dispose]: () => {
        // Removed while it is still held: whoever comes now makes a file of its own.
        rmSync(path, { force: true });
        held.close();
      },
    }
  );
}

function hold(path: string): DatabaseSync | undefined {
  // Ours alone from the start: whoever may read it may lock it.
  closeSync(openSync(path, 'a', 0o600));
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database?.close();
    if (/is locked/.test(reasonOf(error))) return undefined;
    const isFull = systemCode(error) === 'ERR_SQLITE_ERROR' && /full/.test(reasonOf(error));
    throw Object.assign(new Error(reasonOf(error), { cause: error }), { code: isFull ? 'ENOSPC' : 'EIO' });
  }
}

const retryMs = 10;

/**
 * Holds a folder for a moment, waiting for who has it; rejects with GTX-HAL-022 after `timeoutMs`. Its file `turn`
 * stays, held or not: many come and go here, and one that is removed could be opened by one and made anew by another.
 */
export async function lockFolder(folder: string, timeoutMs: number): Promise<Disposable> {
  const since = monotonicMs();
  for (;;) {
    const held = hold(join(folder, 'turn'));
    if (held !== undefined) return { [Symbol.dispose]: () => held.close() };
    if (monotonicMs() - since > timeoutMs) {
      throw new GridError('GTX-HAL-022', `Another program is writing in ${folder} and does not end`, {
        hint: 'Wait for it, or end it; then try again.',
      });
    }
    await delay(retryMs);
  }
}
