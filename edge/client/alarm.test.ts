import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { UnixSeconds } from '#hal/units.ts';
import { Alarm } from './alarm.ts';
import { backoffSeconds } from './backoff.ts';

test('an alarm rings once, when it was set for last, and may set itself again', async () => {
  const clock = new VirtualClock(UnixSeconds(1_000));
  const rang: number[] = [];
  using alarm: Alarm = new Alarm(clock, 'test', 'exchange', async (now) => {
    rang.push(now);
    if (now === 1_007) alarm.set(1_030);
  });
  alarm.set(1_010);
  alarm.hasten(1_007);
  alarm.hasten(1_020);
  await clock.runUntil({ time: 1_100, phase: 0 });
  assert.deepEqual(rang, [1_007, 1_030]);
  alarm.set(500);
  assert.equal(alarm.at, clock.now());
  alarm.set(undefined);
  await clock.runUntil({ time: 1_200, phase: 0 });
  assert.deepEqual([rang.length, alarm.at], [2, undefined]);
});

test('back-off doubles, is spread over half of itself, and ends at its cap', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2_000 }), fc.integer(), (failures, seed) => {
      const whole = Math.min(900, 5 * 2 ** (failures - 1));
      const seconds = backoffSeconds({ first: 5, cap: 900 }, failures, seed);
      assert.ok(Number.isInteger(seconds) && seconds >= whole / 2 && seconds <= whole + 1, `${seconds} of ${whole}`);
    }),
  );
  assert.ok(
    new Set(Array.from({ length: 50 }, (_, seed) => backoffSeconds({ first: 5, cap: 900 }, 9, seed))).size > 20,
  );
});
