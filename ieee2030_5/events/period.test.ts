import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UnixSeconds } from '#hal/units.ts';
import {
  cancelTime,
  cutShort,
  drawsOf,
  effectivePeriod,
  scheduledPeriod,
  toSeconds,
  toTime,
  widestPeriod,
} from './period.ts';
import { control, drawAll, drawNone } from './sample-events.ts';

const boundary = fc.integer({ min: -4_000, max: 4_000 });
const anyEvent = fc
  .record({
    start: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    small: fc.integer({ min: 0, max: 10_000 }),
    huge: fc.boolean(),
    duration: fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.constant(2 ** 32 - 1)),
    randomizeStart: boundary,
    randomizeDuration: boundary,
  })
  .map(({ start, small, huge, duration, ...boundaries }) => ({
    ...control({ id: 1, ...boundaries }),
    interval: { start: huge ? start : BigInt(small), duration },
  }));
const fraction = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((value) => value / 2 ** 32);
const anyDraw = fc.record({ start: fraction, duration: fraction, cancel: fraction });

test('an effective period keeps within its boundaries and is never negative', () => {
  fc.assert(
    fc.property(anyEvent, anyDraw, (event, draw) => {
      const planned = scheduledPeriod(event);
      const effective = effectivePeriod(event, draw);
      const widest = widestPeriod(event);
      assert.ok(effective.from <= effective.until && planned.from <= planned.until);
      assert.ok(Number.isSafeInteger(effective.from) && Number.isSafeInteger(effective.until));
      assert.ok(widest.from <= effective.from && effective.until <= widest.until);
      assert.ok(Math.abs(effective.from - planned.from) <= Math.min(3_600, Math.abs(event.randomizeStart ?? 0)));
      const moved = effective.from - planned.from;
      assert.ok(moved === 0 || Math.sign(moved) === Math.sign(event.randomizeStart ?? 0));
    }),
  );
});

test('a boundary is reached from both sides, its sign is the direction, and 3600 s is the most', () => {
  const event = control({ id: 1, start: 100, duration: 60, randomizeStart: -20, randomizeDuration: 30 });
  assert.deepEqual(effectivePeriod(event, drawNone), { from: 100, until: 160 });
  assert.deepEqual(effectivePeriod(event, drawAll), { from: 80, until: 170 });
  assert.deepEqual(widestPeriod(event), { from: 80, until: 190 });
  const wild = control({ id: 1, start: 10_000, duration: 60, randomizeStart: 32_767, randomizeDuration: -32_768 });
  assert.deepEqual(effectivePeriod(wild, drawAll), { from: 13_600, until: 13_600 });
});

test('an event without randomisation is what its interval says', () => {
  const { randomizeStart: _s, randomizeDuration: _d, ...plain } = control({ id: 1, start: 5, duration: 7 });
  assert.deepEqual(effectivePeriod(plain, drawAll), { from: 5, until: 12 });
});

test('a draw is the same for one device and event, and another for others', () => {
  const own = drawsOf('A');
  assert.deepEqual(own('01'), drawsOf('A')('01'));
  assert.notDeepEqual(own('01'), own('02'));
  assert.notDeepEqual(own('01'), drawsOf('B')('01'));
  const starts = Array.from({ length: 200 }, (_, i) => own(String(i)).start);
  assert.ok(starts.every((value) => value >= 0 && value < 1));
  assert.ok(starts.some((value) => value < 0.1) && starts.some((value) => value > 0.9));
});

test('a cancellation acts at once, or with randomisation within the larger of both boundaries, never in the future', () => {
  const now = UnixSeconds(50);
  const plain = control({ id: 1, status: 2, statusAt: 40, randomizeStart: 30 });
  assert.equal(cancelTime(plain, drawAll.cancel, now), 40);
  const random = control({ id: 1, status: 3, statusAt: 40, randomizeStart: -30, randomizeDuration: 20 });
  assert.equal(cancelTime(random, drawAll.cancel, now), 70);
  assert.equal(cancelTime(random, drawNone.cancel, now), 40);
  assert.equal(cancelTime(control({ id: 1, status: 2, statusAt: 900 }), 0, now), 50);
});

test('TimeType becomes a number that a Date can show, and back', () => {
  assert.equal(toSeconds(2n ** 63n - 1n), 8_640_000_000_000);
  assert.equal(toSeconds(-(2n ** 63n)), -8_640_000_000_000);
  assert.equal(toTime(toSeconds(1_795_000_000n)), 1_795_000_000n);
});

test('an event that is cancelled no later than it starts never begins, though the cancellation be randomised', () => {
  const planned = { from: UnixSeconds(10), until: UnixSeconds(60) };
  const cut = (at: number): number => cutShort(planned, UnixSeconds(at), UnixSeconds(at + 30)).until;
  assert.deepEqual([cut(5), cut(10), cut(11), cut(50)], [10, 10, 41, 60]);
});
