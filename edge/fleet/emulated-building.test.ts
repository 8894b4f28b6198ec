import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { UnixSeconds, W } from '#hal/units.ts';
import type { DerMode, DerModes } from '#drivers/grid-support.ts';
import { scheduledGrid } from '#drivers/site/grid.ts';
import type { BoardDevices } from '../sampler.ts';
import { testBoardFile } from '../test-board-file.ts';
import { EmulatedBuilding } from './emulated-building.ts';

const start = 1_750_000_000;
const file = testBoardFile();

test('what a device is told shows at the connection point, on the clamp as in the physics', async () => {
  const clock = new VirtualClock(UnixSeconds(start));
  const grid = scheduledGrid([
    { from: start + 50, voltagePercent: 108 },
    { from: start + 60, voltagePercent: 100, frequencyHz: 61 },
  ]);
  const traces = { pvW: () => 9_000, loadW: () => 1_000 };
  await using building = new EmulatedBuilding({ file, clock, seed: 1, state: undefined, traces, grid });
  const devices = await building.start();
  const { inverter, battery } = devices as BoardDevices & { inverter: object; battery: object };
  assert.ok(inverter !== undefined && battery !== undefined);
  await Promise.all([inverter.start(), battery.start(), devices.meter.start()]);
  const order = { revertSeconds: 1_000 };
  const tell = <Mode extends DerMode>(mode: Mode, value: DerModes[Mode] | null): Promise<void> =>
    inverter.setMode(mode, value, order);
  /** The grid's power in the second that ends then. */
  const gridAt = async (second: number): Promise<number> => {
    clock.setNow(UnixSeconds(start + second));
    building.advanceTo(clock.now());
    const frame = await devices.meter.frameAfter(UnixSeconds(clock.now() - 1), 5_000);
    assert.equal(frame.channels[0]!.powerW, building.site.state.gridW);
    return building.site.state.gridW;
  };
  await gridAt(0);
  assert.equal(await gridAt(1), -8_000);
  await tell('limitW', W(3_000));
  assert.equal(await gridAt(2), -2_000);
  await battery.setMode('targetW', W(-2_500), order);
  assert.equal(await gridAt(3), 500);
  await tell('powerFactorInject', { cosPhi: 0.9, excitation: 'under' });
  assert.equal(await gridAt(4), 500);
  assert.ok(Math.abs(building.site.gridVar - 3_000 * Math.tan(Math.acos(0.9))) < 5, `${building.site.gridVar}`);
  await tell('limitW', null);
  await battery.setMode('targetW', W(0), order);
  const points = [
    { x: 106, y: 100 },
    { x: 110, y: 0 },
  ];
  await tell('voltWatt', { points, reference: 'maxW', responseSeconds: 0 });
  assert.equal(await gridAt(49), -8_000);
  assert.equal(await gridAt(55), 1_000 - 5_000);
  const droop = { deadbandOverHz: 0.1, deadbandUnderHz: 0.1, droopOver: 0.05, droopUnder: 0.05, responseSeconds: 0.2 };
  await tell('freqDroop', droop);
  await battery.setMode('freqDroop', droop, order);
  const share = 0.9 / (60 * 0.05);
  assert.ok(Math.abs((await gridAt(70)) - (1_000 - (9_000 - share * 10_000) + share * 5_000)) < 20);
  await tell('connect', false);
  await battery.setMode('connect', false, order);
  assert.equal(await gridAt(71), 1_000);
});
