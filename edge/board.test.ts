import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds, W, Wh } from '#hal/units.ts';
import type { Battery, BatteryReading, ClampFrame, PvInverter, SiteMeter } from '#drivers/capabilities.ts';
import type { GridReading } from '#drivers/grid-support.ts';
import { extensionPath } from '#ieee2030_5/ext/types.ts';
import { lfdiBytes } from '#ieee2030_5/identity.ts';
import { parseAs } from '#ieee2030_5/parse.ts';
import { Board, type BoardOptions, postSeconds } from './board.ts';
import { document, startTestServer, type TestAnswer, testIdentities } from './client/test-server.ts';
import { OutboxFile } from './outbox-file.ts';
import type { BoardDevices } from './sampler.ts';
import { testBoardFile, testDevices } from './test-board-file.ts';

/** A window's start, so that the first offer is 270 s away. */
const start = UnixSeconds(1_782_000_000);
const after = (seconds: number): UnixSeconds => UnixSeconds(start + seconds);

const file = testBoardFile({
  connection: { importLimitW: 100_000, exportLimitW: 10_000 },
  devices: {
    ...testDevices,
    inverter: { ...testDevices.inverter, ratedW: 20_000 },
    battery: { ...testDevices.battery, capacityWh: 40_000, reservePercent: 20 },
  },
});

const gridReading: GridReading = {
  powerW: W(0),
  reactiveVar: undefined,
  apparentVA: undefined,
  voltageV: undefined,
  voltagePercent: undefined,
  frequencyHz: 60,
  operation: 'running',
  isConnected: true,
  alarms: new Set(),
};

/** A building whose devices can be lost, and that writes down what it is ordered to do. */
class Bench {
  loadW = 18_000;
  pvW = 2_000;
  readonly lost = new Set<'clamps' | 'inverter' | 'battery'>();
  /** Refuses orders as well as questions. */
  isBatteryDead = false;
  /** As ordered last. */
  storageW = 0;
  readonly orders: (string | number)[][] = [];
  /** Seconds after the start in which the grid was looked at, and how many orders had been given by then. */
  readonly looks: { readonly second: number; readonly device: string; readonly orders: number }[] = [];
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  devices(): BoardDevices {
    const answer = <T>(device: 'clamps' | 'inverter' | 'battery', value: T): Promise<T> =>
      this.lost.has(device) ? Promise.reject(new Error(`${device} lost`)) : Promise.resolve(value);
    const meter = {
      start: async () => undefined,
      frameAfter: () => answer('clamps', this.#frame()),
    } as unknown as SiteMeter;
    const plate = { manufacturer: '', model: '', serial: '' };
    const ratings = { maxW: 20_000, maxVA: 20_000, maxVarInject: 0, maxVarAbsorb: 0, nominalV: undefined };
    const inverter = {
      start: async () => undefined,
      nameplate: () => ({ ...plate, ratedW: W(20_000) }),
      ratings: () => ratings,
      modes: () => new Map([['limitW', { reverts: 'toDefault', ramps: false }]]),
      readGrid: () => this.#look('inverter'),
      read: () => answer('inverter', { powerW: W(this.pvW), generationWh: Wh(1) }),
      setMode: async (_mode: string, w: number | null) => void this.orders.push(['limit', w ?? 'lifted']),
    } as unknown as PvInverter;
    const reading = (): BatteryReading => ({
      powerW: W(this.storageW),
      stateOfChargeCentiPercent: 8_000,
      acChargeWh: Wh(0),
      acDischargeWh: Wh(0),
      dcChargeWh: Wh(0),
      dcDischargeWh: Wh(0),
    });
    const battery = {
      start: async () => undefined,
      nameplate: () => ({
        ...plate,
        ratedW: W(5_000),
        maxChargeW: W(5_000),
        maxDischargeW: W(5_000),
        capacityWh: Wh(40_000),
      }),
      ratings: () => ratings,
      modes: () => new Map([['targetW', { reverts: 'toValue', ramps: false }]]),
      readGrid: () => this.#look('battery'),
      read: () => answer('battery', reading()),
      setMode: async (_mode: string, w: number) => {
        if (this.isBatteryDead) throw new Error('dead');
        this.storageW = w;
        this.orders.push(['storage', w]);
      },
    } as unknown as Battery;
    return { meter, gridChannel: 1, loadChannel: 2, inverter, battery };
  }

  #look(device: 'inverter' | 'battery'): Promise<GridReading> {
    this.looks.push({ second: this.#clock.now() - start, device, orders: this.orders.length });
    return Promise.resolve(gridReading);
  }

  #frame(): ClampFrame {
    const now = this.#clock.now();
    const channels = [
      { powerW: W(this.loadW - this.pvW - this.storageW), energyWh: Wh(now - start) },
      { powerW: W(this.loadW), energyWh: Wh(now - start) },
    ];
    return { receivedAt: now, message: now - start + 1, voltsRms: 230, channels };
  }
}

/** A head-end of one device that takes note of every posting, and can be down or forget what it knew. */
class Server {
  isDown = false;
  mirrorPoint = '/mup/1';
  readonly starts: number[] = [];
  readonly asked: string[] = [];
  /** Refuses postings once so many were taken. */
  takes = Number.POSITIVE_INFINITY;

  answer(lfdi: BoardOptions['identity']['lfdi'], method: string, url: string, body: string): TestAnswer | undefined {
    this.asked.push(`${method} ${url}`);
    if (this.isDown) return undefined;
    if (url === '/dcap')
      return document('DeviceCapability', {
        TimeLink: { href: '/tm' },
        EndDeviceListLink: { href: '/edev' },
        MirrorUsagePointListLink: { href: '/mup' },
      });
    if (url === '/tm')
      return document('Time', {
        currentTime: BigInt(start),
        dstEndTime: 0n,
        dstOffset: 0,
        dstStartTime: 0n,
        quality: 7,
        tzOffset: 0,
      });
    if (url.startsWith('/edev'))
      return document('EndDeviceList', {
        all: 1,
        results: 1,
        EndDevice: [{ lFDI: lfdiBytes(lfdi), sFDI: 1, changedTime: 0n }],
      });
    if (url === extensionPath) return document('GridTokenXCapability', {});
    if (url === '/mup') return { status: 201, location: this.mirrorPoint };
    if (url !== this.mirrorPoint) return { status: 404 };
    if (this.starts.length >= this.takes) return { status: 503 };
    const list = parseAs('MirrorMeterReadingList', Buffer.from(body));
    // Without any device there is nothing to post.
    if (list.all === 0) return { status: 201 };
    const period = list.MirrorMeterReading?.[0]?.Reading?.timePeriod;
    this.starts.push(Number(period?.start ?? 0n) + (period?.duration ?? 0) - start);
    return { status: 201 };
  }
}

async function running(t: TestContext): Promise<{ clock: VirtualClock; bench: Bench; server: Server; board: Board }> {
  const stack = new AsyncDisposableStack();
  t.after(() => stack.disposeAsync());
  const folder = mkdtempSync(join(tmpdir(), 'gtx-board-'));
  stack.defer(() => rmSync(folder, { recursive: true }));
  const identities = await testIdentities(t);
  const identity = await identities(file.meterId);
  const server = new Server();
  const origin = await startTestServer(t, await identities('server'), (method, url, body) =>
    server.answer(identity.lfdi, method, url, body),
  );
  const clock = new VirtualClock(start);
  const bench = new Bench(clock);
  const board = new Board({
    file,
    devices: bench.devices(),
    clock,
    serverUrl: `${origin}/dcap`,
    identity,
    outboxFile: stack.use(new OutboxFile(join(folder, 'outbox.db'))),
    utility: { readings: 'campus' },
    sampleSeconds: 5,
    seed: 1,
    log: createLog('test', 'silent'),
    onPosted: () => undefined,
  });
  stack.use(board);
  await board.start();
  return { clock, bench, server, board };
}

const until = (clock: VirtualClock, seconds: number): Promise<void> =>
  clock.runUntil({ time: after(seconds), phase: 0 });
/** The ends of the periods posted up to a time, seconds from the start. */
const endsUpTo = (seconds: number): number[] =>
  Array.from({ length: Math.ceil(seconds / postSeconds) }, (_, n) => n * postSeconds);

test('what could not be posted in an outage is posted in order when the head-end is back', async (t) => {
  const { clock, server, board } = await running(t);
  await until(clock, 60);
  assert.deepEqual(server.starts, endsUpTo(60));
  server.isDown = true;
  await until(clock, 240);
  assert.deepEqual(server.starts, endsUpTo(60));
  assert.equal(board.outbox.size, 12);
  server.isDown = false;
  await until(clock, 241);
  assert.deepEqual(server.starts, endsUpTo(241));
  assert.equal(board.outbox.size, 0);
  assert.equal(board.outbox.totals.acknowledged, board.outbox.totals.queued);
});

test('a head-end that is not there at the start is found when it is', async (t) => {
  const { clock, server, board } = await running(t);
  server.isDown = true;
  await until(clock, 46);
  assert.deepEqual([server.starts, board.outbox.size], [[], 4]);
  server.isDown = false;
  await until(clock, 61);
  assert.deepEqual(server.starts, endsUpTo(61));
});

test('an outage that begins between two postings loses and repeats none of them', async (t) => {
  const { clock, server, board } = await running(t);
  server.isDown = true;
  await until(clock, 120);
  server.isDown = false;
  server.takes = 3;
  await until(clock, 121);
  assert.deepEqual([server.starts, board.outbox.size], [[0, 15, 30], 6]);
  server.takes = Number.POSITIVE_INFINITY;
  await until(clock, 136);
  assert.deepEqual(server.starts, endsUpTo(136));
});

test('a head-end that has forgotten the MirrorUsagePoint gets it anew, and loses nothing', async (t) => {
  const { clock, server, board } = await running(t);
  await until(clock, 20);
  server.mirrorPoint = '/mup/9';
  await until(clock, 60);
  assert.deepEqual(server.starts, endsUpTo(60));
  assert.equal(board.outbox.size, 0);
  assert.equal(server.asked.filter((asked) => asked === 'POST /mup').length, 2);
});

test('after three failures in a row the board looks for its resources anew', async (t) => {
  const { clock, server } = await running(t);
  await until(clock, 20);
  const discoveries = (): number => server.asked.filter((asked) => asked === 'GET /dcap').length;
  assert.equal(discoveries(), 1);
  server.takes = 0;
  await until(clock, 61);
  assert.equal(discoveries(), 1);
  await until(clock, 76);
  assert.equal(discoveries(), 2);
});

test('the storage covers the need of the building, and the order is repeated before the device reverts', async (t) => {
  const { clock, bench } = await running(t);
  await until(clock, 60);
  assert.deepEqual(bench.orders, [
    ['storage', 5_000],
    ['storage', 5_000],
  ]);
  bench.loadW = 3_000;
  await until(clock, 61);
  assert.deepEqual(
    bench.orders.findLast(([what]) => what === 'storage'),
    ['storage', 1_000],
  );
});

test('the orders of a second do not wait for a look at the grid, nor that for a device that is silent', async (t) => {
  const { clock, bench } = await running(t);
  await until(clock, 1);
  assert.deepEqual(bench.looks, [
    { second: 0, device: 'inverter', orders: 1 },
    { second: 0, device: 'battery', orders: 1 },
  ]);
  bench.lost.add('inverter');
  await until(clock, 21);
  assert.deepEqual(
    bench.looks.slice(2).map(({ second, device }) => [second, device]),
    [[20, 'battery']],
  );
});

test('a surplus that neither load nor storage takes is limited at the inverter, and the limit is lifted', async (t) => {
  const { clock, bench } = await running(t);
  Object.assign(bench, { loadW: 1_000, pvW: 20_000 });
  await until(clock, 1);
  assert.deepEqual(bench.orders, [
    ['limit', 16_000],
    ['storage', -5_000],
  ]);
  Object.assign(bench, { loadW: 18_000, pvW: 2_000 });
  await until(clock, 6);
  await until(clock, 11);
  assert.deepEqual(bench.orders.slice(2), [
    ['limit', 'lifted'],
    ['storage', 5_000],
  ]);
});

test('what cannot be seen is assumed worst: the storage rests, and the export limit holds at the load that is sure', async (t) => {
  for (const [device, limitW] of [
    ['clamps', 10_000],
    ['battery', 'lifted'],
  ] as const) {
    const { clock, bench, server } = await running(t);
    await until(clock, 1);
    bench.lost.add(device);
    await until(clock, 6);
    const limited = limitW === 'lifted' ? [] : [['limit', limitW]];
    assert.deepEqual(bench.orders, [['storage', 5_000], ...limited, ['storage', 0]]);
    bench.lost.clear();
    // Slowly: one percent of the rating a second.
    await until(clock, 32);
    const given = bench.orders.slice(2).flatMap(([what, w]) => (what === 'storage' ? [Number(w)] : []));
    assert.ok(given.includes(5_000) && given.some((w) => w > 0 && w < 2_000), given.join());
    // What is known is posted all the while.
    assert.deepEqual(server.starts, [0, 15, 30]);
  }
});

test('a limit in force outlives the clamps, and a battery that refuses its orders', async (t) => {
  const { clock, bench } = await running(t);
  Object.assign(bench, { loadW: 1_000, pvW: 20_000 });
  await until(clock, 1);
  bench.lost.add('clamps').add('battery');
  bench.isBatteryDead = true;
  bench.orders.length = 0;
  await until(clock, 31);
  assert.ok(bench.orders.length > 0);
  assert.deepEqual(new Set(bench.orders.map(String)), new Set(['limit,10000']));
});

test('with head-end and all devices lost the board lives on, and the storage rests', async (t) => {
  const { clock, bench, server, board } = await running(t);
  await until(clock, 20);
  server.isDown = true;
  for (const device of ['clamps', 'inverter', 'battery'] as const) bench.lost.add(device);
  bench.orders.length = 0;
  await until(clock, 200);
  assert.ok(bench.orders.length >= 6);
  assert.ok(bench.orders.every(([what, w]) => what === 'limit' || w === 0));
  bench.isBatteryDead = true;
  await until(clock, 300);
  bench.isBatteryDead = false;
  bench.lost.clear();
  server.isDown = false;
  await until(clock, 325);
  assert.deepEqual(
    bench.orders.findLast(([what]) => what === 'storage'),
    ['storage', 5_000],
  );
  assert.equal(board.outbox.size, 0);
  assert.deepEqual(server.starts, [0, 15, 300, 315]);
});
