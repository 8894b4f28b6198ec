import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '#hal/atomic-file.ts';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import { lockFolder } from '../database/folder-lock.ts';

const FORMAT = { format: 'gridtokenx-ledger', version: 1 };

/**
 * Makes a ledger's folder, for its owner only, and holds it until disposed. Throws `GTX-LED-001` when it cannot be
 * used and `GTX-LED-003` when another process holds it.
 */
export function holdFolder(folder: string): Disposable {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return lockFolder(folder);
  } catch (cause) {
    if (cause instanceof GridError && cause.code === 'GTX-DB-005') {
      throw new GridError('GTX-LED-003', `Another process uses the ledger in ${folder}`, {
        cause,
        hint: 'Stop it, or choose another data folder with --data DIR.',
      });
    }
    throw new GridError('GTX-LED-001', `The ledger cannot use the folder ${folder}: ${reasonOf(cause)}`, {
      cause,
      hint: 'Check who owns it and whether there is space, or choose another data folder with --data DIR.',
    });
  }
}

/** Stamps a new folder; rejects with `GTX-LED-002` for one of another version or of another program. */
export async function checkVersion(folder: string): Promise<void> {
  const path = join(folder, 'ledger.json');
  let found: string;
  try {
    found = readFileSync(path, 'utf8');
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT' || readdirSync(folder).some((name) => name.startsWith('journal-'))) {
      throw otherVersion(folder, cause);
    }
    await writeFileAtomic(path, `${JSON.stringify(FORMAT)}\n`, 0o600);
    return;
  }
  if (found.trim() !== JSON.stringify(FORMAT)) throw otherVersion(folder, found.trim());
}

const otherVersion = (folder: string, cause: unknown): GridError =>
  new GridError('GTX-LED-002', `The ledger in ${folder} is of another version`, {
    cause,
    hint: 'Use the release that made it, or choose another data folder with --data DIR.',
  });
