import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { nominalGrid } from '../site/grid.ts';
import { DerFunctions } from './der-functions.ts';
import { type DerSettings, interpolate } from './der-settings.ts';
import { defaultEnterService, defaultFreqDroop, tripModels } from './ieee1547-defaults.ts';

const trips = tripModels.map(({ quantity, side, curves }) => ({
  quantity,
  side,
  mustTrip: curves.MustTrip,
  momentaryCessation: curves.MomCess,
}));
const idle: DerSettings = {
  maxW: 10_000,
  maxVA: 11_000,
  maxVarInject: 4_840,
  maxVarAbsorb: 4_840,
  isConnected: true,
  isPermitted: true,
  enterService: defaultEnterService,
  limitW: null,
  targetW: null,
  powerFactorInject: null,
  powerFactorAbsorb: null,
  fixedVar: null,
  voltVar: null,
  voltWatt: null,
  wattVar: null,
  freqDroop: null,
  trips: [],
  rampPercent: 0,
  varRampPercent: 0,
};
const full = { minW: -10_000, maxW: 10_000, desiredW: 10_000 };

const points = (y: fc.Arbitrary<number>): fc.Arbitrary<{ x: number; y: number }[]> =>
  fc
    .array(fc.record({ x: fc.integer({ min: 80, max: 120 }), y }), { minLength: 2, maxLength: 6 })
    .map((list) => list.toSorted((a, b) => a.x - b.x));
const orNone = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value);
const percent = fc.integer({ min: -100, max: 100 });
const priority = fc.constantFrom('active', 'reactive');
const reference = fc.constantFrom('maxW', 'maxVar', 'availableVar', 'maxVA');
const factor = fc.record({
  cosPhi: fc.integer({ min: 1, max: 1000 }).map((thousandths) => thousandths / 1000),
  excitation: fc.constantFrom('over', 'under'),
});
const anySettings: fc.Arbitrary<Partial<DerSettings>> = fc.record({
  limitW: orNone(fc.nat(12_000)),
  targetW: orNone(fc.integer({ min: -10_000, max: 10_000 })),
  powerFactorInject: orNone(factor),
  powerFactorAbsorb: orNone(factor),
  fixedVar: orNone(fc.record({ setpoint: fc.record({ percent, of: reference }), priority })),
  voltVar: orNone(fc.record({ points: points(percent), reference, priority, responseSeconds: fc.nat(20) })),
  voltWatt: orNone(
    fc.record({
      points: points(fc.nat(100)),
      reference: fc.constantFrom('maxW', 'availableW'),
      responseSeconds: fc.nat(20),
    }),
  ),
  wattVar: orNone(fc.record({ points: points(percent), reference, priority })),
  freqDroop: orNone(fc.constant({ ...defaultFreqDroop, minPercent: -100 })),
  rampPercent: fc.nat(50),
  varRampPercent: fc.nat(50),
}) as fc.Arbitrary<Partial<DerSettings>>;

test('whatever it is told and whatever the grid does, power stays within source, limit, rating and permission', () => {
  const second = fc.record({
    voltagePercent: fc.integer({ min: 0, max: 140 }),
    frequencyHz: fc.integer({ min: 550, max: 650 }).map((tenths) => tenths / 10),
    maxW: fc.nat(10_000),
    minW: fc.integer({ min: -10_000, max: 0 }),
    change: fc.option(fc.tuple(anySettings, fc.boolean(), fc.boolean())),
  });
  fc.assert(
    fc.property(fc.array(second, { minLength: 1, maxLength: 60 }), (seconds) => {
      const functions = new DerFunctions(1, { ...idle, trips });
      for (const { voltagePercent, frequencyHz, maxW, minW, change } of seconds) {
        if (change !== null) {
          const [settings, isConnected, isPermitted] = change;
          functions.settings = { ...idle, trips, ...settings, isConnected, isPermitted };
        }
        const { activeW, reactiveVar } = functions.step(
          { minW, maxW, desiredW: maxW },
          { voltagePercent, frequencyHz },
        );
        const { limitW, isConnected, isPermitted, maxVA } = functions.settings;
        const seen = JSON.stringify({ activeW, reactiveVar, minW, maxW, limitW });
        assert.ok(Number.isSafeInteger(activeW) && Number.isSafeInteger(reactiveVar), seen);
        assert.ok(activeW >= minW && activeW <= maxW && activeW <= (limitW ?? Infinity), seen);
        assert.ok(Math.hypot(activeW, reactiveVar) <= maxVA, seen);
        assert.ok((isConnected && isPermitted) || (activeW === 0 && reactiveVar === 0), seen);
      }
    }),
    { numRuns: 300 },
  );
});

test('the default trips bear what IEEE 1547 says must be borne, and no more', () => {
  for (const [grid, seconds] of [
    [{ voltagePercent: 87 }, 21],
    [{ voltagePercent: 49 }, 2],
    [{ voltagePercent: 111 }, 13],
    [{ voltagePercent: 121 }, 1],
    [{ frequencyHz: 58.4 }, 300],
    [{ frequencyHz: 56.4 }, 1],
    [{ frequencyHz: 61.3 }, 300],
    [{ frequencyHz: 62.1 }, 1],
  ] as const) {
    const functions = new DerFunctions(1, { ...idle, trips });
    for (let second = 1; second < seconds; second++) {
      functions.step(full, { ...nominalGrid, ...grid });
      assert.notEqual(functions.connection.at, 'out', `${JSON.stringify(grid)} after ${second} s`);
    }
    functions.step(full, { ...nominalGrid, ...grid });
    assert.equal(functions.connection.at, 'out', JSON.stringify(grid));
  }
});

test('the delay of entering service starts anew when the grid is not good for a second', () => {
  const enterService = { ...defaultEnterService, delaySeconds: 10, rampSeconds: 0 };
  const functions = new DerFunctions(1, { ...idle, isPermitted: false, enterService });
  functions.step(full, nominalGrid);
  functions.settings = { ...idle, enterService };
  for (let second = 0; second < 9; second++) functions.step(full, nominalGrid);
  functions.step(full, { ...nominalGrid, frequencyHz: 60.2 });
  for (let second = 0; second < 10; second++) assert.equal(functions.step(full, nominalGrid).activeW, 0);
  assert.equal(functions.step(full, nominalGrid).activeW, 10_000);
});

test('a random delay differs from twin to twin and stays within what was allowed', () => {
  const enterService = { ...defaultEnterService, delaySeconds: 5, randomDelaySeconds: 50, rampSeconds: 0 };
  const delays = Array.from({ length: 30 }, (_, seed) => {
    const functions = new DerFunctions(seed, { ...idle, isPermitted: false, enterService });
    functions.step(full, nominalGrid);
    functions.settings = { ...idle, enterService };
    let seconds = 0;
    while (functions.step(full, nominalGrid).activeW === 0) seconds++;
    return seconds;
  });
  assert.ok(
    delays.every((delay) => delay >= 5 && delay <= 55),
    delays.join(' '),
  );
  assert.ok(new Set(delays).size > 10);
});

test('a curve is straight between its points, flat beyond them, and steps to the later of two at one place', () => {
  const curve = [
    { x: 90, y: 100 },
    { x: 95, y: 50 },
    { x: 95, y: 0 },
    { x: 105, y: -50 },
  ];
  const shown = [0, 90, 92.5, 95, 100, 105, 200].map((x) => interpolate(curve, x));
  assert.deepEqual(shown, [100, 100, 75, 0, -25, -50, -50]);
});
