import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RealClock } from '../real-clock.ts';
import { deadline, delay, everyWall, monotonicMs, replaceWallTime, wallMs, wallSeconds } from '../wall.ts';
import { VirtualWall } from './virtual-wall.ts';

const unixMs = 1_000_000_500;

test('what is due goes by time, at one time by rank, and then in the order in which it was asked for', async () => {
  const wall = new VirtualWall({ unixMs });
  const done: string[] = [];
  const note = (name: string) => (): void => void done.push(`${name} ${wall.monotonicMs()}`);
  wall.after(20, note('timer'));
  wall.at(20, note('recorded'), 7);
  wall.at(20, note('earlier'), -1);
  wall.after(20, note('second timer'));
  wall.at(5, note('first'));
  wall.after(10, note('never'))[Symbol.dispose]();
  await wall.runTo(20);
  assert.deepEqual(done, ['first 5', 'earlier 20', 'timer 20', 'second timer 20', 'recorded 20']);
});

test('time stands still while work is under way, however long its chain of promises', async () => {
  const wall = new VirtualWall({ unixMs });
  const seen: number[] = [];
  wall.at(10, () => {
    const work = async (): Promise<void> => {
      for (let i = 0; i < 1000; i++) await Promise.resolve();
      seen.push(wall.monotonicMs());
    };
    work().catch(assert.fail);
  });
  wall.at(11, () => seen.push(-1));
  await wall.runTo(11);
  assert.deepEqual(seen, [10, -1]);
});

test('a process that lives by it has its clocks and timers, and its own again afterwards', async () => {
  const wall = new VirtualWall({ unixMs });
  const seen: string[] = [];
  {
    using _time = replaceWallTime(wall);
    assert.throws(() => replaceWallTime(wall), RangeError);
    assert.deepEqual([wallMs(), wallSeconds(), monotonicMs()], [unixMs, 1_000_000, 0]);
    deadline(30, () => seen.push(`deadline ${monotonicMs()}`));
    using _every = everyWall(20, () => seen.push(`every ${monotonicMs()}`));
    delay(50).then(() => seen.push(`delay ${wallMs() - unixMs}`), assert.fail);
    await wall.runTo(50);
    wall.setUnixMs(5000);
    assert.deepEqual([wallMs(), monotonicMs()], [5000, 50]);
  }
  assert.deepEqual(seen, ['every 20', 'deadline 30', 'every 40', 'delay 50']);
  assert.ok(wallMs() > 1_600_000_000_000);
});

test('the clock of a real board runs by it, second by second', async () => {
  const wall = new VirtualWall({ unixMs });
  using _time = replaceWallTime(wall);
  const clock = new RealClock({ onEnd: () => undefined, onSkipped: assert.fail });
  const seconds: number[] = [];
  clock.every({ name: 'test', period: 1, phase: 'sample' }, (now) => void seconds.push(now));
  const stopping = new AbortController();
  const running = clock.run(stopping.signal);
  await wall.runTo(3_000);
  stopping.abort();
  await running;
  assert.deepEqual(seconds, [1_000_001, 1_000_002, 1_000_003]);
});

test('with a speed it takes its time', async () => {
  const before = monotonicMs();
  await new VirtualWall({ unixMs, speed: 100 }).runTo(2_000);
  assert.ok(monotonicMs() - before >= 19, 'two seconds at a hundred times are twenty milliseconds');
});
