import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#hal/atomic-file.ts';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';

/** How the programs of this machine reach the head-end of a data folder. */
export interface LocalAccess {
  /** Scheme, host and port. */
  readonly url: string;
  /** An administrator's API key, good for as long as that head-end runs. */
  readonly key: string;
  /** PEM of its certificate and those above it, where it speaks TLS. */
  readonly ca?: string;
  /** When that head-end was started, Unix s. */
  readonly since: UnixSeconds;
}

const file = 'local-access.json';

/**
 * Leaves a key for whoever may read the head-end's folder as its owner (mode 0600): such a one could change the
 * database below it, too. Rejects with GTX-HAL-020.
 */
export const writeLocalAccess = (folder: string, access: LocalAccess): Promise<void> =>
  writeFileAtomic(join(folder, file), `${JSON.stringify(access)}\n`, 0o600);

/** Undefined where no head-end has run. Rejects with GTX-ACC-013 where it cannot be read. */
export async function readLocalAccess(folder: string): Promise<LocalAccess | undefined> {
  const path = join(folder, file);
  try {
    const { url, key, since, ca } = JSON.parse(await readFile(path, 'utf8')) as Partial<LocalAccess>;
    if (typeof url === 'string' && typeof key === 'string' && typeof since === 'number') {
      return { url, key, since, ...(typeof ca === 'string' && { ca }) };
    }
    throw new RangeError('it has no key');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new GridError('GTX-ACC-013', `Cannot read ${path}: ${reasonOf(error)}`, {
      kind: 'input',
      hint: 'Run it as the user that runs the head-end, or set GRIDTOKENX_API_KEY to an API key.',
      cause: error,
    });
  }
}
