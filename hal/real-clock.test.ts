import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reasonOf } from './errors.ts';
import { RealClock } from './real-clock.ts';
import { UnixSeconds } from './units.ts';
import { machineTime, replaceWallTime } from './wall.ts';

const at = (seconds: number): UnixSeconds => UnixSeconds(1_800_000_000 + seconds);

interface Bench {
  readonly clock: RealClock;
  readonly ran: string[];
  readonly told: string[];
  readonly tick: (seconds: number) => Promise<void>;
}

function bench(): Bench {
  const told: string[] = [];
  const clock = new RealClock({
    onEnd: (name, failure) => failure !== undefined && told.push(`${name} failed: ${reasonOf(failure)}`),
    onSkipped: (name) => told.push(`${name} skipped`),
  });
  const ran: string[] = [];
  const tick = async (seconds: number): Promise<void> => {
    clock.tick(at(seconds));
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  return { clock, ran, told, tick };
}

test('tasks run in their seconds, and in one second phase by phase', async () => {
  const { clock, ran, tick } = bench();
  const every = (name: string, period: number, offset: number, phase: 'field' | 'sample' | 'exchange') =>
    clock.every({ name, period, offset, phase }, (now) => void ran.push(`${name} ${now - at(0)}`));
  every('post', 3, 0, 'exchange');
  every('sample', 1, 0, 'sample');
  using _stopped = every('field', 2, 1, 'field');
  for (const second of [0, 1, 2, 3]) await tick(second);
  assert.deepEqual(
    ran,
    ['sample 0', 'post 0', 'field 1', 'sample 1', 'sample 2', 'field 3', 'sample 3', 'post 3'].toSorted(bySecond),
  );
});

const order = ['field', 'sample', 'post'];
const bySecond = (a: string, b: string): number => {
  const [[nameA = '', secondA], [nameB = '', secondB]] = [a.split(' '), b.split(' ')];
  return Number(secondA) - Number(secondB) || order.indexOf(nameA) - order.indexOf(nameB);
};

test('a task that still runs is left out, and holds back nobody else', async () => {
  const { clock, ran, told, tick } = bench();
  const slow = Promise.withResolvers<void>();
  clock.every({ name: 'slow', period: 1, phase: 'exchange' }, () => slow.promise);
  clock.every({ name: 'sample', period: 1, phase: 'sample' }, (now) => void ran.push(`sample ${now - at(0)}`));
  await tick(0);
  await tick(1);
  assert.deepEqual([ran, told], [['sample 0', 'sample 1'], ['slow skipped']]);
  slow.resolve();
  await tick(2);
  assert.deepEqual(told, ['slow skipped']);
});

test('seconds that were missed count once, and a clock that is set back goes on', async () => {
  const { clock, ran, tick } = bench();
  clock.every({ name: 'post', period: 15, phase: 'exchange' }, (now) => void ran.push(`post ${now - at(0)}`));
  clock.every({ name: 'sample', period: 1, phase: 'sample' }, (now) => void ran.push(`sample ${now - at(0)}`));
  for (const second of [14, 47, 47, 20, 30]) await tick(second);
  assert.deepEqual(ran, ['sample 14', 'sample 47', 'post 47', 'sample 20', 'sample 30', 'post 30']);
});

test('a task that fails is told, and runs again', async () => {
  const { clock, told, tick } = bench();
  let runs = 0;
  using timer = clock.every({ name: 'bad', period: 1, phase: 'sample' }, () => {
    runs++;
    throw new Error('no');
  });
  await tick(0);
  await tick(1);
  assert.deepEqual([runs, told], [2, ['bad failed: no', 'bad failed: no']]);
  timer[Symbol.dispose]();
  await tick(2);
  assert.equal(runs, 2);
});

test('it runs by the wall until it is told to stop, and waits for what is under way', async () => {
  const { clock } = bench();
  const stop = new AbortController();
  let isDone = false;
  clock.every({ name: 'sample', period: 1, phase: 'sample' }, async (now) => {
    assert.ok(Math.abs(now - clock.now()) <= 1);
    stop.abort(new Error('enough'));
    await new Promise((resolve) => setImmediate(resolve));
    isDone = true;
  });
  await clock.run(stop.signal);
  assert.ok(isDone);
});

test('no second is left out, however early its timer fires and however long a look at the clock takes', async () => {
  let ms = 1_800_000_000_123;
  let looks = 0;
  using _wall = replaceWallTime({
    ...machineTime,
    // Each look comes a little later; what it shows is whole milliseconds.
    unixMs: () => Math.floor((ms += 0.17)),
    after: (wait, task) => {
      ms += Math.max(0, wait - ((looks++ * 0.13) % 1));
      queueMicrotask(task);
      return { [Symbol.dispose]: () => undefined };
    },
  });
  const clock = new RealClock({ onEnd: () => undefined, onSkipped: () => undefined });
  const seen: number[] = [];
  const stopping = new AbortController();
  clock.every({ name: 'sample', period: 1, phase: 'sample' }, (now) => {
    seen.push(now);
    if (seen.length === 500) stopping.abort();
  });
  await clock.run(stopping.signal);
  assert.deepEqual(
    seen,
    seen.map((_, i) => (seen[0] ?? 0) + i),
  );
});
