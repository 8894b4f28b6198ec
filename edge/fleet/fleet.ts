import { join } from 'node:path';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { VirtualClock, type Moment } from '#hal/emulated/virtual-clock.ts';
import { GridError } from '#hal/errors.ts';
import { createLog, type Log } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { loadTraces } from '#drivers/site/traces.ts';
import { isTpmKeyPem } from '#provisioning/tpm/provider/provider.ts';
import { Board, postSeconds } from '../board.ts';
import { type BoardFile, loadBoardFile } from '../board-file.ts';
import type { OutboxTotals } from '../outbox.ts';
import { OutboxFile } from '../outbox-file.ts';
import { CertificateWatch } from '../identity/certificate-watch.ts';
import { DeviceFile } from '../runtime/device-memory.ts';
import { StatusSocket, statusSocketName } from '../status-socket.ts';
import { BoardIdentities } from './board-identities.ts';
import { EmulatedBuilding } from './emulated-building.ts';
import { FieldStore, fieldFile } from './field-store.ts';
import type { BoardReport, FleetConfig, LaneReport } from './protocol.ts';

interface Opened {
  readonly config: FleetConfig;
  readonly clock: VirtualClock;
  readonly files: readonly BoardFile[];
  readonly buildings: readonly EmulatedBuilding[];
  readonly field: FieldStore;
  readonly outboxFile: OutboxFile;
  readonly identities: BoardIdentities;
  readonly log: Log;
}

/** Many boards on one thread, each with an emulated building, on one virtual clock. */
export class Fleet implements AsyncDisposable {
  readonly #resources = new AsyncDisposableStack();
  /** Wall microseconds from a post to its acknowledgement. */
  readonly #latency: RecordableHistogram = createHistogram();
  #opened: Opened | undefined;
  #boards: readonly Board[] = [];
  #before: ReadonlyMap<string, OutboxTotals> = new Map();
  #earliest = UnixSeconds(0);

  /** Reads what the sites were when they last ran. */
  async open(config: FleetConfig): Promise<{ newest: UnixSeconds | undefined }> {
    const log = createLog('boards', config.logLevel);
    const files = config.boards.map(({ path }) => loadBoardFile(path));
    const traces = config.traces && (await loadTraces(config.traces.folder, config.traces.buildings));
    const identities = this.#resources.use(new BoardIdentities(config));
    await identities.start(files.map((file) => file.meterId));
    const field = this.#resources.use(new FieldStore(join(config.dataFolder, fieldFile)));
    const outboxFile = this.#resources.use(new OutboxFile(join(config.dataFolder, 'outbox.db'), log));
    // Time moves to the start with `begin`; nothing asks for it before.
    const clock = new VirtualClock(UnixSeconds(0));
    const buildings = files.map(
      (file) =>
        new EmulatedBuilding({
          file,
          clock,
          seed: config.seed,
          state: field.load(file.meterId),
          traces: traces?.sourceOf(file.meterId, file.location.timeZone),
          memoryOf: (role) => new DeviceFile(join(config.dataFolder, 'devices', file.meterId, `${role}.json`)),
        }),
    );
    this.#opened = { config, clock, files, buildings, field, outboxFile, identities, log };
    const times = buildings.map((building) => building.site.state.time ?? 0);
    const newest = Math.max(0, ...times);
    return { newest: newest === 0 ? undefined : UnixSeconds(newest) };
  }

  /** Enrols the boards that are not yet. Rejects as `TpmIdentities.enrol` does. */
  async enrol({ url }: { readonly url: string }): Promise<number> {
    return this.#open().identities.enrol(url);
  }

  /** Starts twins and boards; the first samples are due at `start`. */
  async begin({ start, serverUrl }: { readonly start: UnixSeconds; readonly serverUrl: string }): Promise<Moment> {
    const opened = this.#open();
    const { config, clock, buildings, field } = opened;
    clock.setNow(start);
    // The time in which the campus did not run is a power cut: nothing happened in it.
    for (const building of buildings) building.site.resumeAt(start);
    const save = (): void => field.save(buildings.map((building) => [building.meterId, building.site.save()]));
    // Where a board is kept is known before it has anything to keep.
    save();
    clock.every({ name: 'field', period: config.sampleSeconds, phase: 'field' }, (now) => {
      for (const building of buildings) building.advanceTo(now);
      if (now % postSeconds === 0) save();
    });
    this.#boards = await Promise.all(
      opened.files.map((file, i) => this.#startBoard(opened, file, buildings[i], serverUrl)),
    );
    const status = this.#resources.use(new StatusSocket(join(config.dataFolder, statusSocketName), () => this.#boards));
    await status.startOrTell(opened.log);
    const waiting = this.#boards.map((board) => board.outbox.oldest()?.start ?? start);
    this.#earliest = UnixSeconds(Math.min(start, ...waiting));
    this.#before = new Map(this.#boards.map((board) => [board.meterId, board.outbox.totals]));
    return clock.next();
  }

  async runUntil(bound: Moment): Promise<Moment> {
    const { clock } = this.#open();
    await clock.runUntil(bound);
    return clock.next();
  }

  async report(): Promise<LaneReport> {
    const connected = this.#boards.filter(({ connection }) => connection.tls !== undefined);
    const connections = connected.flatMap(({ connection }) => connection.tls ?? []);
    const { identities } = this.#open();
    const inTpm = connected.filter(({ identity }) => isTpmKeyPem(identity.keyPem)).length;
    return {
      boards: this.#boards.map((board) => this.#reportOf(board)),
      earliest: this.#earliest,
      acknowledgedThrough: Object.fromEntries(
        this.#boards.map((board) => [board.meterId, board.outbox.acknowledgedThrough]),
      ),
      tls: {
        ciphers: connections.map(({ cipher }) => cipher),
        versions: connections.map(({ version }) => version),
        keys: { tpm: inTpm, software: connected.length - inTpm },
        tpmSignatures: identities.tpmSignatures,
        handshakes: this.#boards.reduce((sum, board) => sum + board.connection.handshakes, 0),
      },
      latencyUs: this.#latency,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  #open(): Opened {
    if (this.#opened === undefined) throw new GridError('GTX-FLT-003', 'The fleet was not opened');
    return this.#opened;
  }

  async #startBoard(
    opened: Opened,
    file: BoardFile,
    building: EmulatedBuilding | undefined,
    serverUrl: string,
  ): Promise<Board> {
    const { config, clock, log } = opened;
    if (building === undefined) throw new GridError('GTX-FLT-003', `No building for ${file.meterId}`);
    this.#resources.use(building);
    const store = opened.identities.storeOf(file.meterId);
    const board = new Board({
      file,
      devices: await building.start(),
      clock,
      serverUrl,
      identity: await store.load(),
      outboxFile: opened.outboxFile,
      serverStaples: config.serverStaples === true,
      sampleSeconds: config.sampleSeconds,
      seed: config.seed,
      log,
      onPosted: (elapsedMs) => this.#latency.record(Math.max(1, Math.round(elapsedMs * 1000))),
    });
    this.#resources.use(board);
    await board.start();
    this.#resources.use(new CertificateWatch({ board, store, clock, log })).start();
    return board;
  }

  #reportOf(board: Board): BoardReport {
    const { totals, size } = board.outbox;
    const before = this.#before.get(board.meterId) ?? totals;
    return {
      meterId: board.meterId,
      // What an earlier run left waiting is posted by this one.
      posted: totals.queued - before.acknowledged - before.dropped - before.refused,
      acknowledged: totals.acknowledged - before.acknowledged,
      acknowledgedEver: totals.acknowledged,
      waiting: size,
    };
  }
}
