import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '#hal/atomic-file.ts';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import { tryLockFolder } from '#hal/folder-lock.ts';

/** The layout of the data folder; raised when an older program could not read it. */
const layoutVersion = 2;
/** Those that this program can read: in the first, all boards were in one lane. */
const readable: readonly number[] = [1, layoutVersion];
const markerFile = 'gridtokenx.json';
/** Folders are their owner's alone: the boards' outboxes tell who is at home. */
const ownMode = 0o700;
/** But as root the database runs as a user of its own, which must be able to pass through to it, not to list. */
const passageMode = process.getuid?.() === 0 ? 0o711 : ownMode;

/**
 * The folder that holds everything a campus keeps: certificates, database, ledger, the boards' outboxes. One campus
 * at a time.
 */
export class DataFolder implements Disposable {
  readonly path: string;
  readonly #lock: Disposable;

  private constructor(path: string, lock: Disposable) {
    this.path = path;
    this.#lock = lock;
  }

  /** Opens or creates it. Rejects with `GTX-DAT-…` and leaves what it found as it was. */
  static async open(path: string): Promise<DataFolder> {
    try {
      mkdirSync(path, { recursive: true, mode: passageMode });
      const marker = join(path, markerFile);
      const found = existsSync(marker) ? versionOf(path, readFileSync(marker, 'utf8')) : undefined;
      const lock = tryLockFolder(path);
      if (lock === undefined) throw inUse(path);
      if (found !== layoutVersion)
        await writeFileAtomic(marker, `${JSON.stringify({ program: 'gridtokenx', version: layoutVersion })}\n`);
      return new DataFolder(path, lock);
    } catch (error) {
      const code = error instanceof GridError ? error.code : '';
      throw code.startsWith('GTX-DAT-') ? error : unusable(path, error);
    }
  }

  /** The path of a folder in it, made when missing; `isPassage` for the one that the database is in. */
  folder(name: string, isPassage = false): string {
    const path = join(this.path, name);
    mkdirSync(path, { recursive: true, mode: isPassage ? passageMode : ownMode });
    return path;
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }
}

function versionOf(path: string, marker: string): number {
  const version = versionIn(marker);
  if (version !== undefined && readable.includes(version)) return version;
  throw new GridError(
    'GTX-DAT-002',
    `The data folder ${path} has layout version ${version ?? 'unknown'}, this program uses ${layoutVersion}`,
    { hint: 'Use the program version that made it, or another folder: --data DIR.' },
  );
}

const versionIn = (text: string): number | undefined => {
  try {
    const { version } = JSON.parse(text) as { version?: unknown };
    return typeof version === 'number' ? version : undefined;
  } catch {
    // Not ours, or damaged: as good as an unknown version, and the message says so.
    return undefined;
  }
};

const inUse = (path: string): GridError =>
  new GridError('GTX-DAT-003', `Another campus uses the data folder ${path}`, {
    hint: 'Stop it first, or give this one a folder of its own: --data DIR.',
  });

function unusable(path: string, error: unknown): GridError {
  const cause = error instanceof GridError && error.cause !== undefined ? error.cause : error;
  if (systemCode(cause) === 'ENOSPC') {
    const hint = 'Free some space, or use another disk: --data DIR.';
    return new GridError('GTX-DAT-004', `No space left for the data folder ${path}`, { hint, cause });
  }
  const hint = 'Check that you may write there, or use another folder: --data DIR.';
  return new GridError('GTX-DAT-001', `Cannot use the data folder ${path}: ${reasonOf(cause)}`, { hint, cause });
}
