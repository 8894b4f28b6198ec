import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { GridCondition } from '#drivers/site/grid.ts';
import { control } from '../client/test-utility.ts';
import type { ModeReason } from './explanation.ts';
import { curve, ratedPvW, ratedStorageW, type Second, setMaxW, type SiteOptions, TestSite } from './test-site.ts';

const nominal: GridCondition = { voltagePercent: 100, frequencyHz: 60 };
/**
 * The twins' reactive power, injected or absorbed: 44 % of their apparent rating, which is 1.1 of the active one for
 * PV and the active one for storage.
 */
const [pvMaxVar, storageMaxVar] = [ratedPvW * 1.1 * 0.44, ratedStorageW * 0.44];

interface Given extends SiteOptions {
  readonly base: string;
  readonly curves?: readonly string[];
  readonly pvW?: number;
  readonly at?: GridCondition;
  /** Seconds after the event's start. */
  readonly after?: number;
}

/** The last second of an event that acts from 120 on, in a grid that is another from 130 on. */
async function during(t: TestContext, given: Given): Promise<Second & { readonly site: TestSite }> {
  const { base, curves = [], pvW = 8_000, at = nominal, after = 60, ...options } = given;
  const site = await TestSite.start(t, {
    battery: false,
    traces: { pvW: () => pvW, loadW: () => 0 },
    grid: (time) => (time >= 1_800_000_130 ? at : nominal),
    ...options,
  });
  if (curves.length > 0) site.setCurves(curves);
  site.utility.setControls([control({ mRID: 1, from: 120, seconds: 600, base })]);
  await site.runTo(120 + after);
  const last = site.seconds.at(-1);
  assert.ok(last);
  return { ...last, site };
}

const link = (mode: string, id = 1): string => `<${mode} href="/derp/1/dc/${id}"/>`;
const near = (actual: number, expected: number, tolerance = setMaxW * 0.01): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected} ± ${tolerance}`);

/** The droop that a device of IEEE 1547 has by itself, out of the way. */
const noDroop =
  '<opModFreqDroop><dBOF>1000</dBOF><dBUF>1000</dBUF><kOF>50</kOF><kUF>50</kUF><openLoopTms>0</openLoopTms></opModFreqDroop>';

const factor = (name: string, displacement: number, isUnder: boolean): string =>
  `<${name}><displacement>${displacement}</displacement><excitation>${isUnder}</excitation><multiplier>-2</multiplier></${name}>`;

test('opModFixedPFInjectW: 0.95 over-excited gives reactive power, under-excited takes it', async (t) => {
  const expected = 8_000 * Math.tan(Math.acos(0.95));
  const over = await during(t, { base: factor('opModFixedPFInjectW', 95, false) });
  near(over.gridVar, -expected);
  const under = await during(t, { base: factor('opModFixedPFInjectW', 95, true) });
  near(under.gridVar, expected);
});

test('opModFixedPFAbsorbW acts while storage charges', async (t) => {
  const base = factor('opModFixedPFAbsorbW', 95, true) + '<opModFixedW>-8000</opModFixedW>';
  const { batteryW, gridVar } = await during(t, { base, inverter: false, battery: true });
  assert.equal(batteryW, -0.8 * ratedStorageW);
  near(gridVar, 0.8 * ratedStorageW * Math.tan(Math.acos(0.95)));
});

test('opModFixedVar: percent of setMaxVar, of all devices together', async (t) => {
  const base = '<opModFixedVar><refType>2</refType><value>-5000</value></opModFixedVar>';
  const { gridVar } = await during(t, { base, battery: true });
  near(gridVar, (pvMaxVar + storageMaxVar) / 2);
});

test('opModTargetVar: var, shared by the devices as they can', async (t) => {
  const base = '<opModTargetVar><multiplier>1</multiplier><value>150</value></opModTargetVar>';
  near((await during(t, { base, battery: true })).gridVar, -1_500);
});

test('opModVoltVar: reactive power by the voltage, and none again when the event is over', async (t) => {
  const points = [
    [9_000, 100],
    [9_700, 0],
    [10_300, 0],
    [11_000, -100],
  ] as const;
  const given = {
    base: link('opModVoltVar'),
    curves: [curve({ id: 1, type: 11, points, yRefType: 2, multipliers: [-2, 0], openLoopTms: 500 })],
  };
  const at = { ...nominal, voltagePercent: 106.5 };
  const { gridVar, site } = await during(t, { ...given, at });
  near(gridVar, pvMaxVar / 2);
  await site.runTo(760);
  near(site.seconds.at(-1)?.gridVar ?? NaN, 0);
});

test('opModVoltWatt: active power falls as the voltage rises', async (t) => {
  const points = [
    [106, 100],
    [110, 20],
  ] as const;
  const curves = [curve({ id: 1, type: 12, points, yRefType: 1, openLoopTms: 500 })];
  const { pvW } = await during(t, { base: link('opModVoltWatt'), curves, at: { ...nominal, voltagePercent: 108 } });
  near(pvW, 0.6 * ratedPvW);
});

test('opModWattVar: reactive power by active power', async (t) => {
  const points = [
    [50, 0],
    [100, -100],
  ] as const;
  const curves = [curve({ id: 1, type: 14, points, yRefType: 2 })];
  const { gridVar } = await during(t, { base: link('opModWattVar'), curves, pvW: 7_500 });
  near(gridVar, pvMaxVar / 2);
});

test('opModWattPF: the power factor by active power', async (t) => {
  const points = [
    [50, 100, true],
    [100, 90, true],
  ] as const;
  const curves = [curve({ id: 1, type: 13, points, yRefType: 0, multipliers: [0, -2] })];
  const { gridVar } = await during(t, { base: link('opModWattPF'), curves, pvW: 7_500 });
  near(gridVar, 7_500 * Math.tan(Math.acos(0.95)));
});

test('opModFreqWatt: active power of all DERs by the frequency, in place of the droop that devices have', async (t) => {
  const points = [
    [6_020, 10_000],
    [6_120, 0],
  ] as const;
  const curves = [curve({ id: 1, type: 0, points, yRefType: 1, multipliers: [-2, -2] })];
  const at = { ...nominal, frequencyHz: 60.7 };
  const { pvW, site } = await during(t, { base: link('opModFreqWatt'), curves, at });
  near(pvW, 0.5 * ratedPvW);
  assert.equal(site.board.explain()?.limits.output?.mode, 'opModFreqWatt');
  await site.runTo(760);
  near(site.seconds.at(-1)?.pvW ?? NaN, 8_000 - ((0.7 - 0.036) / (60 * 0.05)) * ratedPvW);
});

test('opModFreqDroop: active power falls by the droop', async (t) => {
  const base = `<opModFreqDroop><dBOF>100</dBOF><dBUF>100</dBUF><kOF>50</kOF><kUF>50</kUF><openLoopTms>100</openLoopTms></opModFreqDroop>`;
  const { pvW } = await during(t, { base, at: { ...nominal, frequencyHz: 60.7 } });
  near(pvW, 8_000 - (0.6 / (60 * 0.05)) * ratedPvW);
});

test('ride-through curves: the device trips when its curve says so, and not before', async (t) => {
  for (const [mode, type, points, at] of [
    [
      'opModHVRTMustTrip',
      5,
      [
        [20, 130],
        [20, 108],
      ],
      { ...nominal, voltagePercent: 109 },
    ],
    [
      'opModLVRTMustTrip',
      10,
      [
        [20, 0],
        [20, 92],
      ],
      { ...nominal, voltagePercent: 90 },
    ],
    [
      'opModHFRTMustTrip',
      2,
      [
        [20, 66],
        [20, 60.5],
      ],
      { ...nominal, frequencyHz: 60.6 },
    ],
    [
      'opModLFRTMustTrip',
      7,
      [
        [20, 50],
        [20, 59.7],
      ],
      { ...nominal, frequencyHz: 59.6 },
    ],
  ] as const) {
    const scaled = points.map(([x, y]) => [x, Math.round(10 * y)] as const);
    const curves = [curve({ id: 1, type, points: scaled, yRefType: 0, multipliers: [0, -1] })];
    const base = noDroop + link(mode);
    const { pvW, site } = await during(t, { base, curves, at, after: 40 });
    assert.equal(pvW, 0, mode);
    // Beyond the limit since 130; its own Volt-Watt may have acted.
    assert.ok(
      site.between(130, 148).every((second) => second.pvW > 0),
      mode,
    );
  }
});

test('between its may-trip and its must-trip curve the device rides through, and trips at the must-trip', async (t) => {
  for (const [of, [mayTrip, mustTrip], edge, at] of [
    ['HVRT', [3, 5], { far: 130, near: 108 }, { ...nominal, voltagePercent: 109 }],
    ['LVRT', [8, 10], { far: 0, near: 92 }, { ...nominal, voltagePercent: 90 }],
    ['HFRT', [1, 2], { far: 66, near: 60.5 }, { ...nominal, frequencyHz: 60.6 }],
    ['LFRT', [6, 7], { far: 50, near: 59.7 }, { ...nominal, frequencyHz: 59.6 }],
  ] as const) {
    const beyond = (id: number, type: number, seconds: number): string => {
      const points = [edge.far, edge.near].map((y) => [seconds, Math.round(10 * y)] as const);
      return curve({ id, type, points, yRefType: 0, multipliers: [0, -1] });
    };
    const curves = [beyond(1, mayTrip, 5), beyond(2, mustTrip, 20)];
    const [may, must] = [`opMod${of}MayTrip`, `opMod${of}MustTrip`] as const;
    const base = noDroop + link(may, 1) + link(must, 2);
    const { pvW, site } = await during(t, { base, curves, at, after: 40 });
    const modes: Readonly<Record<string, ModeReason | undefined>> = site.board.explain()?.modes ?? {};
    assert.deepEqual([modes[may]?.state, modes[must]?.state], ['applied', 'applied'], of);
    // Beyond both curves since 130.
    assert.ok(
      site.between(136, 148).every((second) => second.pvW > 0),
      `${may} is borne`,
    );
    assert.equal(pvW, 0, must);
  }
});

test('momentary cessation: nothing is given while the voltage is beyond the curve, and again after it', async (t) => {
  for (const [mode, type, points, voltagePercent] of [
    ['opModLVRTMomentaryCessation', 9, [0, 950], 94],
    ['opModHVRTMomentaryCessation', 4, [1300, 1060], 107],
  ] as const) {
    const vertices = points.map((y) => [0, y] as const);
    const curves = [curve({ id: 1, type, points: vertices, yRefType: 0, multipliers: [0, -1] })];
    const grid = (time: number): GridCondition =>
      time >= 1_800_000_130 && time < 1_800_000_145 ? { ...nominal, voltagePercent } : nominal;
    const { pvW, site } = await during(t, { base: link(mode), curves, grid, after: 60 });
    assert.ok(
      site.between(133, 145).every((second) => second.pvW === 0),
      mode,
    );
    assert.ok(pvW > 0, `${mode}: back after ${pvW} W`);
  }
});

test('a mode that no device has, and one whose curve is missing, are named as such', async (t) => {
  const base = `${link('opModVoltVar', 7)}${factor('opModFixedPFAbsorbW', 95, true)}<opModMaxLimW>9000</opModMaxLimW>`;
  const { site } = await during(t, { base, inverterModels: 'legacy' });
  const modes = site.board.explain()?.modes;
  assert.equal(modes?.opModVoltVar?.state, 'not supported');
  assert.equal(modes?.opModFixedPFAbsorbW?.state, 'not supported');
  const other = await during(t, { base });
  const invalid = other.site.board.explain()?.modes.opModVoltVar;
  assert.deepEqual(
    [invalid?.state, invalid?.fault],
    ['invalid', `the server has no curve ${other.site.utility.origin}/derp/1/dc/7`],
  );
});

test('a value that the device does not take is named, and the rest acts', async (t) => {
  const base = `<opModFreqDroop><dBOF>50000</dBOF><dBUF>50000</dBUF><kOF>50</kOF><kUF>50</kUF><openLoopTms>0</openLoopTms></opModFreqDroop>
    <opModMaxLimW>2000</opModMaxLimW>`;
  const { site, pvW } = await during(t, { base });
  const droop = site.board.explain()?.modes.opModFreqDroop;
  assert.equal(droop?.state, 'refused');
  assert.match(droop.fault ?? '', /a deadband is not within/);
  assert.equal(pvW, 2_000);
});

test('legacy inverters: power factor and vars by model 123', async (t) => {
  const over = await during(t, { base: factor('opModFixedPFInjectW', 95, false), inverterModels: 'legacy' });
  near(over.gridVar, -8_000 * Math.tan(Math.acos(0.95)));
  const base = '<opModFixedVar><refType>1</refType><value>2000</value></opModFixedVar>';
  near((await during(t, { base, inverterModels: 'legacy' })).gridVar, -0.2 * ratedPvW);
});
