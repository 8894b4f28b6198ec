import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Second } from './bench-site.ts';
import { expectationText, judge } from './expectation.ts';
import type { Expectation } from './plan-schema.ts';

const second = (more: Partial<Second> = {}): Second => ({
  at: 1,
  read: { gridPower: 2_990 },
  actual: { gridPower: 3_000 },
  known: { gridPower: 3_000 },
  neighbours: new Map([
    ['flat', { read: { gridPower: 640 }, known: { gridPower: 640 } }],
    ['shop', { read: { gridPower: 1_150 }, known: { gridPower: 1_100 } }],
  ]),
  orders: {},
  ...more,
});

const verdict = (expectation: Omit<Expectation, 'quantity'>, more: Partial<Second> = {}): string =>
  judge({ quantity: 'gridPower', ...expectation }, second(more)).is;

test('a number holds within its tolerance, in the unit that is told, the greater of absolute and share', () => {
  assert.equal(verdict({ is: 2_990 }), 'held');
  assert.equal(verdict({ is: 3_000 }), 'broken');
  assert.equal(verdict({ is: 3_000, tolerance: 10 }), 'held');
  assert.equal(verdict({ is: 3, unit: 'kW', tolerance: 0.01 }), 'held');
  assert.equal(verdict({ is: 3, unit: 'kW', tolerance: 0.009 }), 'broken');
  assert.equal(verdict({ is: 3_000, percent: 1, tolerance: 5 }), 'held');
});

test('bounds hold from their side, widened by the tolerance', () => {
  assert.equal(verdict({ atLeast: 2_990, atMost: 2_990 }), 'held');
  assert.equal(verdict({ atLeast: 3_000 }), 'broken');
  assert.equal(verdict({ atLeast: 3_000, tolerance: 10 }), 'held');
  assert.equal(verdict({ atMost: 2_980 }), 'broken');
});

test('the board’s reading is judged unless the twin’s truth is asked for', () => {
  assert.equal(verdict({ is: 3_000, by: 'twin' }), 'held');
  assert.equal(verdict({ is: 3_000, by: 'board' }), 'broken');
});

test('what truly flows is known only to a twin', () => {
  assert.equal(verdict({ is: 'actual', tolerance: 10 }), 'held');
  assert.equal(verdict({ is: 'actual', tolerance: 9 }), 'broken');
  assert.equal(verdict({ is: 'actual' }, { known: {} }), 'unknown');
});

test('a reading that is not there is silent, never right and never wrong', () => {
  assert.equal(verdict({ is: 0, tolerance: 1e6 }, { read: {} }), 'silent');
  assert.equal(verdict({ is: 'actual' }, { read: {} }), 'silent');
});

test('of all neighbours the worst counts', () => {
  assert.equal(verdict({ is: 'actual', of: 'flat' }), 'held');
  assert.equal(verdict({ is: 'actual', of: 'all' }), 'broken');
  const judged = judge({ quantity: 'gridPower', is: 'actual', of: 'all' }, second());
  assert.ok(judged.is === 'broken' && judged.measured === 'shop 1,150 W of 1,100 W');
  assert.equal(verdict({ is: 'actual', of: 'all' }, { neighbours: new Map() }), 'unknown');
});

test('the unit makes no difference to what holds', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 0, max: 1e6 }), fc.integer(), (wanted, tolerance, value) => {
      const read = { read: { gridPower: value } };
      const inW = verdict({ is: wanted, tolerance }, read);
      assert.equal(verdict({ is: wanted / 1000, tolerance: tolerance / 1000, unit: 'kW' }, read), inW);
    }),
  );
});

test('an expectation reads as a sentence', () => {
  const text = expectationText({ quantity: 'gridPower', atLeast: -2, unit: 'kW', tolerance: 0.1, by: 'twin' });
  assert.equal(text, 'power at the connection point, as it flows, to be at least -2 kW ± 0.1 kW');
});
