import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds, W } from '#hal/units.ts';
import type { DerModes } from '../grid-support.ts';
import { SunSpecBattery } from './battery.ts';
import { scanDevice } from './device-map.ts';
import { models } from './models.generated.ts';
import { PlacedModel } from './placed-model.ts';
import { batteryAt, batteryRegister, code, noMemory, patched } from './twin-bench.ts';
import { batteryBench, batteryMaxVar, inverterBench, maxVar, ratedW } from './wire-bench.ts';

const minute = { revertSeconds: 60 };
const near = (actual: number, expected: number, within: number, what = ''): void =>
  assert.ok(Math.abs(actual - expected) <= within, `${what} ${actual}, not ${expected}`);

const voltVar: DerModes['voltVar'] = {
  reference: 'maxVar',
  responseSeconds: 0,
  points: [
    { x: 92, y: 100 },
    { x: 98, y: 0 },
    { x: 102, y: 0 },
    { x: 108, y: -100 },
  ],
};

test('Volt-VAr follows its curve, and the neutral one when its timer has run out', async () => {
  await using bench = await inverterBench('ieee1547');
  bench.availableW = 5_000;
  await bench.device.setMode('voltVar', voltVar, { revertSeconds: 600 });
  for (const [voltagePercent, share] of [
    [90, 1],
    [95, 0.5],
    [100, 0],
    [105, -0.5],
    [109, -1],
  ] as const) {
    near(bench.at({ voltagePercent }, 1).reactiveVar, share * maxVar, 2, `at ${voltagePercent} %`);
  }
  near(bench.run(594).reactiveVar, -maxVar, 2);
  assert.ok(bench.run(1).reactiveVar > -maxVar + 100, 'the neutral curve takes over, with its own response');
  assert.equal(bench.run(60).reactiveVar, 0);
});

test('a reference voltage moves the Volt-VAr curve, a response time slows it to 90 % of a step', async () => {
  await using bench = await inverterBench('ieee1547');
  bench.availableW = 5_000;
  await bench.device.setMode('voltVar', { ...voltVar, vRefPercent: 105 }, { revertSeconds: 6_000 });
  near(bench.at({ voltagePercent: 105 }, 1).reactiveVar, 0, 1);
  await bench.device.setMode('voltVar', { ...voltVar, responseSeconds: 10 }, { revertSeconds: 6_000 });
  bench.at({ voltagePercent: 100 }, 60);
  near(bench.at({ voltagePercent: 108 }, 10).reactiveVar, -0.9 * maxVar, 0.01 * maxVar);
  near(bench.run(60).reactiveVar, -maxVar, 2);
});

test('Volt-Watt caps active power by its curve', async () => {
  await using bench = await inverterBench('ieee1547');
  const points = [
    { x: 106, y: 100 },
    { x: 110, y: 20 },
  ];
  const curve = { points, responseSeconds: 0, reference: 'maxW' } as const;
  await bench.device.setMode('voltWatt', curve, { revertSeconds: 600 });
  for (const [voltagePercent, expected] of [
    [105, ratedW],
    [108, 6_000],
    [109, 4_000],
  ] as const) {
    near(bench.at({ voltagePercent }, 1).activeW, expected, 1, `at ${voltagePercent} %`);
  }
  await bench.device.setMode('voltWatt', { ...curve, reference: 'availableW' }, { revertSeconds: 600 });
  bench.availableW = 5_000;
  near(bench.at({ voltagePercent: 108 }, 1).activeW, 3_000, 1);
  await bench.device.setMode('voltWatt', null, minute);
  near(bench.run(1).activeW, 5_000, 1);
});

test('Watt-VAr follows its curve, of an inverter and of a battery that charges', async () => {
  const curve: DerModes['wattVar'] = {
    reference: 'maxVar',
    points: [
      { x: -100, y: 50 },
      { x: -20, y: 0 },
      { x: 20, y: 0 },
      { x: 100, y: -100 },
    ],
  };
  await using pv = await inverterBench('ieee1547');
  await pv.device.setMode('wattVar', curve, minute);
  pv.availableW = 6_000;
  near(pv.run(1).reactiveVar, -maxVar / 2, 2);
  await using cells = await batteryBench();
  await cells.device.setMode('wattVar', curve, minute);
  await cells.device.setPower(W(-6_000), 600);
  near(cells.run(1).reactiveVar, batteryMaxVar / 4, 2);
  near(cells.run(58).reactiveVar, batteryMaxVar / 4, 2);
  assert.equal(cells.run(1).reactiveVar, 0);
});

test('frequency droop lowers and raises active power as IEEE 1547 says, and goes back to the default', async () => {
  const droop = { deadbandOverHz: 0.1, deadbandUnderHz: 0.1, droopOver: 0.03, droopUnder: 0.03, responseSeconds: 0.2 };
  const expected = (offHz: number): number => (ratedW * (Math.abs(offHz) - 0.1)) / (60 * 0.03);
  await using pv = await inverterBench('ieee1547');
  await pv.device.setMode('freqDroop', droop, { revertSeconds: 600 });
  near(pv.at({ frequencyHz: 60.09 }, 2).activeW, ratedW, 1);
  near(pv.at({ frequencyHz: 61 }, 2).activeW, ratedW - expected(1), 10);
  pv.run(596);
  near(pv.run(60).activeW, ratedW * (1 - (1 - 0.036) / (60 * 0.05)), 20, 'the default droop');
  await using cells = await batteryBench();
  await cells.device.setMode('freqDroop', droop, { revertSeconds: 600 });
  near(cells.at({ frequencyHz: 59.4 }, 2).activeW, expected(0.6), 10);
  near(cells.at({ frequencyHz: 60.5 }, 2).activeW, -expected(0.5), 10);
});

test('a trip curve trips after its seconds, and service is entered again after delay and ramp', async () => {
  await using bench = await inverterBench('ieee1547');
  const { device } = bench;
  const points = [
    { seconds: 1, magnitude: 50 },
    { seconds: 5, magnitude: 50 },
    { seconds: 5, magnitude: 88 },
  ];
  await device.setMode('lowVoltageMustTrip', points, minute);
  const enter = { maxVoltagePercent: 105, minVoltagePercent: 92, maxHz: 60.1, minHz: 59.5 };
  await device.setMode('enterService', { ...enter, delaySeconds: 20, randomDelaySeconds: 0, rampSeconds: 10 }, minute);
  assert.equal(bench.at({ voltagePercent: 80 }, 4).activeW, ratedW, 'rides through');
  assert.equal(bench.at({ voltagePercent: 100 }, 3).activeW, ratedW);
  assert.equal(bench.at({ voltagePercent: 80 }, 4).activeW, ratedW, 'the time starts anew');
  assert.equal(bench.run(1).activeW, 0, 'trips');
  const tripped = await device.readGrid();
  assert.deepEqual([...tripped.alarms], ['gridDisconnect', 'acUnderVoltage']);
  assert.equal(tripped.isConnected, false);
  near(tripped.voltagePercent!, 80, 0.1);
  assert.equal(bench.at({ voltagePercent: 91 }, 100).activeW, 0, 'not within the limits of entering service');
  assert.equal(bench.at({ voltagePercent: 100 }, 20).activeW, 0, 'waits');
  assert.equal((await device.readGrid()).operation, 'standby');
  near(bench.run(5).activeW, ratedW / 2, 1, 'ramps');
  assert.equal(bench.run(5).activeW, ratedW);
  assert.deepEqual([...(await device.readGrid()).alarms], []);
});

test('every trip function trips on its own side of its own quantity, and null brings its default back', async () => {
  for (const [mode, points, grid] of [
    ['lowVoltageMustTrip', [{ seconds: 3, magnitude: 95 }], { voltagePercent: 94 }],
    ['highVoltageMustTrip', [{ seconds: 3, magnitude: 104 }], { voltagePercent: 105 }],
    ['lowFrequencyMustTrip', [{ seconds: 3, magnitude: 59.9 }], { frequencyHz: 59.89 }],
    ['highFrequencyMustTrip', [{ seconds: 3, magnitude: 60.02 }], { frequencyHz: 60.03 }],
  ] as const) {
    await using bench = await inverterBench('ieee1547');
    await bench.device.setMode(mode, points, minute);
    assert.ok(bench.at(grid, 2).activeW > 0, mode);
    assert.equal(bench.run(1).activeW, 0, mode);
    await using other = await inverterBench('ieee1547');
    await other.device.setMode(mode, points, minute);
    await other.device.setMode(mode, null, minute);
    assert.ok(other.at(grid, 60).activeW > 0, `${mode}: the default bears it`);
  }
});

test('orders given at once to one trip function all hold, and a failed one does not hinder the next', async () => {
  const { battery, bus, address, good } = await batteryRegister(707, models[707].points.AdptCrvRslt.at);
  const [must, may] = [[{ seconds: 3, magnitude: 85 }], [{ seconds: 2, magnitude: 87 }]];
  bus.bank = patched(good, { [address]: 2 });
  await assert.rejects(battery.setMode('lowVoltageMustTrip', must, minute), code('GTX-SUN-012'));
  bus.bank = good;
  await Promise.all([
    battery.setMode('lowVoltageMustTrip', must, minute),
    battery.setMode('lowVoltageMayTrip', may, minute),
  ]);
  const model = await PlacedModel.read(bus, 1, (await scanDevice(bus, 1)).first(707));
  const active = (curve: string): (number | undefined)[] =>
    ['ActPt', 'Pt[0].Tms', 'Pt[0].V'].map((point) => model.value(`Crv[0].${curve}.${point}`));
  await model.refresh();
  assert.deepEqual(active('MustTrip'), [1, 3, 85]);
  assert.deepEqual(active('MayTrip'), [1, 2, 87]);
});

test('in momentary cessation nothing flows, and all of it as soon as the voltage is back', async () => {
  for (const [mode, points, voltagePercent] of [
    ['lowVoltageMomentaryCessation', [{ seconds: 0.1, magnitude: 70 }], 65],
    ['highVoltageMomentaryCessation', [{ seconds: 0.1, magnitude: 108 }], 109],
  ] as const) {
    await using bench = await inverterBench('ieee1547');
    assert.ok(bench.at({ voltagePercent }, 1).activeW > 0, `${mode} by default`);
    bench.at({}, 1);
    await bench.device.setMode(mode, points, minute);
    assert.deepEqual(bench.at({ voltagePercent }, 1), { activeW: 0, reactiveVar: 0 }, mode);
    assert.equal((await bench.device.readGrid()).operation, 'standby');
    assert.equal(bench.at({}, 1).activeW, ratedW, mode);
  }
});

test('a may-trip curve is kept by the device and leaves the others as they are', async () => {
  await using bench = await inverterBench('ieee1547');
  for (const [mode, points] of [
    ['lowVoltageMayTrip', [{ seconds: 2, magnitude: 80 }]],
    ['highVoltageMayTrip', [{ seconds: 2, magnitude: 109 }]],
    ['lowFrequencyMayTrip', [{ seconds: 2, magnitude: 59 }]],
    ['highFrequencyMayTrip', [{ seconds: 2, magnitude: 61 }]],
  ] as const) {
    await bench.device.setMode(mode, points, minute);
  }
  assert.ok(bench.at({ voltagePercent: 75 }, 20).activeW > 0, 'rides through to the must-trip time');
  assert.equal(bench.run(1).activeW, 0);
});

test('a curve that the device does not adopt is an error; one that takes its time is waited for', async () => {
  const { battery, bus, address, good } = await batteryRegister(705, models[705].points.AdptCrvRslt.at);
  bus.bank = patched(good, { [address]: 2 });
  await assert.rejects(battery.setMode('voltVar', voltVar, minute), code('GTX-SUN-012'));
  // The request stands before the result.
  let pending = 0;
  bus.bank = {
    read: (from, count) => {
      const isResultRead = from <= address && address < from + count;
      return patched(good, isResultRead && pending-- > 0 ? { [address]: 0 } : {}).read(from, count);
    },
    write: (from, registers) => {
      if (from === address - 1) pending = 2;
      return good.write?.(from, registers);
    },
  };
  await battery.setMode('voltVar', voltVar, minute);
  assert.ok(pending < 0, 'asked again until it was adopted');
});

test('a twin adopts no curve whose x falls, and keeps the one before', async () => {
  const { bus } = batteryAt(10_000, 20_000);
  const map = await scanDevice(bus, 1);
  const model = await PlacedModel.read(bus, 1, map.first(705));
  await model.write({ 'Crv[1].Pt[0].V': 10_500, 'Crv[1].Pt[1].V': 10_400, 'Crv[1].Pt[1].Var': 5_000 }, '');
  await model.write({ AdptCrvReq: 2 }, '');
  await model.refresh();
  assert.equal(model.raw('AdptCrvRslt'), 2);
  assert.equal(model.value('Crv[0].Pt[1].V'), 108);
  for (const set of [0, 2]) {
    await assert.rejects(model.write({ [`Crv[${set}].ActPt`]: 3 }, ''), code('GTX-MOD-103'), `set ${set} is read-only`);
  }
});

test('curves that a device says it has beyond its length are no curves', async () => {
  const { battery, bus, address, good } = await batteryRegister(705, models[705].points.NPt.at);
  bus.bank = patched(good, { [address]: 60_000 });
  const other = new SunSpecBattery(bus, 1, { clock: { now: () => UnixSeconds(0) }, memory: noMemory });
  await assert.rejects(other.start(), code('GTX-SUN-005'));
  await battery.read();
});
