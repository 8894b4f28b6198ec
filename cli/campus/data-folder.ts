import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';

/** The layout of the data folder; raised when an older program could not read it. */
const layoutVersion = 1;
const markerFile = 'gridtokenx.json';
const lockFile = 'lock';

/**
 * The folder that holds everything a campus keeps: certificates, database, ledger, the boards' outboxes. One
 * campus at a time: a lock names the process that owns it; a lock of a dead process is taken over.
 */
export class DataFolder implements Disposable {
  readonly path: string;

  /** Opens or creates it. Rejects with `GTX-DAT-…` and leaves what it found as it was. */
  constructor(path: string) {
    this.path = path;
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      this.#checkVersion();
      this.#lock();
    } catch (error) {
      if (error instanceof GridError) throw error;
      throw unusable(path, error);
    }
  }

  /** The path of a folder in it, made when missing. */
  folder(name: string): string {
    const path = join(this.path, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(join(this.path, lockFile), { force: true });
  }

  #checkVersion(): void {
    const marker = join(this.path, markerFile);
    if (existsSync(marker)) {
      const version = versionIn(readFileSync(marker, 'utf8'));
      if (version === layoutVersion) return;
      throw new GridError(
        'GTX-DAT-002',
        `The data folder ${this.path} has layout version ${version ?? 'unknown'}, this program uses ${layoutVersion}`,
        {
          hint: 'Use the program version that made it, or another folder: --data DIR.',
        },
      );
    }
    writeDurably(marker, `${JSON.stringify({ program: 'gridtokenx', version: layoutVersion })}\n`);
  }

  #lock(): void {
    const path = join(this.path, lockFile);
    for (;;) {
      try {
        const file = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
        writeSync(file, `${process.pid} ${startTimeOf(process.pid)}\n`);
        closeSync(file);
        return;
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') throw error;
      }
      const [pid = '', startTime = ''] = readFileSync(path, 'utf8').trim().split(' ');
      if (startTime !== '' && startTimeOf(Number(pid)) === startTime) {
        throw new GridError('GTX-DAT-003', `Another campus (process ${pid}) uses the data folder ${this.path}`, {
          hint: 'Stop it first, or give this one a folder of its own: --data DIR.',
        });
      }
      rmSync(path, { force: true });
    }
  }
}

const unusable = (path: string, error: unknown): GridError => {
  const isFull = systemCode(error) === 'ENOSPC';
  const code = isFull ? 'GTX-DAT-004' : 'GTX-DAT-001';
  const what = isFull
    ? `No space left for the data folder ${path}`
    : `Cannot use the data folder ${path}: ${reasonOf(error)}`;
  const hint = isFull
    ? 'Free some space, or use another disk: --data DIR.'
    : 'Check that you may write there, or use another folder: --data DIR.';
  return new GridError(code, what, { hint, cause: error });
};

const versionIn = (text: string): number | undefined => {
  try {
    const { version } = JSON.parse(text) as { version?: unknown };
    return typeof version === 'number' ? version : undefined;
  } catch {
    // Not ours, or damaged: as good as an unknown version, and the message says so.
    return undefined;
  }
};

/** The start time of a process in clock ticks since boot (field 22 of /proc/PID/stat), so that a reused pid is told apart; '' when it does not run. */
function startTimeOf(pid: number): string {
  const file = `/proc/${pid}/stat`;
  if (!existsSync('/proc/self/stat')) return isAlive(pid) ? 'alive' : '';
  if (!existsSync(file)) return '';
  const buffer = Buffer.alloc(1024);
  const handle = openSync(file, 'r');
  try {
    const text = buffer.toString('latin1', 0, readSync(handle, buffer));
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } finally {
    closeSync(handle);
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
};

/** All or nothing, also through a crash: written beside, synced, renamed. */
function writeDurably(path: string, text: string): void {
  const beside = `${path}.new`;
  const file = openSync(beside, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
}
