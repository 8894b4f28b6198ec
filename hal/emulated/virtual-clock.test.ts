import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Phase } from '../clock.ts';
import { UnixSeconds } from '../units.ts';
import { before, never, phaseIndex, VirtualClock } from './virtual-clock.ts';

const until = (time: number): { time: number; phase: number } => ({ time, phase: 0 });

test('a timer runs at the multiples of its period, shifted by its offset', async () => {
  const clock = new VirtualClock(UnixSeconds(1007));
  const seen: number[] = [];
  clock.every({ name: 'a', period: 15, offset: 5, phase: 'sample' }, (now) => void seen.push(now));
  await clock.runUntil(until(1056));
  assert.deepEqual(seen, [1010, 1025, 1040, 1055]);
  assert.equal(clock.now(), 1055);
});

test('a timer that is due at the present instant runs in it', async () => {
  const clock = new VirtualClock(UnixSeconds(30));
  const seen: number[] = [];
  clock.every({ name: 'a', period: 15, phase: 'sample' }, (now) => void seen.push(now));
  await clock.runUntil(until(31));
  assert.deepEqual(seen, [30]);
});

test('within an instant the phases run in order, whatever the order of registration', async () => {
  const names: Phase[] = ['open', 'field', 'sample', 'exchange', 'close'];
  const shuffles = fc.shuffledSubarray(names, { minLength: names.length });
  await fc.assert(
    fc.asyncProperty(shuffles, async (order) => {
      const clock = new VirtualClock(UnixSeconds(0));
      const seen: Phase[] = [];
      for (const phase of order) clock.every({ name: phase, period: 10, phase }, () => void seen.push(phase));
      await clock.runUntil(until(1));
      assert.deepEqual(seen, names);
    }),
  );
});

test('time waits for the I/O of a task', async () => {
  const clock = new VirtualClock(UnixSeconds(0));
  const log: string[] = [];
  clock.every({ name: 'slow', period: 10, phase: 'sample' }, async (now) => {
    await new Promise(setImmediate);
    log.push(`slow ${now} done at ${clock.now()}`);
  });
  await clock.runUntil(until(11));
  assert.deepEqual(log, ['slow 0 done at 0', 'slow 10 done at 10']);
});

test('a disposed timer does not run again, and may dispose itself', async () => {
  const clock = new VirtualClock(UnixSeconds(0));
  let runs = 0;
  const timer = clock.every({ name: 'once', period: 1, phase: 'sample' }, () => {
    runs++;
    timer[Symbol.dispose]();
  });
  await clock.runUntil(until(5));
  timer[Symbol.dispose]();
  assert.equal(runs, 1);
  assert.equal(clock.next(), never);
});

test('a failing task stops the run and is not swallowed', async () => {
  const clock = new VirtualClock(UnixSeconds(0));
  clock.every({ name: 'bad', period: 1, phase: 'sample' }, () => Promise.reject(new Error('broken')));
  await assert.rejects(clock.runUntil(until(2)), /broken/);
});

test('running in pieces is the same as running at once', async () => {
  const schedule = fc.record({
    period: fc.integer({ min: 1, max: 20 }),
    offset: fc.integer({ min: 0, max: 20 }),
    phase: fc.constantFrom<Phase>('field', 'sample', 'close'),
  });
  const run = async (
    timers: readonly { period: number; offset: number; phase: Phase }[],
    bounds: readonly number[],
  ): Promise<string[]> => {
    const clock = new VirtualClock(UnixSeconds(0));
    const seen: string[] = [];
    for (const [i, timer] of timers.entries())
      clock.every({ name: `${i}`, ...timer }, (now) => void seen.push(`${now}/${timer.phase}/${i}`));
    for (const bound of bounds) await clock.runUntil(until(bound));
    return seen;
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(schedule, { maxLength: 6 }),
      fc.array(fc.integer({ min: 0, max: 60 })),
      async (timers, cuts) => {
        assert.deepEqual(await run(timers, [...cuts.toSorted((a, b) => a - b), 60]), await run(timers, [60]));
      },
    ),
  );
});

test('setNow moves time on but never back, and a period must be a whole second', () => {
  const clock = new VirtualClock(UnixSeconds(100));
  clock.setNow(UnixSeconds(120));
  clock.setNow(UnixSeconds(110));
  assert.equal(clock.now(), 120);
  assert.throws(() => clock.every({ name: 'x', period: 0, phase: 'open' }, () => undefined), RangeError);
});

test('moments are ordered by time, then phase', () => {
  assert.ok(before({ time: 1, phase: 4 }, { time: 2, phase: 0 }));
  assert.ok(before({ time: 2, phase: phaseIndex('sample') }, { time: 2, phase: phaseIndex('exchange') }));
  assert.ok(!before(never, never));
});
