import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { delay, monotonicMs } from '#hal/wall.ts';
import { inUse } from './postgres-errors.ts';
import type { PostgresPlace } from './postgres-place.ts';

/** Marks our servers among the processes of a machine. */
export const clusterName = 'gridtokenx';

interface Postmaster {
  readonly pid: number;
  /** System V shared memory, attached by every process of the server. */
  readonly shmid: number | undefined;
}

/**
 * Clears away what a server that was killed left behind. The caller holds the folder's lock, so that a server of
 * ours still running on it is an orphan: it is told to end. Rejects with `GTX-DB-005` when a server that is not
 * ours runs there, or an orphan does not end.
 */
export async function clearStale(place: PostgresPlace, log: Log): Promise<void> {
  const found = postmasterOf(place.pgdata);
  if (found !== undefined) {
    const state = stateOf(found.pid, place.pgdata);
    if (state === 'stranger') throw inUse(place.base, `PostgreSQL, process ${found.pid}`);
    if (state === 'ours') await endOrphan(found.pid, place, log);
    // Its processes outlive a killed postmaster for a moment; until they are gone they could still write.
    const isFree = await within(5_000, () => !isAttached(found.shmid));
    if (!isFree) throw inUse(place.base, `what is left of PostgreSQL, process ${found.pid}`);
    rmSync(join(place.pgdata, 'postmaster.pid'), { force: true });
  }
  for (const name of readdirSync(place.socketFolder)) {
    if (name.startsWith('.s.PGSQL.')) rmSync(join(place.socketFolder, name), { force: true });
  }
}

async function endOrphan(pid: number, place: PostgresPlace, log: Log): Promise<void> {
  log.warn({ pid }, 'ending the PostgreSQL that a killed head-end left behind');
  const isGone = (): boolean => stateOf(pid, place.pgdata) === 'dead';
  for (const [signal, patienceMs] of [
    ['SIGINT', 5_000],
    ['SIGQUIT', 5_000],
  ] as const) {
    signalProcess(pid, signal);
    if (await within(patienceMs, isGone)) return;
  }
  throw inUse(place.base, `PostgreSQL, process ${pid}, which does not end`);
}

async function within(patienceMs: number, isTrue: () => boolean): Promise<boolean> {
  const end = monotonicMs() + patienceMs;
  while (!isTrue()) {
    if (monotonicMs() > end) return false;
    await delay(10);
  }
  return true;
}

/** Signals a process; that it has just ended is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}

/** What postmaster.pid says: line 1 is the process, line 7 the shared memory's key and id. */
export function postmasterOf(pgdata: string): Postmaster | undefined {
  const path = join(pgdata, 'postmaster.pid');
  if (!existsSync(path)) return undefined;
  const lines = readFileSync(path, 'utf8').split('\n');
  const pid = Number(lines[0]);
  const shmid = /^\s*\d+\s+(\d+)\s*$/.exec(lines[6] ?? '')?.[1];
  return { pid, shmid: shmid === undefined ? undefined : Number(shmid) };
}

/** A zombie is dead, though PostgreSQL's own check takes it for alive; so is a pid that went to another program. */
function stateOf(pid: number, pgdata: string): 'dead' | 'ours' | 'stranger' {
  if (!Number.isSafeInteger(pid) || pid <= 1) return 'dead';
  const status = readProc(`${pid}/stat`);
  if (status === undefined || /^[ZX]/.test(status.slice(status.lastIndexOf(')') + 2))) return 'dead';
  const words = (readProc(`${pid}/cmdline`) ?? '').split('\0');
  if (!words.includes(pgdata)) return 'dead';
  return words.includes(`cluster_name=${clusterName}`) ? 'ours' : 'stranger';
}

function isAttached(shmid: number | undefined): boolean {
  const rows = (readProc('sysvipc/shm') ?? '').split('\n').slice(1);
  return rows.some((row) => {
    const [, id, , , , , attached] = row.trim().split(/\s+/);
    return Number(id) === shmid && Number(attached) > 0;
  });
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(join('/proc', path), 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}
