import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { writeFileAtomic } from '#hal/atomic-file.ts';
import { GridError, systemCode } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { folderError } from './postgres-errors.ts';

/** Where PostgreSQL keeps its data, and as whom it runs. */
export interface PostgresPlace {
  /** What may be shown and backed up: PGDATA's parent. */
  readonly base: string;
  readonly pgdata: string;
  /** Of the unix socket; 0700. */
  readonly socketFolder: string;
  /** Undefined: as the user of this process. */
  readonly runAs: UserId | undefined;
}

export interface UserId {
  readonly uid: number;
  readonly gid: number;
}

/**
 * PostgreSQL refuses to run as root, so root's head-end runs it as this user, who needs no entry in /etc/passwd
 * and owns nothing else.
 */
const serviceUser: UserId = { uid: 64123, gid: 64123 };
/** Where root's databases live when their data folder lies below a folder that only root may enter. */
const systemFolder = '/var/lib/gridtokenx';
/** sun_path is 108 bytes with its final zero; PostgreSQL adds `/.s.PGSQL.5432`. */
const longestSocketFolder = 107 - '/.s.PGSQL.5432'.length;

/** Decides on and creates the place for the database of a data folder (its real path). Throws `GTX-DB-002`, `GTX-DB-003`. */
export async function settle(folder: string, log: Log): Promise<PostgresPlace> {
  try {
    const isRoot = process.getuid?.() === 0;
    if (!isRoot && existsSync(pointerOf(folder))) {
      throw new GridError('GTX-DB-002', `The database of ${folder} belongs to root`, {
        hint: 'Run as root, or choose another data folder with --data DIR.',
      });
    }
    const base = isRoot ? await baseForRoot(folder, log) : folder;
    const pgdata = join(base, 'pg');
    const runAs = isRoot ? ownerOf(pgdata) : undefined;
    return { base, pgdata, socketFolder: createSocketFolder(base, runAs), runAs };
  } catch (error) {
    throw folderError(folder, error);
  }
}

/** As root: the parent for what every database of root shares, the copied binaries. */
export function sharedFolder(): string {
  mkdirSync(systemFolder, { recursive: true, mode: 0o755 });
  const { uid, mode } = statSync(systemFolder);
  if (uid !== 0 || (mode & 0o022) !== 0) {
    throw new GridError('GTX-DB-002', `${systemFolder} can be changed by others than root`, {
      hint: `Run \`chown root ${systemFolder} && chmod 755 ${systemFolder}\`.`,
    });
  }
  return systemFolder;
}

/** Whether the database's user can enter a folder: asked of the system, which knows about every kind of rule. */
const isEnterable = (folder: string, by: UserId): boolean =>
  spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { ...by, cwd: '/', env: {} }).status === 0;

/** The file in a data folder that says where its database is, when that is elsewhere. */
const pointerOf = (folder: string): string => join(folder, 'kept-in');

/** The place that a data folder's pointer names. */
function pointedTo(folder: string): string {
  const pointer = pointerOf(folder);
  const base = readFileSync(pointer, 'utf8').trim();
  if (resolve(base, '..') === systemFolder && existsSync(base)) return base;
  throw new GridError('GTX-DB-002', `The database of ${folder} is kept in ${base}, which does not exist`, {
    hint: `Restore ${base} from a backup, or delete ${pointer} to begin with an empty database.`,
  });
}

async function baseForRoot(folder: string, log: Log): Promise<string> {
  if (existsSync(pointerOf(folder))) return pointedTo(folder);
  chmodSync(folder, 0o711);
  if (existsSync(join(folder, 'pg')) || isEnterable(folder, serviceUser)) return folder;
  for (const earlier of keptFor(folder)) {
    // Not removed: the folder that points there may have been moved.
    log.warn({ earlier, folder }, 'an earlier database of this folder is still there; remove it if nobody needs it');
  }
  const base = join(sharedFolder(), randomUUID());
  mkdirSync(base, { mode: 0o711 });
  await writeFileAtomic(join(base, 'kept-for'), `${folder}\n`, 0o600);
  await writeFileAtomic(pointerOf(folder), `${base}\n`, 0o600);
  return base;
}

/** The places that were made for a data folder of this path. */
function keptFor(folder: string): string[] {
  const places = readdirSync(sharedFolder()).map((name) => join(systemFolder, name));
  return places.filter((place) => {
    const note = join(place, 'kept-for');
    return existsSync(note) && readFileSync(note, 'utf8').trim() === folder;
  });
}

/** Data that an ordinary user began stays that user's, also when root goes on with it. */
function ownerOf(pgdata: string): UserId {
  if (!existsSync(pgdata)) return serviceUser;
  const { uid, gid } = statSync(pgdata);
  return { uid, gid };
}

function createSocketFolder(base: string, runAs: UserId | undefined): string {
  const near = join(base, 'run');
  const id = createHash('sha256').update(base).digest('hex').slice(0, 16);
  const folder = Buffer.byteLength(near) <= longestSocketFolder ? near : join('/tmp', `gridtokenx-${id}`);
  const owner = runAs?.uid ?? process.getuid?.();
  try {
    mkdirSync(folder, { mode: 0o700 });
    if (runAs !== undefined) chownSync(folder, runAs.uid, runAs.gid);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    const { uid, mode } = lstatSync(folder);
    // A stranger's folder in /tmp could hold a stranger's database.
    if (!lstatSync(folder).isDirectory() || (uid !== owner && uid !== process.getuid?.()) || (mode & 0o077) !== 0) {
      throw new GridError('GTX-DB-002', `${folder}, for the database's socket, belongs to someone else`, {
        hint: `Remove ${folder}, or choose a data folder with a shorter path.`,
      });
    }
    if (runAs !== undefined) chownSync(folder, runAs.uid, runAs.gid);
  }
  return folder;
}

/** Removes the socket's folder when it lies outside the data folder. */
export function leave(place: PostgresPlace): void {
  if (!place.socketFolder.startsWith(place.base)) rmSync(place.socketFolder, { recursive: true, force: true });
}

/** Removes a database for good, wherever it is kept; nothing may be running on it. */
export function eraseDatabase(folder: string): void {
  if (existsSync(pointerOf(folder))) rmSync(pointedTo(folder), { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
}
