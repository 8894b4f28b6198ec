import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { LockstepLeader } from '#hal/emulated/lockstep.ts';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { EmulatedWatchdog } from '#hal/emulated/watchdog.ts';
import { listenTcp } from '#hal/linux/tcp.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { serveModbusTcp } from '#drivers/modbus/server.ts';
import { SunSpecInverterTwin } from '#drivers/sunspec/inverter-twin.ts';
import type { BoardFile } from '#edge/board-file.ts';
import type { BoardReport } from '#edge/runtime/board-report.ts';
import { EdgeRuntime } from '#edge/runtime/edge-runtime.ts';
import { identityInFiles } from '#edge/identity/identity-store.ts';
import { temporaryFolder } from './campus-process.ts';
import { boardFile, openHeadEnd } from './one-board.ts';

const start = UnixSeconds(Date.parse('2026-07-01T19:00:00Z') / 1000);
const ratedW = 60_000;

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  await using listener = await listenTcp(0, () => undefined);
  return listener.port;
}

/** A real inverter on the bench, beside emulated clamps and battery: the site of the file, but for its inverter. */
function bench(port: number): BoardFile {
  const file = boardFile('dorm-001');
  const { battery, clamps } = file.devices;
  assert.ok(battery !== undefined && clamps !== undefined);
  return {
    ...file,
    hal: 'real',
    connection: { importLimitW: 100_000, exportLimitW: 5_000 },
    ports: { gateway: { tcp: `127.0.0.1:${port}` } },
    devices: {
      clamps: { ...clamps, port: 'emulated' },
      inverter: { driver: 'sunspec-inverter', unit: 1, ratedW, port: 'gateway' },
      battery: { ...battery, port: 'emulated' },
    },
  };
}

/** An inverter under full sun: it gives what it may. */
async function inverter(t: TestContext, clock: VirtualClock, port: number): Promise<() => number> {
  let powerW = 0;
  const source = { ratedW, serial: 'BENCH-1', powerW: () => powerW, energyWh: () => 0 };
  const twin = new SunSpecInverterTwin(source, clock, 'ieee1547');
  const limited = (): number => Math.min(ratedW, twin.effectiveLimitW(clock.now()) ?? ratedW);
  clock.every({ name: 'bench', period: 1, phase: 'open' }, () => {
    powerW = limited();
  });
  const server = await serveModbusTcp({ port, units: new Map([[1, twin.bank]]) });
  t.after(() => server[Symbol.asyncDispose]());
  return () => powerW;
}

test('a board runs with a device missing, finds it when it is there, and tells of all of it', async (t) => {
  const resources = new AsyncDisposableStack();
  t.after(() => resources.disposeAsync());
  const folder = temporaryFolder(t, 'edge-runtime');
  const port = await freePort();
  const file = bench(port);
  const { headEnd, sepPort, identities } = await openHeadEnd(resources, folder, [file]);
  const clock = new VirtualClock(start);
  const watchdog = new EmulatedWatchdog(clock, 15);
  const runtime = resources.use(
    new EdgeRuntime({
      file,
      clock,
      serverUrl: `https://127.0.0.1:${sepPort}/dcap`,
      identityStore: identityInFiles(join(identities.boardsFolder, file.meterId)),
      dataFolder: temporaryFolder(t, 'edge-data'),
      sampleSeconds: 1,
      seed: 1,
      statusPort: 0,
      watchdogs: [watchdog],
      log: createLog('test', 'silent'),
    }),
  );
  const next = await headEnd.begin({ start });
  const { statusPort } = await runtime.start();
  const boards = {
    name: 'the board',
    runUntil: async (bound: Parameters<VirtualClock['runUntil']>[0]) => {
      await clock.runUntil(bound);
      return clock.next();
    },
  };
  const participant = { name: 'the head-end', runUntil: headEnd.runUntil.bind(headEnd) };
  let [headEndNext, boardNext] = [next, clock.next()];
  const runTo = async (seconds: number): Promise<void> => {
    const parts = [
      { participant: boards, next: boardNext },
      { participant, next: headEndNext },
    ];
    const leader = new LockstepLeader(parts, { start: clock.now(), end: UnixSeconds(start + seconds), speed: 'max' });
    await leader.run(AbortSignal.timeout(60_000));
    const end = { time: start + seconds + 1, phase: 0 };
    [boardNext, headEndNext] = [await boards.runUntil(end), await participant.runUntil(end)];
  };
  const status = async (): Promise<BoardReport> =>
    (await (await fetch(`http://127.0.0.1:${statusPort}/status.json`)).json()) as BoardReport;
  const part = (report: BoardReport, name: string) => report.parts.find((each) => each.part === name);

  await runTo(31);
  const without = await status();
  assert.equal(part(without, 'inverter')?.isWell, false);
  assert.match(part(without, 'inverter')?.fault ?? '', new RegExp(`GTX-.*127.0.0.1:${port}`));
  assert.ok(part(without, 'clamps')?.isWell && part(without, 'battery')?.isWell && part(without, 'head-end')?.isWell);
  // What the others measure is posted, and nothing is invented of the one that is missing.
  assert.ok(without.outbox.totals.acknowledged > 0);
  assert.equal(without.sample?.inverter, undefined);
  assert.ok(without.sample?.gridW !== undefined);
  assert.ok(without.isControlAlive);

  const powerW = await inverter(t, clock, port);
  await runTo(100);
  const whole = await status();
  assert.equal(part(whole, 'inverter')?.isWell, true);
  assert.ok(whole.sample?.inverter !== undefined);
  // The emulated clamps see the real inverter, and its limit keeps the export within the installer's.
  const { gridW = 0, loadW = 0 } = whole.sample;
  assert.ok(powerW() < ratedW, `${powerW()} W is limited`);
  assert.ok(gridW >= -5_000, `imports ${gridW} W, may export 5,000 with a load of ${loadW} W and ${powerW()} W of PV`);
  assert.ok(powerW() > 5_000, `${powerW()} W is more than a blind board would allow`);

  const page = await (await fetch(`http://127.0.0.1:${statusPort}/`)).text();
  assert.ok(page.includes(file.name) && page.includes('since 2026-07-01T19:'));
  const posted = await fetch(`http://127.0.0.1:${statusPort}/`, { method: 'POST' });
  assert.equal(posted.status, 405);
  await runtime[Symbol.asyncDispose]();
  assert.equal(watchdog.isExpired, false);
  await assert.rejects(fetch(`http://127.0.0.1:${statusPort}/status.json`));
});
