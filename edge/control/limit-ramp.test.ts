import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UnixSeconds } from '#hal/units.ts';
import { limitTo, type Ramp, rampedAt, targetTo } from './limit-ramp.ts';

const rates = { setMaxW: 10_000, setGradW: 100 };
const at = (now: number): UnixSeconds => UnixSeconds(now);
const ceilingW = 12_000;

test('a tighter limit starts from what is measured, a looser one from what holds', () => {
  const first = limitTo(undefined, { now: at(0), goalW: 8_000, measuredW: 5_000, rates }, ceilingW);
  assert.equal(rampedAt(first, at(0), ceilingW), 8_000, 'the first holds at once');
  const tighter = limitTo(first, { now: at(10), goalW: 4_000, measuredW: 5_000, rates }, ceilingW);
  assert.deepEqual(
    [10, 15, 20, 99].map((now) => rampedAt(tighter, at(now), ceilingW)),
    [5_000, 4_500, 4_000, 4_000],
  );
  const looser = limitTo(tighter, { now: at(15), goalW: 6_000, measuredW: 100, rates }, ceilingW);
  assert.deepEqual(
    [15, 20, 30].map((now) => rampedAt(looser, at(now), ceilingW)),
    [4_500, 5_000, 6_000],
  );
  assert.equal(limitTo(looser, { now: at(20), goalW: 6_000, measuredW: 0, rates }, ceilingW), looser);
});

test('a limit that is over rises to where it limits nothing; one that is not measured holds at once', () => {
  const held: Ramp = { goalW: 11_000, fromW: 11_000, since: at(0), rates };
  const over = limitTo(held, { now: at(0), goalW: Infinity, measuredW: undefined, rates }, ceilingW);
  assert.deepEqual(
    [5, 10].map((now) => rampedAt(over, at(now), ceilingW)),
    [11_500, Infinity],
  );
  const unseen = limitTo(held, { now: at(0), goalW: 1_000, measuredW: undefined, rates }, ceilingW);
  assert.equal(rampedAt(unseen, at(0), ceilingW), 1_000);
});

test('a target starts from what is measured, and the next from where it is', () => {
  const first = targetTo(undefined, { now: at(0), goalW: -2_000, measuredW: 1_000, rates });
  assert.deepEqual(
    [0, 10, 30].map((now) => rampedAt(first, at(now))),
    [1_000, 0, -2_000],
  );
  const next = targetTo(first, { now: at(10), goalW: 500, measuredW: 999, rates });
  assert.deepEqual(
    [10, 15].map((now) => rampedAt(next, at(now))),
    [0, 500],
  );
  assert.equal(targetTo(next, { now: at(11), goalW: 500, measuredW: 0, rates }), next);
});

test('whatever comes one after the other, what holds lies between where it came from and its goal, and gets there', () => {
  const step = fc.record({
    after: fc.nat(40),
    goalW: fc.oneof(fc.nat(12_000), fc.constant(Infinity)),
    measuredW: fc.nat(12_000),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
      let ramp: Ramp | undefined;
      let now = 0;
      for (const { after, goalW, measuredW } of steps) {
        now += after;
        const before = ramp === undefined ? goalW : rampedAt(ramp, at(now), ceilingW);
        ramp = limitTo(ramp, { now: at(now), goalW, measuredW, rates }, ceilingW);
        const w = rampedAt(ramp, at(now), ceilingW);
        assert.ok(w <= Math.max(before, goalW) && w >= Math.min(before, goalW, measuredW));
        assert.equal(rampedAt(ramp, at(now + 1_000), ceilingW), goalW);
      }
    }),
  );
});
