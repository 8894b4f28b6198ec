import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GridError, reasonOf, systemCode } from './errors.ts';

const hints: Readonly<Record<string, string>> = {
  EACCES: 'Check who owns the folder and whether this user may write there.',
  EPERM: 'Check who owns the folder and whether this user may write there.',
  EROFS: 'The file system is mounted read-only: choose a folder elsewhere.',
  ENOSPC: 'The disk is full: free some space and start again; nothing was lost.',
  ENOENT: 'The folder does not exist.',
};

/** A failed write, as the person who chose the folder reads it (GTX-HAL-020). */
export function writeFailed(path: string, cause: unknown): GridError {
  const hint = hints[systemCode(cause) ?? ''];
  const options = hint === undefined ? { cause } : { cause, hint };
  return new GridError('GTX-HAL-020', `Cannot write ${path}: ${reasonOf(cause)}`, options);
}

/** Makes the names in a folder durable: what was created or renamed in it is there after a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes a file that is, after a crash at any moment, either the old one or the new one and never half of it. One
 * writer a path: it passes through `path.new`, of which a rest from a crash is overwritten.
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
  const fresh = `${path}.new`;
  try {
    await rm(fresh, { force: true });
    const file = await open(fresh, 'wx', mode);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, path);
    await syncFolder(dirname(path));
  } catch (error) {
    throw writeFailed(path, error);
  }
}
