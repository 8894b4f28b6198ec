import { join } from 'node:path';
import { realPort } from '#hal/board.ts';
import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { Watchdog } from '#hal/ports.ts';
import { monotonicMs } from '#hal/wall.ts';
import { Board, type BoardIdentity, type BoardOptions } from '../board.ts';
import type { BoardFile } from '../board-file.ts';
import { ClientFile } from '../client/client-file.ts';
import { lostIdentity } from '../client/tls-link.ts';
import { CertificateWatch } from '../identity/certificate-watch.ts';
import type { IdentityStore } from '../identity/identity-store.ts';
import type { BoardRecorder, RecordOptions } from '../recording/board-recorder.ts';
import { OutboxFile } from '../outbox-file.ts';
import { StatusSocket, statusSocketName } from '../status-socket.ts';
import { type BoardReport, reportOf } from './board-report.ts';
import { BoardSite } from './board-site.ts';
import { holdDevices } from './device-holds.ts';
import { HomeAssistantOutlet } from './home-assistant-outlet.ts';
import { Heartbeat } from './heartbeat.ts';
import { StatusPage } from './status-page.ts';
import type { TaskHealth } from './task-health.ts';

export interface EdgeRuntimeOptions extends Pick<BoardOptions, 'serverUrl' | 'sampleSeconds' | 'utility'> {
  readonly file: BoardFile;
  readonly clock: Clock;
  /** Where the board's identity is kept, and renewed when that is due. */
  readonly identityStore: IdentityStore;
  /** Held by this process alone. */
  readonly dataFolder: string;
  /** Of the emulated devices. */
  readonly seed: number;
  /** Port of the status page on loopback, 0 = any free one; left out, there is none. */
  readonly statusPort?: number;
  readonly watchdogs: readonly Watchdog[];
  /** What the clock tells of the tasks, where it does. */
  readonly tasks?: TaskHealth;
  readonly log: Log;
  /** Records what passes at the board's ports; left out, nothing is recorded. */
  readonly record?: RecordOptions;
}

/** The control loop is stuck when it has done nothing for so many of its periods, and at least for so many seconds. */
const [stuckPeriods, stuckSeconds] = [3, 12];

/** A board that is not recorded does without its code. */
async function openRecorder(record: RecordOptions, log: Log): Promise<BoardRecorder> {
  const { BoardRecorder: Recorder } = await import('../recording/board-recorder.ts');
  return new Recorder(record, log);
}

/** One board, real or emulated: its devices, its control, its outbox, and what watches over it. */
export class EdgeRuntime implements AsyncDisposable {
  readonly #options: EdgeRuntimeOptions;
  readonly #resources = new AsyncDisposableStack();
  #board: Board | undefined;
  #site: BoardSite | undefined;
  #startedAtMs = 0;

  constructor(options: EdgeRuntimeOptions) {
    this.#options = options;
  }

  /**
   * Starts everything that is there: a device, a watchdog, a head-end or an identity that is missing keeps nothing else
   * from working. Answers the port of the status page. Rejects as `IdentityStore.load` does for a board that has never
   * had an identity.
   */
  async start(): Promise<{ readonly statusPort: number | undefined }> {
    const { file, clock, dataFolder, seed, watchdogs, log, statusPort, utility, identityStore, record } = this.#options;
    const outboxFile = this.#resources.use(new OutboxFile(join(dataFolder, 'outbox.db'), log, { mayBeAbsent: true }));
    const identity = await this.#identity(outboxFile);
    this.#resources.use(await holdDevices(file));
    const recorder = record && this.#resources.use(await openRecorder(record, log));
    const site = this.#resources.use(new BoardSite({ file, clock, dataFolder, seed, ...(recorder && { recorder }) }));
    this.#site = site;
    const devices = await site.start();
    const board = new Board({
      ...this.#options,
      ...(utility !== undefined && { utility }),
      devices,
      identity,
      outboxFile,
      onPosted: () => undefined,
    });
    this.#resources.use(board);
    this.#board = board;
    await board.start();
    this.#resources.use(new CertificateWatch({ board, store: identityStore, clock, log })).start();
    if (site.isEmulated) {
      const follow = (): void => {
        if (board.sample !== undefined) site.follow(board.sample);
      };
      this.#resources.use(clock.every({ name: 'real devices', period: 1, phase: 'field' }, follow));
    }
    if (file.homeAssistant !== undefined) {
      const link = realPort('mqtt', file.homeAssistant);
      const outlet = new HomeAssistantOutlet({ board, name: file.name, link, clock, log });
      this.#resources.use(outlet);
      outlet.start();
    }
    this.#startedAtMs = monotonicMs();
    const heartbeat = this.#resources.use(new Heartbeat({ watchdogs, isAlive: () => this.isControlAlive, log }));
    await heartbeat.start();
    const socket = this.#resources.use(new StatusSocket(join(dataFolder, statusSocketName), () => [board]));
    await socket.startOrTell(log);
    if (statusPort === undefined) return { statusPort: undefined };
    const page = this.#resources.use(new StatusPage(() => this.report()));
    return { statusPort: await page.start(statusPort) };
  }

  /** A board that has had one controls its site without; `CertificateWatch` has it take the identity when it is there. */
  async #identity(outboxFile: OutboxFile): Promise<BoardIdentity> {
    const { file, identityStore, log } = this.#options;
    try {
      return await identityStore.load();
    } catch (error) {
      const { lfdi } = new ClientFile(outboxFile, file.meterId);
      if (!(error instanceof GridError) || lfdi === undefined) throw error;
      log.error({ meter: file.meterId, reason: error.describe() }, 'the identity is lost; control begins without');
      return { ...lostIdentity(error), lfdi };
    }
  }

  /** Whether samples are taken and acted upon; a start counts as one. */
  get isControlAlive(): boolean {
    const seconds = Math.max(stuckSeconds, stuckPeriods * this.#options.sampleSeconds);
    return monotonicMs() - (this.#board?.controlledAtMs ?? this.#startedAtMs) <= seconds * 1000;
  }

  /** What the status page shows. @throws RangeError before the start */
  report(): BoardReport {
    if (this.#board === undefined) throw new RangeError('the runtime is not started');
    const { file, clock, tasks, identityStore } = this.#options;
    return reportOf(file, this.#board, clock.now(), {
      isControlAlive: this.isControlAlive,
      others: [...(this.#site?.health ?? []), ...(tasks?.parts ?? [])],
      tpm: identityStore.tpmSignatures?.(),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
