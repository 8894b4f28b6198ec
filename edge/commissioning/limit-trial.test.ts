import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { GridError } from '#hal/errors.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { nameWrites } from '#drivers/commissioning/named-writes.ts';
import { WriteWatch } from '#drivers/commissioning/write-watch.ts';
import type { Role } from '#drivers/driver.ts';
import type { RegisterTransport } from '#drivers/modbus/transport.ts';
import type { InverterModels } from '#drivers/sunspec/inverter-twin.ts';
import { devicesOf } from '../board-devices.ts';
import type { BoardFile } from '../board-file.ts';
import { EmulatedBuilding } from '../fleet/emulated-building.ts';
import { PassingMemory } from '../runtime/device-memory.ts';
import { makeDevices } from '../runtime/make-devices.ts';
import { testBoardFile, testDevices } from '../test-board-file.ts';
import { LimitTrial, type TrialPower, type TrialSecond } from './limit-trial.ts';

const start = 1_782_068_400;
const traces = { pvW: () => 8000, loadW: () => 1000 };
const { clamps, inverter, battery } = testDevices;

interface Bench {
  readonly file?: Partial<BoardFile>;
  readonly models?: InverterModels;
  readonly isDry?: boolean;
  readonly power?: TrialPower;
  readonly watts: number;
}

/** A building with 8 kW of sun and 1 kW of load, and a trial at its wires. */
async function bench(t: TestContext, { file: more, models, isDry = false, power = 'generation', watts }: Bench) {
  const file = testBoardFile({ devices: { clamps, inverter }, ...more });
  const clock = new VirtualClock(UnixSeconds(start));
  const building = new EmulatedBuilding({
    file,
    clock,
    seed: 1,
    state: undefined,
    traces,
    ...(models && { inverterModels: models }),
  });
  t.after(() => building[Symbol.asyncDispose]());
  await building.startTwins();
  building.site.resumeAt(UnixSeconds(start - 1));
  clock.every({ name: 'field', period: 1, phase: 'field' }, (now) => building.advanceTo(now));
  const watches: WriteWatch[] = [];
  const devices = makeDevices({
    file,
    clock,
    memoryOf: () => new PassingMemory(),
    wireOf: (device) => {
      const wire = building.wireOf(device);
      if (!('readHolding' in wire)) return wire;
      const watch = new WriteWatch(wire, { isDry });
      watches.push(watch);
      return watch;
    },
  });
  t.after(() => devices.meter[Symbol.asyncDispose]());
  const trial = new LimitTrial({ file, devices, clock, power, watts, log: createLog('test', 'silent') });
  const seconds: TrialSecond[] = [];
  const run = async (from: number, until: number): Promise<void> => {
    const task = clock.every(
      { name: 'trial', period: 1, phase: 'sample', from: UnixSeconds(start + from) },
      async (now) => {
        seconds.push(await trial.second(now));
      },
    );
    await clock.runUntil({ time: start + until, phase: 9 });
    task[Symbol.dispose]();
  };
  const rest = (until: number): Promise<void> => clock.runUntil({ time: start + until, phase: 9 });
  const busOf = (role: Role): RegisterTransport =>
    building.wireOf(devicesOf(file).find((device) => device.role === role)!) as RegisterTransport;
  return { trial, building, seconds, run, rest, watches, busOf };
}

for (const models of ['ieee1547', 'legacy'] as const) {
  test(`a limit is held by an inverter with ${models} models, and the inverter is free again after it`, async (t) => {
    const { trial, building, run, rest, seconds } = await bench(t, { models, watts: 3000 });
    assert.deepEqual(await trial.start(), []);
    await run(0, 10);
    const last = seconds.at(-1)!;
    assert.ok(last.limitedW !== undefined && last.limitedW <= 3000 && last.limitedW > 2800, `${last.limitedW}`);
    assert.equal(last.setpoints.pvLimitW, 3000);
    assert.deepEqual(
      seconds.flatMap(({ failures }) => failures),
      [],
    );
    await trial.release();
    await rest(20);
    assert.equal(building.site.state.pvW, 8000);
  });
}

test('a trial that dies leaves a device that goes back by its own timer', async (t) => {
  const { trial, building, run, rest } = await bench(t, { watts: 2000 });
  await trial.start();
  await run(0, 5);
  await rest(50);
  assert.ok(building.site.state.pvW <= 2000);
  await rest(80);
  assert.equal(building.site.state.pvW, 8000);
});

test('what may not be exported is not given free: the inverter is left at the limit of the connection', async (t) => {
  const connection = { importLimitW: 20_000, exportLimitW: 5000 };
  const { trial, building, run, rest } = await bench(t, { watts: 2000, file: { connection } });
  await trial.start();
  await run(0, 5);
  await trial.release();
  assert.equal(trial.safePvW, 5000);
  await rest(200);
  assert.equal(building.site.state.pvW, 5000);
});

test('an export limit takes what the battery can, and both are given back', async (t) => {
  const file = { devices: { clamps, inverter, battery } };
  const { trial, building, run, rest, seconds } = await bench(t, { watts: 0, power: 'export', file });
  await trial.start();
  await run(0, 30);
  const last = seconds.at(-1)!;
  assert.ok(last.limitedW !== undefined && last.limitedW <= 150, `${last.limitedW}`);
  assert.ok((last.setpoints.storageW ?? 0) < -3000);
  await trial.release();
  await rest(40);
  assert.deepEqual([building.site.state.pvW, building.site.state.batteryW], [8000, 0]);
});

test('a dry trial writes nothing, and names the very registers that the real one writes', async (t) => {
  const file = { devices: { clamps, inverter, battery } };
  const dry = await bench(t, { watts: 3000, isDry: true, file });
  await dry.trial.start();
  await dry.run(0, 0);
  const [second] = dry.seconds;
  assert.equal(second?.setpoints.pvLimitW, 3000);
  await dry.rest(10);
  assert.equal(dry.building.site.state.pvW, 8000);
  const real = await bench(t, { watts: 3000, file });
  await real.trial.start();
  await real.run(0, 0);
  const bytes = (watches: readonly WriteWatch[]): unknown => watches.map(({ writes }) => writes);
  assert.deepEqual(bytes(dry.watches), bytes(real.watches));
  const named = await nameWrites(
    dry.busOf('inverter'),
    inverter.unit,
    dry.watches.flatMap(({ writes }) => writes),
  );
  const values = new Map(named.map(({ point, value }) => [point, value]));
  assert.equal(values.get('704.WMaxLimPct'), 30);
  assert.equal(values.get('704.WMaxLimPctEna'), 'ENABLED');
  assert.equal(values.get('704.WMaxLimPctRvrtTms'), 60);
});

test('an order that the device does not take is told with its reason', async (t) => {
  const { trial, run, seconds, busOf } = await bench(t, { watts: 3000 });
  await trial.start();
  t.mock.method(busOf('inverter'), 'writeHolding', () =>
    Promise.reject(new GridError('GTX-MOD-104', 'it failed inside')),
  );
  await run(0, 1);
  const failures = seconds.flatMap(({ failures: own }) => own);
  assert.deepEqual(failures.map(({ role, mode, reason }) => [role, mode, reason.code])[0], [
    'inverter',
    'limitW',
    'GTX-MOD-104',
  ]);
});

test('without an inverter and a battery there is nothing to limit', async (t) => {
  const { trial } = await bench(t, { watts: 0, file: { devices: { clamps } } });
  await assert.rejects(trial.start(), { code: 'GTX-CMS-006' });
});
