import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Pool } from 'pg';
import { LockstepLeader } from '#hal/emulated/lockstep.ts';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { Board } from '#edge/board.ts';
import { type BoardFile, loadBoardFile } from '#edge/board-file.ts';
import { Connection } from '#edge/client/connection.ts';
import { UtilityClient } from '#edge/client/utility-client.ts';
import { EmulatedBuilding } from '#edge/fleet/emulated-building.ts';
import { OutboxFile } from '#edge/outbox-file.ts';
import { nextWindow } from '#edge/trading/agent.ts';
import { startTestDatabase } from '#head-end/database/test-database.ts';
import { HeadEnd } from '#head-end/head-end.ts';
import { activePower } from '#ieee2030_5/active-power.ts';
import { mridOf } from '#ieee2030_5/identity.ts';
import { type DeviceIdentity, loadIdentity } from '#provisioning/identity-files.ts';
import { prepareIdentities } from '#cli/campus/identities.ts';
import { temporaryFolder } from './campus-process.ts';
import { type Exchange, type Names, RecordingProxy } from './recording-proxy.ts';

export const boardFile = (name: string) =>
  loadBoardFile(fileURLToPath(new URL(`../../boards/stanford/${name}.yaml`, import.meta.url)));

const sampleSeconds = 15;

export interface Recorded {
  readonly proxy: RecordingProxy;
  readonly board: Board;
  readonly start: UnixSeconds;
  /** The head-end's database. */
  readonly pool: Pool;
}

export interface RecordingOptions {
  readonly start: string;
  readonly hours: number;
  readonly names: Names;
  readonly onExchange?: (exchange: Exchange, pool: Pool) => Promise<void>;
}

/** A head-end with a database of its own, that knows these boards. */
export async function openHeadEnd(resources: AsyncDisposableStack, folder: string, files: readonly BoardFile[]) {
  const database = resources.use(await startTestDatabase());
  const { host = '', port, user, password, database: name } = database.connection;
  const identities = await prepareIdentities(join(folder, 'ca'), join(folder, 'identities'), files);
  const headEnd = resources.use(
    new HeadEnd((error) => {
      throw error;
    }),
  );
  const [file] = files;
  const { sepPort } = await headEnd.open({
    dataFolder: folder,
    databaseUrl: `postgres://${user}:${encodeURIComponent(password ?? '')}@localhost:${port}/${name}?host=${encodeURIComponent(host)}`,
    sepPort: 0,
    httpPort: 0,
    identityFolder: identities.serverFolder,
    devices: identities.devices,
    zone: file?.zone ?? '',
    site: { name: 'one board', timeZone: file?.location.timeZone ?? 'UTC' },
    speed: 'max',
    logLevel: 'silent',
  });
  return { headEnd, sepPort, identities, database };
}

export interface EmulatedBoardOptions {
  readonly file: BoardFile;
  readonly clock: VirtualClock;
  readonly serverUrl: string;
  readonly identity: DeviceIdentity;
  /** For its outbox. */
  readonly folder: string;
}

/** A board in its emulated building, not started yet. */
export async function emulatedBoard(resources: AsyncDisposableStack, options: EmulatedBoardOptions): Promise<Board> {
  const { file, clock, serverUrl, identity, folder } = options;
  const building = new EmulatedBuilding({ file, clock, seed: 1, state: undefined, traces: undefined });
  resources.use(building);
  const board = new Board({
    file,
    devices: await building.start(),
    clock,
    serverUrl,
    identity,
    outboxFile: resources.use(new OutboxFile(join(folder, 'outbox.db'))),
    sampleSeconds,
    seed: 1,
    log: createLog('test', 'silent'),
    onPosted: () => undefined,
  });
  resources.use(board);
  clock.every({ name: 'field', period: sampleSeconds, phase: 'field' }, (now) => building.advanceTo(now));
  return board;
}

/**
 * A dormitory's board and a head-end for some virtual hours, with a recording proxy between them. A neighbour, at the
 * head-end by itself, sells and buys in turns, so that the dormitory has somebody to trade with.
 */
export async function recordOneBoard(t: TestContext, options: RecordingOptions): Promise<Recorded> {
  const start = UnixSeconds(Date.parse(options.start) / 1000);
  const resources = new AsyncDisposableStack();
  // Before the folder's, so that everything is closed when it goes.
  t.after(() => resources.disposeAsync());
  const folder = temporaryFolder(t, 'documents');
  const [file, neighbour] = [boardFile('dorm-001'), boardFile('eng-001')];
  const { headEnd, sepPort, identities, database } = await openHeadEnd(resources, folder, [file, neighbour]);
  const identity = await loadIdentity(join(identities.boardsFolder, file.meterId));
  const { onExchange } = options;
  const proxy = resources.use(
    new RecordingProxy({
      serverPort: sepPort,
      server: await loadIdentity(identities.serverFolder),
      board: identity,
      names: options.names,
      ...(onExchange && { onExchange: (exchange: Exchange) => onExchange(exchange, database.pool) }),
    }),
  );
  const serverUrl = `https://127.0.0.1:${await proxy.start()}${options.names.toBoard('/dcap')}`;

  const clock = new VirtualClock(start);
  const board = await emulatedBoard(resources, { file, clock, serverUrl, identity, folder });
  const trader = await loadIdentity(join(identities.boardsFolder, neighbour.meterId));
  const direct = resources.use(new Connection(`https://127.0.0.1:${sepPort}`, trader));
  const trading = resources.use(
    new UtilityClient({
      clock,
      connection: direct,
      serverUrl: `${direct.origin}/dcap`,
      lfdi: trader.lfdi,
      outboxFile: resources.use(new OutboxFile(join(folder, 'neighbour.db'))),
      board: neighbour.meterId,
      seed: 1,
      log: createLog('neighbour', 'silent'),
    }),
  );
  clock.every({ name: 'neighbour', period: 300, offset: 240, phase: 'exchange' }, async (now) => {
    const { requests = '' } = await trading.resources();
    const window = nextWindow(now);
    const energyWh = window % 600 === 0 ? 5_000 : -5_000;
    await direct.post(requests, 'FlowReservationRequest', {
      mRID: mridOf(`neighbour/${window}`),
      creationTime: BigInt(now),
      energyRequested: { multiplier: 0, value: energyWh },
      intervalRequested: { duration: 300, start: BigInt(window) },
      powerRequested: activePower(energyWh * 12),
      RequestStatus: { dateTime: BigInt(now), requestStatus: 0 },
    });
  });
  const next = await headEnd.begin({ start });
  await board.start();
  await trading.start();

  const boards = {
    name: 'the board',
    runUntil: async (bound: Parameters<VirtualClock['runUntil']>[0]) => {
      await clock.runUntil(bound);
      return clock.next();
    },
  };
  const leader = new LockstepLeader(
    [
      { participant: { name: 'the head-end', runUntil: (bound) => headEnd.runUntil(bound) }, next },
      { participant: boards, next: clock.next() },
    ],
    { start, end: UnixSeconds(start + options.hours * 3600), speed: 'max' },
  );
  await leader.run(AbortSignal.timeout(60_000));
  return { proxy, board, start, pool: database.pool };
}
