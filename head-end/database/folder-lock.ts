import { tryLockFolder } from '#hal/folder-lock.ts';
import { folderError, inUse, noSpaceLeft } from './postgres-errors.ts';
import { systemCode } from '#hal/errors.ts';

/**
 * Holds a database's folder for this process until disposed. Throws `GTX-DB-005` when another process holds it,
 * `GTX-DB-003` when the disk is full and `GTX-DB-002` when the folder cannot be written.
 */
export function lockFolder(folder: string): Disposable {
  let lock: Disposable | undefined;
  try {
    lock = tryLockFolder(folder);
  } catch (error) {
    throw systemCode(error) === 'ENOSPC' ? noSpaceLeft(folder, error) : folderError(folder, error);
  }
  if (lock === undefined) throw inUse(folder, 'another head-end');
  return lock;
}
