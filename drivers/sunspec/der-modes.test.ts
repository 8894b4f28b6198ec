import assert from 'node:assert/strict';
import { test } from 'node:test';
import { W } from '#hal/units.ts';
import type { DerMode, DerModes } from '../grid-support.ts';
import { models } from './models.generated.ts';
import { batteryRegister, code, patched } from './twin-bench.ts';
import { batteryBench, batteryMaxVar, inverterBench, maxVA, maxVar, ratedW } from './wire-bench.ts';

const minute = { revertSeconds: 60 };
const flat: DerModes['voltVar'] = {
  reference: 'maxVar',
  points: [
    { x: 90, y: 0 },
    { x: 110, y: 0 },
  ],
};
const near = (actual: number, expected: number, within: number, what = ''): void =>
  assert.ok(Math.abs(actual - expected) <= within, `${what} ${actual}, not ${expected}`);

for (const generation of ['ieee1547', 'legacy'] as const) {
  test(`a limit acts within a second, and is gone when its timer has run out (${generation})`, async () => {
    await using bench = await inverterBench(generation);
    const { device } = bench;
    assert.equal(bench.power.activeW, ratedW);
    await device.setMode('limitW', W(3_333), minute);
    assert.equal(bench.run(1).activeW, 3_333);
    assert.equal(bench.run(58).activeW, 3_333);
    assert.equal(bench.run(1).activeW, ratedW);
    await device.setMode('limitW', W(500), minute);
    assert.equal(bench.run(1).activeW, 500);
    await device.setMode('limitW', null, minute);
    assert.equal(bench.run(1).activeW, ratedW);
  });

  test(`a disconnected inverter gives nothing and says so (${generation})`, async () => {
    await using bench = await inverterBench(generation);
    const { device } = bench;
    await device.setMode('connect', false, minute);
    assert.deepEqual(bench.run(1), { activeW: 0, reactiveVar: 0 });
    const reading = await device.readGrid();
    assert.equal(reading.isConnected, false);
    assert.equal(reading.operation, 'off');
    assert.deepEqual([...reading.alarms], ['manualShutdown']);
    await device.setMode('connect', true, minute);
    bench.run(700);
    assert.equal(bench.power.activeW, ratedW);
    assert.equal((await device.readGrid()).isConnected, true);
  });

  test(`a fixed power factor gives its reactive power, both ways, until it reverts (${generation})`, async () => {
    await using bench = await inverterBench(generation);
    const { device } = bench;
    bench.availableW = 8_000;
    await device.setMode('powerFactorInject', { cosPhi: 0.95, excitation: 'under' }, minute);
    near(bench.run(1).reactiveVar, -8_000 * Math.tan(Math.acos(0.95)), 10);
    assert.equal(bench.power.activeW, 8_000);
    await device.setMode('powerFactorInject', { cosPhi: 0.9, excitation: 'over' }, minute);
    near(bench.run(1).reactiveVar, 8_000 * Math.tan(Math.acos(0.9)), 10);
    near((await device.readGrid()).reactiveVar!, bench.power.reactiveVar, 1);
    bench.availableW = 4_000;
    near(bench.run(1).reactiveVar, 4_000 * Math.tan(Math.acos(0.9)), 10, 'follows active power');
    bench.run(57);
    assert.notEqual(bench.power.reactiveVar, 0);
    assert.equal(bench.run(1).reactiveVar, 0);
  });

  test(`fixed reactive power holds, in percent and in var, until it reverts (${generation})`, async () => {
    await using bench = await inverterBench(generation);
    const { device } = bench;
    for (const [setpoint, expected] of [
      [{ percent: -50, of: 'maxVar' }, -maxVar / 2],
      [{ percent: 30, of: 'maxW' }, 3_000],
      [{ percent: 100, of: 'availableVar' }, Math.sqrt(maxVA ** 2 - ratedW ** 2)],
      [{ var: 1_234 }, 1_234],
      [{ var: -4_000 }, -4_000],
    ] as const) {
      await device.setMode('fixedVar', setpoint, minute);
      near(bench.run(1).reactiveVar, expected, 1);
    }
    bench.run(58);
    near(bench.power.reactiveVar, -4_000, 1);
    assert.equal(bench.run(1).reactiveVar, 0);
    await device.setMode('fixedVar', { var: 100 }, minute);
    await device.setMode('fixedVar', null, minute);
    assert.equal(bench.run(1).reactiveVar, 0);
  });
}

test('a limit goes to the value that it was told to revert to', async () => {
  await using bench = await inverterBench('ieee1547');
  assert.equal(bench.device.modes().get('limitW')!.reverts, 'toValue');
  await bench.device.setMode('limitW', W(8_000), { revertSeconds: 10, revertTo: W(1_500) });
  assert.equal(bench.run(9).activeW, 8_000);
  assert.equal(bench.run(100).activeW, 1_500);
});

test('an old inverter ramps to a limit in the time asked for', async () => {
  await using bench = await inverterBench('legacy');
  await bench.device.setMode('limitW', W(4_000), { revertSeconds: 600, rampSeconds: 60 });
  near(bench.run(30).activeW, 7_000, 110);
  assert.equal(bench.run(30).activeW, 4_000);
  await bench.device.setMode('limitW', W(6_000), { revertSeconds: 600, rampSeconds: 20 });
  near(bench.run(10).activeW, 5_000, 110);
  assert.equal(bench.run(10).activeW, 6_000);
});

test('an old inverter connects again by itself when its timer has run out', async () => {
  await using bench = await inverterBench('legacy');
  await bench.device.setMode('connect', false, minute);
  assert.equal(bench.run(59).activeW, 0);
  assert.equal(bench.run(1).activeW, ratedW);
});

test('a new inverter stays out of service until it is permitted, then waits and ramps', async () => {
  await using bench = await inverterBench('ieee1547');
  await bench.device.setMode('connect', false, minute);
  assert.equal(bench.run(1_000).activeW, 0);
  await bench.device.setMode('connect', null, minute);
  assert.equal(bench.run(300).activeW, 0, 'IEEE 1547: 300 s');
  near(bench.run(150).activeW, ratedW / 2, 40);
  assert.equal((await bench.device.readGrid()).operation, 'starting');
});

test('a ramp rate slows what rises, not what falls', async () => {
  await using bench = await inverterBench('ieee1547');
  await bench.device.setMode('rampRate', 2.5, minute);
  await bench.device.setMode('limitW', W(1_000), minute);
  assert.equal(bench.run(1).activeW, 1_000);
  await bench.device.setMode('limitW', null, minute);
  near(bench.run(10).activeW, 3_000, 10);
  assert.equal(bench.run(35).activeW, ratedW);
});

test('an inverter gives what it has up to a target, a battery charges and discharges to it', async () => {
  await using pv = await inverterBench('ieee1547');
  await pv.device.setMode('targetW', W(6_000), minute);
  assert.equal(pv.run(1).activeW, 6_000);
  pv.availableW = 2_000;
  assert.equal(pv.run(1).activeW, 2_000);
  await using cells = await batteryBench();
  for (const target of [-7_000, 5_000]) {
    await cells.device.setMode('targetW', W(target), { revertSeconds: 30, revertTo: W(-100) });
    assert.equal(cells.run(29).activeW, target);
    assert.equal(cells.run(1).activeW, -100);
  }
});

test('a battery that absorbs follows its own power factor', async () => {
  await using bench = await batteryBench();
  await bench.device.setMode('powerFactorInject', { cosPhi: 0.9, excitation: 'over' }, minute);
  await bench.device.setMode('powerFactorAbsorb', { cosPhi: 0.95, excitation: 'under' }, minute);
  await bench.device.setPower(W(-8_000), 600);
  near(bench.run(1).reactiveVar, -8_000 * Math.tan(Math.acos(0.95)), 10);
  await bench.device.setPower(W(4_000), 600);
  near(bench.run(1).reactiveVar, 4_000 * Math.tan(Math.acos(0.9)), 10);
});

test('of two reactive functions the one of the least magnitude acts', async () => {
  await using bench = await inverterBench('ieee1547');
  bench.availableW = 5_000;
  await bench.device.setMode('fixedVar', { var: 500 }, minute);
  await bench.device.setMode('powerFactorInject', { cosPhi: 0.9, excitation: 'under' }, minute);
  near(bench.run(1).reactiveVar, 500, 1);
  await bench.device.setMode('fixedVar', { var: 4_000 }, minute);
  near(bench.run(1).reactiveVar, -5_000 * Math.tan(Math.acos(0.9)), 10);
});

test('apparent power is never exceeded: active power gives way to reactive power that has priority', async () => {
  await using bench = await inverterBench('ieee1547');
  await bench.device.setMode('powerFactorInject', { cosPhi: 0.85, excitation: 'over' }, minute);
  const { activeW, reactiveVar } = bench.run(1);
  assert.ok(Math.hypot(activeW, reactiveVar) <= maxVA);
  assert.equal(reactiveVar, maxVar);
  assert.ok(activeW < ratedW);
});

test('voltage, frequency and reactive power are read as they are at the connection point', async () => {
  for (const generation of ['ieee1547', 'legacy'] as const) {
    await using bench = await inverterBench(generation);
    bench.at({ voltagePercent: 103, frequencyHz: 59.97 }, 1);
    const { voltageV, frequencyHz, reactiveVar, powerW, operation, alarms, voltagePercent } =
      await bench.device.readGrid();
    near(voltageV!, 277 * 1.03, 0.11);
    near(frequencyHz!, 59.97, 0.0051);
    assert.deepEqual([reactiveVar, powerW, operation, alarms.size], [0, bench.power.activeW, 'running', 0]);
    if (generation === 'ieee1547') near(voltagePercent!, 103, 0.05);
  }
});

test('what a device has is told, and what it lacks is refused', async () => {
  await using legacy = await inverterBench('legacy');
  const has = (of: ReadonlyMap<DerMode, unknown>): DerMode[] => [...of.keys()].toSorted();
  assert.deepEqual(has(legacy.device.modes()), ['connect', 'fixedVar', 'limitW', 'powerFactorInject']);
  assert.deepEqual(legacy.device.modes().get('limitW'), { reverts: 'toDefault', ramps: true });
  await assert.rejects(legacy.device.setMode('voltVar', flat, minute), code('GTX-SUN-011'));
  await assert.rejects(legacy.device.setMode('targetW', W(1), minute), code('GTX-SUN-011'));
  await using modern = await batteryBench();
  assert.equal(modern.device.modes().size, 22);
  assert.deepEqual(modern.device.modes().get('voltVar'), { reverts: 'toDefault', ramps: false, maxPoints: 10 });
  assert.deepEqual(modern.device.modes().get('connect'), { reverts: 'never', ramps: false });
  const ratings = { maxW: ratedW, maxVA, maxVarInject: maxVar, maxVarAbsorb: maxVar, nominalV: 480 };
  await using pv = await inverterBench('ieee1547');
  assert.deepEqual(pv.device.ratings(), ratings);
  // Its apparent rating is the active one, as of many battery inverters.
  const cells = { ...ratings, maxVA: ratedW, maxVarInject: batteryMaxVar, maxVarAbsorb: batteryMaxVar };
  assert.deepEqual(modern.device.ratings(), cells);
});

test('a value that is none for its mode is refused before anything is written', async () => {
  await using bench = await batteryBench();
  const curve = { reference: 'maxVar', responseSeconds: 1 } as const;
  const point = (x: number, y: number): { x: number; y: number } => ({ x, y });
  const bad: { [Mode in DerMode]?: readonly DerModes[Mode][] } = {
    limitW: [-1 as W, 0.5 as W, Number.NaN as W],
    targetW: [0.5 as W],
    powerFactorInject: [
      { cosPhi: 0, excitation: 'over' },
      { cosPhi: 1.01, excitation: 'over' },
      { cosPhi: Number.NaN, excitation: 'over' },
    ],
    fixedVar: [{ percent: 101, of: 'maxVar' }, { var: Number.NaN }, { var: 1e12 }],
    voltVar: [
      { ...curve, points: [point(100, 0)] },
      { ...curve, points: Array.from({ length: 11 }, (_, i) => point(90 + i, 0)) },
      { ...curve, points: [point(101, 0), point(100, 5)] },
      { ...curve, points: [point(90, 101), point(110, 0)] },
      { ...curve, responseSeconds: -1, points: [point(90, 0), point(110, 0)] },
      { ...curve, vRefPercent: 10, points: [point(90, 0), point(110, 0)] },
    ],
    freqDroop: [{ deadbandOverHz: 0, deadbandUnderHz: 0, droopOver: 0, droopUnder: 0.05, responseSeconds: 1 }],
    lowVoltageMustTrip: [
      [],
      [
        { seconds: 2, magnitude: 50 },
        { seconds: 1, magnitude: 88 },
      ],
      [
        { seconds: 1, magnitude: 88 },
        { seconds: 2, magnitude: 50 },
      ],
    ],
    rampRate: [0, 101, 0.4],
  };
  const before = await bench.device.readGrid();
  for (const [mode, values] of Object.entries(bad) as [DerMode, readonly DerModes[DerMode][]][]) {
    for (const value of values) {
      await assert.rejects(
        bench.device.setMode(mode, value, minute),
        code('GTX-SUN-008'),
        `${mode} ${JSON.stringify(value)}`,
      );
    }
  }
  await assert.rejects(bench.device.setMode('limitW', W(1), { revertSeconds: 0 }), code('GTX-SUN-008'));
  await assert.rejects(bench.device.setMode('limitW', W(1), { ...minute, rampSeconds: 5 }), code('GTX-SUN-008'));
  const revertTo = flat;
  await assert.rejects(bench.device.setMode('voltVar', flat, { ...minute, revertTo }), code('GTX-SUN-008'));
  bench.run(1);
  assert.deepEqual(await bench.device.readGrid(), before);
});

test('what the device itself refuses is an error', async () => {
  await using bench = await inverterBench('ieee1547');
  const enter = {
    minVoltagePercent: 90,
    maxHz: 60.1,
    minHz: 59.5,
    delaySeconds: 1,
    randomDelaySeconds: 0,
    rampSeconds: 1,
  };
  const tooHigh = { ...enter, maxVoltagePercent: 120 };
  await assert.rejects(bench.device.setMode('enterService', tooHigh, minute), code('GTX-MOD-103'));
});

test('a timer that the device does not take is an error: its setpoint would never end', async () => {
  const { battery, bus, address, good } = await batteryRegister(704, models[704].points.WSetRvrtTms.at);
  for (const registers of [
    [0, 0],
    [0xffff, 0xffff],
    [120, 0],
  ] as const) {
    bus.bank = patched(good, { [address]: registers[0], [address + 1]: registers[1] });
    await assert.rejects(battery.setPower(W(1_000), 120), code('GTX-SUN-007'));
  }
});
