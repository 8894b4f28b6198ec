import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '#hal/atomic-file.ts';
import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { deadline } from '#hal/wall.ts';
import { lockFolder } from './folder-lock.ts';
import { initialise, superuser } from './initdb.ts';
import { canRun, copyBinaries, findBinaries, hasLinks, majorOf, type PostgresBinaries } from './postgres-binaries.ts';
import { folderError, otherVersion, serverError } from './postgres-errors.ts';
import { leave, type PostgresPlace, settle, sharedFolder } from './postgres-place.ts';
import { PostgresProcess } from './postgres-process.ts';
import { clearStale, postmasterOf } from './stale-postmaster.ts';

/** How to reach a server; fields as in the `pg` package. */
export interface ConnectionOptions {
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  readonly connectionString?: string;
}

export interface EmbeddedPostgresOptions {
  /** Created when it does not exist; one head-end at a time. */
  readonly folder: string;
  readonly log: Log;
  /** Told what is going on during a start that takes a while. */
  readonly onProgress?: (what: string) => void;
  /** Called once when the server ends without being asked to (`GTX-DB-007`, or `GTX-DB-003` for a full disk). */
  readonly onExit?: (error: GridError) => void;
  /** Ends a start that is under way: the database is not made, or not kept running. */
  readonly signal?: AbortSignal;
}

/** The longest recovery that a start waits for; a 256 MB log replays in seconds. */
const startPatienceMs = 60_000;

/**
 * A PostgreSQL of the head-end's own on a folder, with every commit on the disk. It listens on a unix socket that
 * only this user (and root) can reach, and ends when the head-end does.
 */
export class EmbeddedPostgres implements AsyncDisposable {
  readonly #options: EmbeddedPostgresOptions;
  #starting: Promise<ConnectionOptions> | undefined;
  #running: { readonly lock: Disposable; readonly place: PostgresPlace; readonly server: PostgresProcess } | undefined;
  #isStopping = false;

  constructor(options: EmbeddedPostgresOptions) {
    this.#options = options;
  }

  /** Creates the database when there is none, and starts the server: 1 s the first time, 0.1 s later. `GTX-DB-001`…`007`. */
  start(): Promise<ConnectionOptions> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<ConnectionOptions> {
    const { log, onProgress, signal } = this.#options;
    const found = findBinaries();
    const folder = createFolder(this.#options.folder);
    const lock = lockFolder(folder);
    try {
      const place = await settle(folder, log);
      const binaries = await usable(found, place);
      const isNew = !existsSync(place.pgdata);
      const password = await passwordOf(folder, isNew);
      if (isNew) {
        onProgress?.('creating the database');
        await initialise(binaries, place, password, signal);
      }
      checkVersion(place, binaries);
      await clearStale(place, log);
      if (!isNew) onProgress?.('starting the database');
      const server = new PostgresProcess(binaries, place, log);
      using _ = deadline(startPatienceMs, () => void server.stop());
      if (!(await server.ready)) {
        await server.ended;
        throw serverError('GTX-DB-006', 'PostgreSQL did not start', place.base, server.lines);
      }
      this.#running = { lock, place, server };
      void this.#watch(server, place);
      return { host: place.socketFolder, port: 5432, user: superuser, password, database: 'postgres' };
    } catch (error) {
      lock[Symbol.dispose]();
      throw folderError(folder, error);
    }
  }

  async #watch(server: PostgresProcess, place: PostgresPlace): Promise<void> {
    await server.ended;
    if (this.#isStopping) return;
    this.#options.onExit?.(serverError('GTX-DB-007', 'PostgreSQL ended unexpectedly', place.base, server.lines));
  }

  /** The server's process, while it runs. */
  get pid(): number | undefined {
    return this.#running === undefined ? undefined : postmasterOf(this.#running.place.pgdata)?.pid;
  }

  /** Stops the server within 3 s and lets go of the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    // A start that failed told its caller, and left nothing to stop.
    await Promise.allSettled([this.#starting]);
    const running = this.#running;
    if (running === undefined) return;
    await running.server.stop();
    if (this.#running === undefined) return;
    this.#running = undefined;
    leave(running.place);
    running.lock[Symbol.dispose]();
  }
}

/** One name for one folder, so that a server is known again by the path it was started with. */
function createFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK | constants.X_OK);
    return realpathSync(folder);
  } catch (error) {
    throw folderError(folder, error);
  }
}

/** The binaries as installed, or a copy where npm did not make their links or the database's user cannot reach them. */
async function usable(found: PostgresBinaries, place: PostgresPlace): Promise<PostgresBinaries> {
  const { runAs } = place;
  if (runAs === undefined) return hasLinks(found) ? found : copyBinaries(found, place.base);
  if (hasLinks(found) && canRun(found, runAs)) return found;
  return copyBinaries(found, sharedFolder());
}

async function passwordOf(folder: string, isNew: boolean): Promise<string> {
  const path = join(folder, 'password');
  if (existsSync(path)) return readFileSync(path, 'utf8').trim();
  if (!isNew) {
    throw new GridError('GTX-DB-012', `The database's password file ${path} is missing`, {
      hint: 'Restore it from a backup of the data folder.',
    });
  }
  const password = randomBytes(24).toString('base64url');
  await writeFileAtomic(path, `${password}\n`, 0o600);
  return password;
}

function checkVersion(place: PostgresPlace, binaries: PostgresBinaries): void {
  const version = readFileSync(join(place.pgdata, 'PG_VERSION'), 'utf8').trim();
  if (version !== majorOf(binaries)) throw otherVersion(place.base, version, majorOf(binaries));
}
