import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UnixSeconds, W } from '#hal/units.ts';
import { History } from './history.ts';

const start = 1_751_392_800;

function historyOf(seconds: Iterable<number>): History {
  const history = new History();
  for (const second of seconds) {
    history.add({ time: UnixSeconds(start + second), generationW: W(second), loadW: W(0), gridW: W(0) });
  }
  return history;
}

const every = (step: number, end: number): number[] =>
  Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);

test('a curve keeps the first point of every 15 s', () => {
  const history = historyOf(every(1, 60));
  assert.deepEqual(
    history.points.map(({ time }) => time - start),
    [0, 15, 30, 45, 60],
  );
  assert.equal(history.wants(UnixSeconds(start + 74)), false);
  assert.equal(history.wants(UnixSeconds(start + 75)), true);
});

test('a full curve grows coarser and still reaches back to its start', () => {
  const history = historyOf(every(15, 2 * 3600));
  assert.equal(history.stepSeconds, 30);
  assert.equal(history.points[0]?.time, start);
  assert.equal(history.points.at(-1)?.time, start + 2 * 3600);
});

test('after a day the oldest points go', () => {
  const history = historyOf(every(15, 48 * 3600));
  assert.equal(history.stepSeconds, 240);
  assert.equal(history.points.length, 360);
  assert.equal(history.points[0]?.time, start + 48 * 3600 - 359 * 240);
});

test('a point of the past is not kept', () => {
  const history = historyOf([600, 0]);
  assert.equal(history.points.length, 1);
});

test('whatever the pace, a curve has at most 360 points, rising, each in a step of its own', () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 2000 }), { maxLength: 2000 });
  fc.assert(
    fc.property(gaps, (steps) => {
      let time = 0;
      const history = historyOf(steps.map((step) => (time += step)));
      assert.ok(history.points.length <= 360);
      const slots = history.points.map((point) => Math.floor(point.time / history.stepSeconds));
      assert.ok(slots.every((slot, i) => i === 0 || slot > (slots[i - 1] ?? slot)));
    }),
    { numRuns: 50 },
  );
});
