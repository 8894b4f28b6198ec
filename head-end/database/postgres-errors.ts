import { GridError, reasonOf, systemCode } from '#hal/errors.ts';

/** Wraps a file system error on the database's folder: not writable, no space left, or what the system said. */
export function folderError(folder: string, cause: unknown): GridError {
  if (cause instanceof GridError) return cause.code === 'GTX-HAL-020' ? folderError(folder, cause.cause) : cause;
  const code = systemCode(cause) ?? '';
  if (['ENOSPC', 'EDQUOT'].includes(code)) return noSpaceLeft(folder, cause);
  if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'].includes(code)) {
    return new GridError('GTX-DB-002', `The database folder ${folder} is not writable: ${reasonOf(cause)}`, {
      hint: 'Run as the user who owns the data folder, or choose another one with --data DIR.',
      cause,
    });
  }
  return new GridError('GTX-DB-006', `The database in ${folder} cannot be prepared: ${reasonOf(cause)}`, { cause });
}

export const noSpaceLeft = (folder: string, cause?: unknown): GridError =>
  new GridError('GTX-DB-003', `No space left on the disk of the database folder ${folder}`, {
    hint: 'Free some space (at least 200 MB) and start again; what was acknowledged is safe.',
    cause,
  });

export const otherVersion = (folder: string, found: string, expected: string): GridError =>
  new GridError(
    'GTX-DB-004',
    `${folder} was written by PostgreSQL ${found}; this program brings PostgreSQL ${expected}`,
    {
      hint: 'Use the release that wrote it, or choose another data folder with --data DIR.',
    },
  );

export const inUse = (folder: string, by: string): GridError =>
  new GridError('GTX-DB-005', `The database folder ${folder} is in use by ${by}`, {
    hint: 'Stop the other one first, or choose another data folder with --data DIR.',
  });

/**
 * Says what the last lines of initdb or postgres mean.
 * @param what what was being done, as in "PostgreSQL did not start"
 */
export function serverError(
  code: 'GTX-DB-006' | 'GTX-DB-007',
  what: string,
  folder: string,
  lines: readonly string[],
): GridError {
  const text = lines.join('\n');
  if (/No space left on device|Disk quota exceeded/.test(text)) return noSpaceLeft(folder);
  if (/lock file ".*" already exists/.test(text)) return inUse(folder, 'another PostgreSQL');
  const version = /initialized by PostgreSQL version (\S+),.*not compatible with this version (\S+)/.exec(text);
  if (version !== null) return otherVersion(folder, version[1] ?? '?', (version[2] ?? '?').replace(/\.$/, ''));
  if (/Permission denied|Read-only file system/.test(text))
    return folderError(folder, Object.assign(new Error(lines.at(-1)), { code: 'EACCES' }));
  if (text.includes('could not look up effective user ID')) {
    return new GridError(code, 'PostgreSQL does not run as a user without a name', {
      hint: 'Give the user an entry in /etc/passwd, run as root, or use --database postgres://…',
    });
  }
  const last = lines.filter((line) => /(FATAL|PANIC|error|ERROR):/.test(line)).slice(-3);
  return new GridError(
    code,
    `${what}: ${(last.length > 0 ? last : lines.slice(-3)).join(' · ') || 'it said nothing'}`,
    {
      hint: `Its data is in ${folder}; set GRIDTOKENX_LOG=debug to see all that PostgreSQL says.`,
    },
  );
}
