import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { GridError, reasonOf, systemCode } from '../errors.ts';

/** What a technician checks when a device file is not there. */
export type MissingHint = string;

/**
 * Opens a device file for reading and writing.
 * @throws GridError `GTX-HAL-004`, with the group to join where it may not be opened
 */
export function openDeviceFile(name: string, path: string, missing: MissingHint): number {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    throw cannotOpen(name, path, error, missing);
  }
}

export const cannotOpen = (name: string, path: string, error: unknown, missing: MissingHint): GridError =>
  new GridError('GTX-HAL-004', `Cannot open ${name}: ${reasonOf(error)}`, {
    hint: openHint(path, systemCode(error) ?? '', missing),
    cause: error,
  });

/** What to do about a device file that cannot be opened, by the code of the system's error. */
export function openHint(path: string, code: string, missing: MissingHint): string {
  if (code === 'EACCES' || code === 'EPERM') return permissionHint(path);
  if (code === 'ENOENT' || code === 'ENXIO' || code === 'ENODEV') return missing;
  if (code === 'EBUSY') return 'Another program has it open: `fuser -v` with the path tells which.';
  return 'Check the path in the board file and `dmesg`.';
}

function permissionHint(path: string): string {
  const { username } = userInfo();
  const group = groupOf(path);
  if (group === undefined) return `Let the user ${username} read and write ${path}.`;
  return `Let the user ${username} into the group ${group}: \`usermod -aG ${group} ${username}\`, then start again.`;
}

/** The name of the group that a file belongs to; `undefined` where it cannot be told or is root's. */
function groupOf(path: string): string | undefined {
  try {
    const { gid } = statSync(path);
    if (gid === 0) return undefined;
    const line = readFileSync('/etc/group', 'utf8')
      .split('\n')
      .find((each) => each.split(':')[2] === String(gid));
    return line?.split(':')[0] ?? String(gid);
  } catch (error) {
    // The hint is then without the group; the error that it belongs to is told all the same.
    if (systemCode(error) !== undefined) return undefined;
    throw error;
  }
}

/** A request to an open device that failed. */
export const requestFailed = (name: string, what: string, error: unknown, hint: string): GridError =>
  error instanceof GridError
    ? error
    : new GridError('GTX-HAL-005', `${name}: ${what} failed: ${reasonOf(error)}`, { hint, cause: error });

/** A device that is asked before its start or after its end. */
export const notStarted = (name: string): GridError => new GridError('GTX-HAL-006', `${name} is not started`);

/** A file descriptor that is open from the start of its owner to its end. */
export class OpenFile implements Disposable {
  readonly #name: string;
  #fd: number | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  get isOpen(): boolean {
    return this.#fd !== undefined;
  }

  /** @throws GridError `GTX-HAL-006` while there is none */
  get fd(): number {
    if (this.#fd === undefined) throw notStarted(this.#name);
    return this.#fd;
  }

  hold(fd: number): void {
    this.#fd = fd;
  }

  [Symbol.dispose](): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) closeSync(fd);
  }
}
