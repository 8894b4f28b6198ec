import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Phase, phases } from '../clock.ts';
import { UnixSeconds } from '../units.ts';
import { monotonicMs } from '../wall.ts';
import { LockstepLeader, type Participant } from './lockstep.ts';
import { type Moment, VirtualClock } from './virtual-clock.ts';

interface Timer {
  readonly period: number;
  readonly phase: Phase;
}

const participant = (name: string, timers: readonly Timer[], log: { at: number; phase: number; who: string }[]) => {
  const clock = new VirtualClock(UnixSeconds(0));
  for (const { period, phase } of timers) {
    clock.every({ name, period, phase }, async (now) => {
      await new Promise(setImmediate);
      log.push({ at: now, phase: phases.indexOf(phase), who: name });
    });
  }
  const self: Participant = {
    name,
    async runUntil(bound: Moment) {
      await clock.runUntil(bound);
      return clock.next();
    },
  };
  return { participant: self, next: clock.next() };
};

test('nobody acts before another who is due earlier, and everything up to the end is done', async () => {
  const timer = fc.record({ period: fc.integer({ min: 1, max: 12 }), phase: fc.constantFrom(...phases) });
  const timers = fc.array(timer, { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(timers, timers, timers, async (a, b, c) => {
      const log: { at: number; phase: number; who: string }[] = [];
      const all = [participant('a', a, log), participant('b', b, log), participant('c', c, log)];
      const leader = new LockstepLeader(all, { start: UnixSeconds(0), end: UnixSeconds(30), speed: 'max' });
      await leader.run(new AbortController().signal);
      for (const [i, entry] of log.entries()) {
        const previous = log[i - 1];
        if (previous !== undefined) assert.ok(entry.at * 10 + entry.phase >= previous.at * 10 + previous.phase);
      }
      const expected = [...a, ...b, ...c].reduce((sum, { period }) => sum + Math.floor(30 / period) + 1, 0);
      assert.equal(log.length, expected);
    }),
    { numRuns: 30 },
  );
});

test('an abort ends the run after the work under way', async () => {
  const stopping = new AbortController();
  const log: { at: number; phase: number; who: string }[] = [];
  const { participant: self, next } = participant('a', [{ period: 1, phase: 'sample' }], log);
  const counting: Participant = {
    name: 'a',
    runUntil: (bound) => {
      if (bound.time >= 3) stopping.abort();
      return self.runUntil(bound);
    },
  };
  const leader = new LockstepLeader([{ participant: counting, next }], { start: UnixSeconds(0), speed: 1000 });
  await leader.run(stopping.signal);
  assert.deepEqual(
    log.map((entry) => entry.at),
    [0, 1, 2],
  );
});

test('at a speed a moment comes when it has come by the wall clock, and an abort ends the wait for it', async () => {
  const stopping = new AbortController();
  const log: { at: number; phase: number; who: string }[] = [];
  const { participant: self, next } = participant('a', [{ period: 1, phase: 'sample' }], log);
  const startedMs = monotonicMs();
  await new LockstepLeader([{ participant: self, next }], {
    start: UnixSeconds(0),
    end: UnixSeconds(3),
    speed: 100,
  }).run(stopping.signal);
  assert.ok(monotonicMs() - startedMs >= 30, 'three seconds at a hundredfold speed');
  // The next moment is an hour away.
  const slow = { start: UnixSeconds(3), speed: 1 / 3600 };
  const waiting = new LockstepLeader([{ participant: self, next: { time: 4, phase: 0 } }], slow).run(stopping.signal);
  setImmediate(() => stopping.abort());
  await waiting;
  assert.deepEqual(
    log.map((entry) => entry.at),
    [0, 1, 2, 3],
  );
});

test('a participant that fails ends the run with its error', async () => {
  const failing: Participant = { name: 'a', runUntil: () => Promise.reject(new Error('gone')) };
  const leader = new LockstepLeader([{ participant: failing, next: { time: 0, phase: 0 } }], {
    start: UnixSeconds(0),
    speed: 'max',
  });
  await assert.rejects(leader.run(new AbortController().signal), /gone/);
});
