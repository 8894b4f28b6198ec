import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type EventSink, EventStream } from './event-stream.ts';

/** A listener that keeps what it got; a slow one's writes stay in memory until it drains. */
class Listener implements EventSink {
  readonly got: string[] = [];
  slow = false;
  ended = false;
  destroyed = false;
  drain = (): void => {};
  close = (): void => {};

  get snapshots(): string[] {
    return this.got.flatMap((text) => /^event: snapshot\ndata: (.*)\n\n$/.exec(text)?.[1] ?? []);
  }

  write(text: string): boolean {
    this.got.push(text);
    return !this.slow;
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  onDrain(listener: () => void): void {
    this.drain = listener;
  }

  onClose(listener: () => void): void {
    this.close = listener;
  }
}

function streamOf(t: TestContext, options: { maxClients?: number } = {}) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const state = { value: 0, asked: 0 };
  const stream = new EventStream({
    ...options,
    data: () => {
      state.asked += 1;
      return String(state.value);
    },
  });
  t.after(() => stream[Symbol.dispose]());
  const change = (value: number): void => {
    state.value = value;
    stream.changed();
  };
  return { stream, state, change, tick: (ms: number) => t.mock.timers.tick(ms) };
}

test('a new listener is told how to come back and gets the present state at once', (t) => {
  const { stream } = streamOf(t);
  const listener = new Listener();
  stream.add(listener);
  assert.deepEqual(listener.got, ['retry: 1000\n\n', 'event: snapshot\ndata: 0\n\n']);
});

test('however often the state changes, a listener gets one snapshot in 500 ms, and it is the newest', (t) => {
  const { stream, change, tick } = streamOf(t);
  const listener = new Listener();
  stream.add(listener);
  for (let value = 1; value <= 100; value++) {
    change(value);
    tick(100);
  }
  // 10 s at 500 ms, and the first; each shows the change before it.
  assert.equal(listener.snapshots.length, 21);
  assert.equal(listener.snapshots[1], '5');
  assert.equal(listener.snapshots.at(-1), '100');
});

test('nothing is sent while nothing changes, and a change after a pause goes out at once', (t) => {
  const { stream, change, tick } = streamOf(t);
  const listener = new Listener();
  stream.add(listener);
  tick(5000);
  assert.deepEqual(listener.snapshots, ['0']);
  change(1);
  assert.deepEqual(listener.snapshots, ['0', '1']);
});

test('the state is written once for all listeners', (t) => {
  const { stream, state, change } = streamOf(t);
  const listeners = [new Listener(), new Listener(), new Listener()];
  for (const listener of listeners) stream.add(listener);
  assert.equal(state.asked, 1);
  change(1);
  change(2);
  assert.ok(state.asked <= 3);
});

test('a slow listener skips states until it has drained, then gets the newest only', (t) => {
  const { stream, change, tick } = streamOf(t);
  const listener = new Listener();
  stream.add(listener);
  listener.slow = true;
  tick(500);
  change(1);
  for (let value = 2; value <= 9; value++) {
    change(value);
    tick(500);
  }
  assert.deepEqual(listener.snapshots, ['0', '1']);
  listener.slow = false;
  listener.drain();
  assert.deepEqual(listener.snapshots, ['0', '1', '9']);
});

test('a listener that stays stuck for two heartbeats is dropped; one that drains in time is not', (t) => {
  const { stream, change, tick } = streamOf(t);
  const [stuck, late] = [new Listener(), new Listener()];
  stream.add(stuck);
  stream.add(late);
  stuck.slow = late.slow = true;
  tick(500);
  change(1);
  tick(15_000);
  late.drain();
  tick(15_000);
  assert.equal(stuck.destroyed, true);
  assert.equal(late.destroyed, false);
  assert.equal(stream.size, 1);
});

test('a sign of life goes out every 15 s, as a comment and as an event', (t) => {
  const { stream, tick } = streamOf(t);
  const listener = new Listener();
  stream.add(listener);
  tick(45_000);
  const beats = listener.got.filter((text) => text === ': heartbeat\nevent: heartbeat\ndata: 1\n\n');
  assert.equal(beats.length, 3);
});

test('listeners are bounded, and one that leaves makes room', (t) => {
  const { stream } = streamOf(t, { maxClients: 2 });
  const [first, second, third] = [new Listener(), new Listener(), new Listener()];
  stream.add(first);
  stream.add(second);
  assert.equal(stream.hasRoom, false);
  assert.throws(() => stream.add(third), RangeError);
  first.close();
  assert.equal(stream.hasRoom, true);
  stream.add(third);
  assert.equal(stream.size, 2);
});

test('a listener that left gets nothing more', (t) => {
  const { stream, change, tick } = streamOf(t);
  const listener = new Listener();
  stream.add(listener);
  change(1);
  listener.close();
  change(2);
  tick(60_000);
  assert.deepEqual(listener.snapshots, ['0']);
});

test('disposing ends every stream and lets nobody join', (t) => {
  const { stream } = streamOf(t);
  const listener = new Listener();
  stream.add(listener);
  stream[Symbol.dispose]();
  assert.equal(listener.ended, true);
  assert.equal(stream.hasRoom, false);
  assert.equal(stream.size, 0);
});
