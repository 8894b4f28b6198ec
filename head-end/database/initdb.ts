import { execFile } from 'node:child_process';
import { lchownSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '#hal/atomic-file.ts';
import { environmentOf, type PostgresBinaries } from './postgres-binaries.ts';
import { serverError } from './postgres-errors.ts';
import type { PostgresPlace, UserId } from './postgres-place.ts';

export const superuser = 'gridtokenx';

/** initdb wants a user who is listed in /etc/passwd, which the service user is not. */
const nobody: UserId = { uid: 65534, gid: 65534 };

/**
 * Makes the database's files; they appear whole or not at all, also when it is aborted. Rejects with `GTX-DB-003`,
 * `GTX-DB-006` or the signal's reason.
 */
export async function initialise(
  binaries: PostgresBinaries,
  place: PostgresPlace,
  password: string,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  const half = join(place.base, 'pg.new');
  const passwordFile = join(half, 'password');
  const pgdata = join(half, 'pg');
  await rm(half, { recursive: true, force: true });
  try {
    await mkdir(half, { mode: 0o700 });
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    const runAs = place.runAs === undefined ? undefined : nobody;
    for (const path of runAs === undefined ? [] : [half, passwordFile]) await chown(path, nobody.uid, nobody.gid);
    const words = ['-D', pgdata, '-U', superuser, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
    // One sync of the file system instead of one a file: a third of the time on a busy disk.
    words.push('-E', 'UTF8', '--locale=C', '--wal-segsize=8', '--no-instructions', '--sync-method=syncfs');
    const failure = await run(binaries, runAs, words, signal);
    signal?.throwIfAborted();
    if (failure !== undefined) throw serverError('GTX-DB-006', 'The database cannot be created', place.base, failure);
    if (place.runAs !== undefined) chownTree(pgdata, place.runAs);
    renameSync(pgdata, place.pgdata);
    await syncFolder(dirname(place.pgdata));
  } finally {
    rmSync(half, { recursive: true, force: true });
  }
}

/** Undefined when all went well, else what it said. */
const run = (
  binaries: PostgresBinaries,
  runAs: UserId | undefined,
  words: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string[] | undefined> =>
  new Promise((resolve) => {
    const options = { ...runAs, cwd: '/', env: environmentOf(binaries) };
    // Asked to end it clears up behind itself, so its own end is waited for.
    const abort = (): void => void initdb.kill('SIGTERM');
    const initdb = execFile(join(binaries.folder, 'bin', 'initdb'), words, options, (error, _, stderr) => {
      signal?.removeEventListener('abort', abort);
      if (error === null) resolve(undefined);
      else resolve(stderr === '' ? [error.message] : stderr.trim().split('\n'));
    });
    // It may have been told while the folder was made: then nobody tells it again.
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });

function chownTree(path: string, to: UserId): void {
  lchownSync(path, to.uid, to.gid);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const below = join(path, entry.name);
    if (entry.isDirectory()) chownTree(below, to);
    else lchownSync(below, to.uid, to.gid);
  }
}
