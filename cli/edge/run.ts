import { HardwareWatchdog } from '#hal/linux/watchdog.ts';
import { SystemdNotify } from '#hal/linux/systemd.ts';
import { join } from 'node:path';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import { createLog, type Log } from '#hal/log.ts';
import { RealClock } from '#hal/real-clock.ts';
import { loadBoardFile } from '#edge/board-file.ts';
import { type IdentityStore, identityInFiles, identityInTpm } from '#edge/identity/identity-store.ts';
import type { TpmIdentities } from '#edge/identity/tpm-identities.ts';
import { EdgeRuntime } from '#edge/runtime/edge-runtime.ts';
import { TaskHealth } from '#edge/runtime/task-health.ts';
import { DataFolder } from '../campus/data-folder.ts';
import type { EdgeOptions } from '../edge.ts';
import { untilStopped } from '../stop-signals.ts';
import { versionOfPackage } from '../version.ts';

/** Runs a board in real time until it is told to stop. */
export async function runEdge(options: EdgeOptions): Promise<void> {
  using stopping = untilStopped();
  const file = loadBoardFile(options.board);
  await using cleanup = new AsyncDisposableStack();
  const identityStore = await identityStoreOf(options, cleanup);
  const log = createLog('edge', process.env['GRIDTOKENX_LOG'] ?? 'info');
  const dataFolder = await openData(options.data, cleanup, log);
  const tasks = new TaskHealth(log);
  // Whatever happens in one task, the others keep the site within its limits.
  const clock = new RealClock({
    onEnd: (task, failure) => tasks.ended(task, clock.now(), failure),
    onSkipped: (task) => tasks.skipped(task, clock.now()),
  });
  const systemd = SystemdNotify.from(process.env);
  const watchdogs = [
    ...(systemd === undefined ? [] : [systemd]),
    ...(options.watchdog === undefined ? [] : [new HardwareWatchdog({ device: options.watchdog })]),
  ];
  const runtime = cleanup.use(
    new EdgeRuntime({
      file,
      clock,
      serverUrl: options.server,
      identityStore,
      dataFolder,
      sampleSeconds: options.sample,
      seed: options.seed,
      ...(options.statusPort === undefined ? {} : { statusPort: options.statusPort }),
      watchdogs,
      tasks,
      log,
      ...(options.record !== undefined && {
        record: { path: options.record, maxBytes: options.recordBytes, software: versionOfPackage() },
      }),
    }),
  );
  const { statusPort } = await runtime.start();
  process.stderr.write(`edge: ${file.meterId} runs against ${options.server}\n`);
  if (statusPort !== undefined) process.stderr.write(`edge: status at http://127.0.0.1:${statusPort}/\n`);
  await clock.run(stopping.signal);
  process.stderr.write('edge: stopped; the next start goes on from there\n');
}

/** The disk is full, read-only or damaged. */
const diskFaults: readonly string[] = ['ENOSPC', 'EROFS', 'EIO'];

/**
 * Where the board keeps its things. A disk that is full or read-only does not keep it from working: its outbox comes when
 * there is room again.
 */
async function openData(path: string, cleanup: AsyncDisposableStack, log: Log): Promise<string> {
  const boards = 'boards';
  try {
    return cleanup.use(await DataFolder.open(path)).folder(boards);
  } catch (error) {
    const code = systemCode(error instanceof GridError ? error.cause : error);
    if (code === undefined || !diskFaults.includes(code)) throw error;
    log.error({ reason: reasonOf(error) }, 'nothing can be kept; control begins without');
    process.stderr.write(`edge: ${reasonOf(error)}; control begins without\n`);
    return join(path, boards);
  }
}

/** With a TPM it is that or nothing; whether it answers is seen when it is asked. */
async function identityStoreOf(
  { identity, tpm, certificate }: Pick<EdgeOptions, 'identity' | 'tpm' | 'certificate'>,
  cleanup: AsyncDisposableStack,
): Promise<IdentityStore> {
  if (tpm === undefined) return identityInFiles(identity);
  return identityInTpm(await tpmIdentities(tpm, identity, cleanup), certificate);
}

async function tpmIdentities(tpm: string, folder: string, cleanup: AsyncDisposableStack): Promise<TpmIdentities> {
  // Boards with keys in files need none of it.
  const [{ tpmAddressOf }, { TpmIdentities }] = await Promise.all([
    import('#provisioning/tpm/tpm-address.ts'),
    import('#edge/identity/tpm-identities.ts'),
  ]);
  return cleanup.use(new TpmIdentities(tpmAddressOf(tpm), folder));
}
