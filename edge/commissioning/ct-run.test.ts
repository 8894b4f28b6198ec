import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { UnixSeconds } from '#hal/units.ts';
import type { EnergyMeter } from '#drivers/capabilities.ts';
import { RegisterMeter } from '#drivers/meter/register-meter.ts';
import { meterMap } from '#drivers/meter/maps.ts';
import { connectionPoint } from '#drivers/meter/meter-drivers.ts';
import { MeterTwin } from '#drivers/meter/meter-twin.ts';
import { ModbusTcpClient } from '#drivers/modbus/client.ts';
import { serveModbusTcp } from '#drivers/modbus/server.ts';
import { TcpPort } from '#hal/linux/tcp.ts';
import type { BoardFile } from '../board-file.ts';
import { EmulatedBuilding } from '../fleet/emulated-building.ts';
import { testBoardFile, testDevices } from '../test-board-file.ts';
import { CtRun, type CtResult } from './ct-run.ts';

/** Noon of a summer's day in California, at 37° N. */
const start = 1_782_068_400;
const { inverter, battery } = testDevices;

interface Bench {
  /** What the board file says of each clamp: it turns the right readings of the twin into wrong ones. */
  readonly clamps?: readonly { isReversed?: boolean; ratio?: number }[];
  readonly hasMeter?: boolean;
  readonly isStepped?: boolean;
  readonly devices?: BoardFile['devices'];
  readonly connection?: BoardFile['connection'];
}

/** Runs a whole check of an emulated building over its wires. */
async function checked(
  t: TestContext,
  bench: Bench,
): Promise<{ result: CtResult; building: EmulatedBuilding; clock: VirtualClock }> {
  const { clamps: calibrations = [], hasMeter = false, isStepped = false, connection } = bench;
  const clamps = { ...testDevices.clamps, clamps: calibrations };
  const file = testBoardFile({
    devices: { clamps, inverter, battery, ...bench.devices },
    ...(connection && { connection }),
  });
  const clock = new VirtualClock(UnixSeconds(start));
  const building = new EmulatedBuilding({ file, clock, seed: 3, state: undefined, traces: undefined });
  t.after(() => building[Symbol.asyncDispose]());
  const devices = await building.start();
  building.site.resumeAt(UnixSeconds(start - 1));
  clock.every({ name: 'field', period: 1, phase: 'field' }, (now) => building.advanceTo(now));
  const meter = hasMeter ? await meterAt(t, building, clock) : undefined;
  const sees = [
    { channel: 1, sees: 'grid' },
    { channel: 2, sees: 'load' },
  ] as const;
  const run = new CtRun({ file, devices, clamps: sees, meter, seconds: 60, isStepped });
  await clock.runUntil({ time: start + 1, phase: 9 });
  await run.start();
  const state = { isOver: false };
  const failures: unknown[] = [];
  const task = clock.every({ name: 'check', period: 1, phase: 'sample' }, async (now) => {
    try {
      if (state.isOver) return;
      const { done, all } = await run.second(now);
      state.isOver = done === all;
    } catch (error) {
      failures.push(error);
    }
  });
  for (let until = start + 1; !state.isOver && failures.length === 0; until += 10)
    await clock.runUntil({ time: until, phase: 9 });
  task[Symbol.dispose]();
  assert.deepEqual(failures, []);
  await run.release();
  return { result: run.result(), building, clock };
}

/** An SDM630 beside the clamps, on the wire. */
async function meterAt(t: TestContext, { site }: EmulatedBuilding, clock: VirtualClock): Promise<EnergyMeter> {
  const map = meterMap('sdm630');
  const twin = new MeterTwin(map, connectionPoint({ site, clock }));
  const listener = await serveModbusTcp({ port: 0, units: new Map([[1, twin.bank]]) });
  t.after(() => listener[Symbol.asyncDispose]());
  const client = new ModbusTcpClient(new TcpPort('127.0.0.1', listener.port));
  t.after(() => client[Symbol.asyncDispose]());
  return new RegisterMeter(map, client, 1, clock);
}

const faultsOf = ({ verdict }: CtResult): unknown => verdict.clamps.map(({ fault }) => fault ?? 'good');

test('a good site passes a step of its battery, which rests again afterwards', async (t) => {
  const devices = { inverter: undefined } as unknown as BoardFile['devices'];
  const { result, building, clock } = await checked(t, { isStepped: true, devices });
  assert.deepEqual([result.method, result.step?.by, result.verdict.verdict], ['step', 'battery', 'good']);
  assert.deepEqual(faultsOf(result), ['good', 'good']);
  await clock.runUntil({ time: clock.now() + 3, phase: 9 });
  assert.equal(building.site.state.batteryW, 0);
});

test('a reversed grid clamp and a load clamp of half the ratio are found by a step', async (t) => {
  const { result } = await checked(t, { isStepped: true, clamps: [{ isReversed: true }, { ratio: 0.5 }] });
  assert.deepEqual(faultsOf(result), ['reversed', 'ratio']);
  assert.equal(Math.round(10 * (result.verdict.clamps[1]?.factor ?? 0)), 5);
});

test('a meter beside the clamps tells their ratio without a step', async (t) => {
  const { result } = await checked(t, { hasMeter: true, clamps: [{ ratio: 2 }] });
  assert.deepEqual([result.method, result.step], ['meter', undefined]);
  assert.equal(result.verdict.clamps[0]?.fault, 'ratio');
  assert.equal(result.verdict.clamps[0].factor?.toFixed(2), '2.00');
});

test('without a battery the inverter makes the step', async (t) => {
  const devices = { battery: undefined } as unknown as BoardFile['devices'];
  const { result, building, clock } = await checked(t, { isStepped: true, devices });
  assert.deepEqual([result.step?.by, faultsOf(result)], ['inverter', ['good', 'good']]);
  const heldW = result.step?.w ?? 0;
  await clock.runUntil({ time: clock.now() + 3, phase: 9 });
  assert.ok(building.site.state.pvW > heldW);
});
