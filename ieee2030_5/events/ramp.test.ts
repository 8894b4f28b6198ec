import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rampedLimit, rampSeconds } from './ramp.ts';

const setMaxW = 10_000;

test('setGradW is hundredths of a percent of setMaxW a second', () => {
  // 0.27 % of 10 kW is 27 W a second.
  assert.equal(rampedLimit(0, 5_000, 100, 110, { setMaxW, setGradW: 27 }), 270);
  assert.equal(rampedLimit(5_000, 0, 100, 110, { setMaxW, setGradW: 27 }), 4_730);
});

test('rampTms goes before the rates and spreads the whole change over its time', () => {
  const rates = { setMaxW, setGradW: 27, rampTms: 6_000 };
  assert.equal(rampedLimit(1_000, 5_000, 0, 30, rates), 3_000);
  assert.equal(rampedLimit(1_000, 5_000, 0, 60, rates), 5_000);
  assert.equal(rampedLimit(1_000, 5_000, 0, 0, { setMaxW, rampTms: 0 }), 5_000);
});

test('no rate and a rate of zero mean no limit', () => {
  assert.equal(rampedLimit(0, 5_000, 0, 0, { setMaxW }), 5_000);
  assert.equal(rampedLimit(0, 5_000, 0, 0, { setMaxW, setGradW: 0 }), 5_000);
});

test('a soft start goes by setSoftGradW, and by setGradW where there is none', () => {
  assert.equal(rampSeconds(1_000, { setMaxW, setGradW: 100, setSoftGradW: 10, softStart: true }), 100);
  assert.equal(rampSeconds(1_000, { setMaxW, setGradW: 100, setSoftGradW: 10 }), 10);
  assert.equal(rampSeconds(1_000, { setMaxW, setGradW: 100, softStart: true }), 10);
});

test('a ramp is monotone, stays between its ends and is never faster than its rate', () => {
  const power = fc.integer({ min: -50_000, max: 50_000 });
  const rate = fc.integer({ min: 1, max: 10_000 });
  fc.assert(
    fc.property(power, power, rate, fc.nat(3_000), fc.nat(3_000), (from, to, setGradW, a, b) => {
      const rates = { setMaxW, setGradW };
      const [early, late] = [Math.min(a, b), Math.max(a, b)];
      const first = rampedLimit(from, to, 0, early, rates);
      const second = rampedLimit(from, to, 0, late, rates);
      assert.ok(Number.isInteger(first));
      assert.ok(Math.min(from, to) <= first && first <= Math.max(from, to));
      assert.ok(Math.abs(to - second) <= Math.abs(to - first));
      assert.ok(Math.abs(first - from) <= setGradW * early);
      assert.equal(rampedLimit(from, to, 0, rampSeconds(to - from, rates), rates), to);
      assert.equal(rampedLimit(from, to, 10, 5, rates), from);
    }),
  );
});
