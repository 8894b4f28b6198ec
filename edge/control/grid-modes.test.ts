import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DERCurve } from '#ieee2030_5/types.generated.ts';
import { InvalidMode, voltWattCurve, wattPowerFactor } from './der-curves.ts';
import { type ModeContext, type ModeValues, translate } from './grid-modes.ts';

const curveOf = (curveType: number, yRefType: number, rest: Partial<DERCurve> = {}): DERCurve => ({
  mRID: new Uint8Array(16),
  creationTime: 0n,
  CurveData: [
    { xvalue: 9_000, yvalue: 50 },
    { xvalue: 11_000, yvalue: -50 },
  ],
  curveType,
  xMultiplier: -2,
  yMultiplier: 0,
  yRefType,
  ...rest,
});

const curves: Readonly<Record<string, DERCurve>> = {
  var: curveOf(11, 3, { openLoopTms: 250, vRef: 10_100 }),
  watt: curveOf(12, 7),
  wrong: curveOf(14, 5),
};
const context: ModeContext = {
  ratings: { maxW: 10_000, maxVA: 11_000, maxVarInject: 4_840, maxVarAbsorb: 4_840, nominalV: 400 },
  varShare: 0.25,
  powerW: 5_000,
  curveOf: (href) => curves[href],
};
const all = (values: ModeValues): ReturnType<typeof translate> => translate(values, () => true, context);

test('modes come in physical units', () => {
  assert.deepEqual(
    all({
      opModFixedPFInjectW: { displacement: 950, multiplier: -3, excitation: true },
      opModFixedVar: { refType: 1, value: -2_550 },
      opModVoltVar: { href: 'var' },
      opModVoltWatt: { href: 'watt' },
      opModFreqDroop: { dBOF: 36, dBUF: 40, kOF: 50, kUF: 60, openLoopTms: 500 },
    }),
    {
      modes: {
        powerFactorInject: { cosPhi: 0.95, excitation: 'under' },
        fixedVar: { percent: -25.5, of: 'maxW' },
        voltVar: {
          points: [
            { x: 90, y: 50 },
            { x: 110, y: -50 },
          ],
          reference: 'availableVar',
          responseSeconds: 2.5,
          vRefPercent: 101,
        },
        voltWatt: {
          points: [
            { x: 90, y: 50 },
            { x: 110, y: -50 },
          ],
          reference: 'availableW',
        },
        freqDroop: {
          deadbandOverHz: 0.036,
          deadbandUnderHz: 0.04,
          droopOver: 0.05,
          droopUnder: 0.06,
          responseSeconds: 5,
        },
      },
      invalid: new Map(),
    },
  );
});

test('a target of reactive power is shared by the devices', () => {
  assert.deepEqual(all({ opModTargetVar: { multiplier: 2, value: 10 } }).modes, { fixedVar: { var: 250 } });
});

test('entering service is set when all bounds and the delay are told', () => {
  const bounds = { setESHighVolt: 10_500, setESLowVolt: 9_170, setESHighFreq: 6_010, setESLowFreq: 5_950 };
  assert.deepEqual(all(bounds).modes, {});
  assert.deepEqual(
    all({ ...bounds, setESDelay: 30_000, setESRandomDelay: 100, setESRampTms: 6_000 }).modes.enterService,
    {
      maxVoltagePercent: 105,
      minVoltagePercent: 91.7,
      maxHz: 60.1,
      minHz: 59.5,
      delaySeconds: 300,
      randomDelaySeconds: 1,
      rampSeconds: 60,
    },
  );
  for (const bound of Object.keys(bounds)) {
    assert.deepEqual(all({ ...bounds, setESDelay: 1, [bound]: undefined }).modes, {}, bound);
  }
});

test('values that are none are named, and the others hold', () => {
  const { modes, invalid } = all({
    opModFixedPFInjectW: { displacement: 120, multiplier: -2, excitation: false },
    opModFixedPFAbsorbW: { displacement: 1, multiplier: 0, excitation: false },
    opModFixedVar: { refType: 4, value: 100 },
    opModVoltVar: { href: 'watt' },
    opModVoltWatt: { href: 'none' },
    opModWattVar: { href: 'wrong' },
  });
  assert.deepEqual(modes, { powerFactorAbsorb: { cosPhi: 1, excitation: 'over' } });
  assert.deepEqual([...invalid.values()].toSorted(), [
    '1.2 is no power factor',
    'a curve of type 12 is none for opModVoltVar',
    'reactive power in percent of reference 4',
    'reactive power in percent of reference 5',
    'the server has no curve none',
  ]);
});

test('what a device does not have is left out', () => {
  const values: ModeValues = { opModFixedVar: { refType: 1, value: 0 }, opModVoltVar: { href: 'none' } };
  assert.deepEqual(translate(values, (mode) => mode === 'fixedVar', context).modes, {
    fixedVar: { percent: 0, of: 'maxW' },
  });
});

test('a Watt-PF curve goes through 1 from one excitation to the other', () => {
  const CurveData = [
    { xvalue: 0, yvalue: 90, excitation: false },
    { xvalue: 100, yvalue: 90, excitation: true },
  ];
  const curve = curveOf(13, 0, { CurveData, xMultiplier: 0, yMultiplier: -2 });
  assert.deepEqual(wattPowerFactor(curve, -5), { cosPhi: 0.9, excitation: 'over' });
  assert.deepEqual(wattPowerFactor(curve, 25), { cosPhi: 0.95, excitation: 'over' });
  assert.deepEqual(wattPowerFactor(curve, 50), { cosPhi: 1, excitation: 'over' });
  assert.deepEqual(wattPowerFactor(curve, 75), { cosPhi: 0.95, excitation: 'under' });
  assert.throws(() => wattPowerFactor({ ...curve, yMultiplier: 0 }, 50), InvalidMode);
  assert.throws(() => wattPowerFactor({ ...curve, CurveData: [] }, 50), InvalidMode);
});

test('active power refers to what is set or to what is available', () => {
  assert.equal(voltWattCurve(curveOf(12, 1)).reference, 'maxW');
  assert.throws(() => voltWattCurve(curveOf(12, 2)), InvalidMode);
});
