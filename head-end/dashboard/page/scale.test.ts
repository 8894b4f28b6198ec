import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decimalsOf, linear, roundTicks, timeTicks } from './scale.js';

test('ticks are 1, 2 or 5 times a power of ten apart', () => {
  assert.deepEqual(roundTicks(-60, 690, 4), [-200, 0, 200, 400, 600, 800]);
  assert.deepEqual(roundTicks(0, 1, 4), [0, 0.5, 1]);
  assert.deepEqual(roundTicks(7, 7, 2), [7, 7.5]);
});

test('ticks enclose what they measure, in few steps', () => {
  const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(value, value, (a, b) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      fc.pre(high - low > 1e-3);
      const ticks = roundTicks(low, high, 4);
      const tolerance = 1e-9 * (high - low);
      assert.ok((ticks[0] ?? 0) <= low + tolerance && (ticks.at(-1) ?? 0) >= high - tolerance);
      assert.ok(ticks.length >= 2 && ticks.length <= 7);
    }),
  );
});

test('the decimals of a label are those that its step needs', () => {
  assert.deepEqual(
    [
      [0, 200],
      [0, 1],
      [0, 0.5],
      [0.1, 0.12],
      [0, 0.005],
    ].map(decimalsOf),
    [0, 0, 1, 2, 3],
  );
});

test('hours stand at the campus’s own full hours', () => {
  const noon = Date.UTC(2025, 6, 1, 12) / 1000;
  const kolkata = timeTicks(noon, noon + 5 * 3600, 5, 5.5 * 3600);
  assert.deepEqual(
    kolkata.map((time) => (time + 5.5 * 3600) % 3600),
    [0, 0, 0, 0, 0],
  );
});

test('a scale maps its ends, and a single value to its start', () => {
  const scale = linear(10, 20, 100, 0);
  assert.deepEqual([scale(10), scale(15), scale(20)], [100, 50, 0]);
  assert.equal(linear(5, 5, 100, 0)(5), 100);
});
