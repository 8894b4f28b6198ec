import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Log } from '#hal/log.ts';
import { deadline } from '#hal/wall.ts';
import { environmentOf, type PostgresBinaries } from './postgres-binaries.ts';
import type { PostgresPlace } from './postgres-place.ts';
import { clusterName, postmasterOf, signalProcess } from './stale-postmaster.ts';

/** A small machine's settings: 25 to a few hundred meters, six connections, every commit on the disk. */
const settings = [
  'listen_addresses=',
  'log_line_prefix=',
  'ssl=off',
  'fsync=on',
  'synchronous_commit=on',
  'full_page_writes=on',
  'recovery_init_sync_method=syncfs',
  'wal_level=minimal',
  'max_wal_senders=0',
  'max_wal_size=256MB',
  'checkpoint_timeout=15min',
  'shared_buffers=32MB',
  'max_connections=20',
  'max_worker_processes=2',
  'max_logical_replication_workers=0',
  'max_parallel_workers=0',
  'max_parallel_workers_per_gather=0',
  'max_parallel_maintenance_workers=0',
  'autovacuum_max_workers=1',
  'io_method=sync',
  'jit=off',
  'huge_pages=off',
  'logging_collector=off',
  'log_checkpoints=off',
  'log_min_error_statement=panic',
  `cluster_name=${clusterName}`,
];

/**
 * Holds a pipe from the head-end: its end of file, however the head-end ends, is a fast shutdown. It also reaps the
 * server, which would otherwise stay as a zombie whose lock file looks alive. Only the pipe may stop it.
 */
const guard = `
exec 4<&0
"$@" 0</dev/null 4<&- & server=$!
{ read -r _ <&4; kill -INT $server; } 2>/dev/null & reader=$!
trap '' INT TERM HUP
wait $server; code=$?
kill $reader 2>/dev/null
exit $code`;

const keptLines = 40;

/** One run of the PostgreSQL server under its guard. */
export class PostgresProcess {
  /** Resolves when the server accepts connections; false: it ended before. */
  readonly ready: Promise<boolean>;
  /** Resolves when the server has ended. */
  readonly ended: Promise<void>;
  /** The last lines that it said. */
  readonly lines: string[] = [];
  #isStopping = false;
  readonly #guard: ChildProcess;
  readonly #pgdata: string;

  constructor(binaries: PostgresBinaries, place: PostgresPlace, log: Log) {
    this.#pgdata = place.pgdata;
    const server = [join(binaries.folder, 'bin', 'postgres'), '-D', place.pgdata];
    for (const setting of [...settings, `unix_socket_directories=${place.socketFolder}`]) server.push('-c', setting);
    this.#guard = spawn('/bin/sh', ['-c', guard, 'gridtokenx-postgres', ...server], {
      ...place.runAs,
      cwd: '/',
      env: environmentOf(binaries),
      stdio: ['pipe', 'ignore', 'pipe'],
      // In its own session, so that Ctrl-C reaches the head-end alone, which then stops the database last.
      detached: true,
    });
    const { promise: ready, resolve: settleReady } = Promise.withResolvers<boolean>();
    this.ready = ready;
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        settleReady(false);
        resolve();
      };
      this.#guard.on('close', end);
      this.#guard.on('error', (error) => {
        this.#keep(`FATAL: ${error.message}`);
        if (this.#guard.pid === undefined) end();
      });
    });
    // A pipe to a guard that is already gone: `ended` says so.
    this.#guard.stdin?.on('error', (error) => log.debug({ reason: error.message }, 'postgres guard'));
    if (this.#guard.stderr !== null) {
      createInterface({ input: this.#guard.stderr }).on('line', (line) => {
        this.#keep(line);
        // A fast shutdown ends sessions that were closing anyway with a FATAL line each.
        const isTrouble = /^(FATAL|PANIC|ERROR):/.test(line) && !this.#isStopping;
        if (isTrouble) log.warn({ line }, 'postgres');
        else log.debug({ line }, 'postgres');
        if (line.includes('database system is ready to accept connections')) settleReady(true);
      });
    }
  }

  /** Shuts down: a fast shutdown, and after 2.5 s an immediate one, from which the next start recovers. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#guard.stdin?.end();
    using _ = deadline(2_500, () => {
      const pid = postmasterOf(this.#pgdata)?.pid;
      if (pid !== undefined) signalProcess(pid, 'SIGQUIT');
    });
    await this.ended;
  }

  #keep(line: string): void {
    this.lines.push(line);
    if (this.lines.length > keptLines) this.lines.shift();
  }
}
