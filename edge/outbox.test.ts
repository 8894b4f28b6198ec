import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { type ChannelValues, channelNames } from '#ieee2030_5/ext/channels.ts';
import { Outbox, type Posting } from './outbox.ts';
import { OutboxFile } from './outbox-file.ts';

const values = (value: number): ChannelValues =>
  Object.fromEntries(channelNames.map((name) => [name, value])) as unknown as ChannelValues;

const temporary = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-outbox-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'outbox.db');
};

const posting = (start: number): Posting => ({ start: UnixSeconds(start), duration: 15, values: values(7) });

/** Sends everything, oldest first; answers the starts. */
function drain(outbox: Outbox): number[] {
  const seen: number[] = [];
  for (let next = outbox.oldest(); next !== undefined; next = outbox.oldest()) {
    seen.push(next.start);
    outbox.acknowledge(next);
  }
  return seen;
}

test('postings leave in the order in which they came, each once', async (t) => {
  using file = new OutboxFile(temporary(t));
  const outbox = new Outbox(file, 'A', channelNames);
  for (const start of [0, 15, 30]) await outbox.append(posting(start), {});
  assert.deepEqual(drain(outbox), [0, 15, 30]);
  assert.deepEqual(outbox.totals, { queued: 27, acknowledged: 27, dropped: 0, refused: 0 });
});

test('boards share a file and do not see each other', async (t) => {
  using file = new OutboxFile(temporary(t));
  const [a, b] = [new Outbox(file, 'A', channelNames), new Outbox(file, 'B', channelNames)];
  await Promise.all([a.append(posting(0), { of: 'A' }), b.append(posting(15), { of: 'B' })]);
  assert.deepEqual([drain(a), drain(b)], [[0], [15]]);
  assert.deepEqual([a.state('of'), b.state('of')], ['A', 'B']);
});

test('what is not acknowledged, the state kept with it, and the totals survive a restart', async (t) => {
  const path = temporary(t);
  {
    using file = new OutboxFile(path);
    const outbox = new Outbox(file, 'A', channelNames);
    await outbox.append(posting(0), { registers: { importWh: 5 } });
    await outbox.append(posting(15), { registers: { importWh: 6 } });
    outbox.acknowledge(outbox.oldest()!);
    await outbox.save();
  }
  using file = new OutboxFile(path);
  const outbox = new Outbox(file, 'A', channelNames);
  assert.equal(outbox.size, 1);
  assert.equal(outbox.oldest()?.start, 15);
  assert.deepEqual(outbox.state('registers'), { importWh: 6 });
  assert.deepEqual(outbox.totals, { queued: 18, acknowledged: 9, dropped: 0, refused: 0 });
});

test('a crash right after an acknowledgement sends that posting once more, and loses none', async (t) => {
  const path = temporary(t);
  using killed = new OutboxFile(path);
  const first = new Outbox(killed, 'A', channelNames);
  for (const start of [0, 15]) {
    await first.append(posting(start), {});
    first.acknowledge(first.oldest()!);
  }
  // Not closed: the file is what a killed process leaves.
  using file = new OutboxFile(path);
  const second = new Outbox(file, 'A', channelNames);
  assert.equal(second.oldest()?.start, 15);
  assert.deepEqual(second.totals, { queued: 18, acknowledged: 9, dropped: 0, refused: 0 });
});

test('a long outage waits in the file and leaves it in order, postings made meanwhile last', async (t) => {
  using file = new OutboxFile(temporary(t));
  const outbox = new Outbox(file, 'A', channelNames);
  const starts = Array.from({ length: 700 }, (_, i) => i * 15);
  for (const start of starts) await outbox.append(posting(start), {});
  for (const _ of starts.slice(0, 300)) outbox.acknowledge(outbox.oldest()!);
  await outbox.append(posting(10_500), {});
  assert.deepEqual(drain(outbox), [...starts.slice(300), 10_500]);
});

test('a full outbox gives up its oldest posting, and counts it', async (t) => {
  using file = new OutboxFile(temporary(t));
  const outbox = new Outbox(file, 'A', channelNames, 2);
  for (const start of [0, 15, 30]) await outbox.append(posting(start), {});
  assert.equal(outbox.oldest()?.start, 15);
  assert.equal(outbox.size, 2);
  assert.equal(outbox.totals.dropped, 9);
});

test('a posting that the head-end will not take is counted and does not keep the others waiting', async (t) => {
  using file = new OutboxFile(temporary(t));
  const outbox = new Outbox(file, 'A', channelNames);
  for (const start of [0, 15]) await outbox.append(posting(start), {});
  outbox.refuse(outbox.oldest()!);
  assert.deepEqual(drain(outbox), [15]);
  assert.deepEqual(outbox.totals, { queued: 18, acknowledged: 9, dropped: 0, refused: 9 });
  assert.equal(outbox.acknowledgedThrough, 30);
});

test('a channel without a value is neither posted nor counted', async (t) => {
  using file = new OutboxFile(temporary(t));
  const outbox = new Outbox(file, 'A', channelNames);
  await outbox.append({ ...posting(0), values: { ...values(1), stateOfCharge: undefined } }, {});
  assert.equal(outbox.oldest()?.values.stateOfCharge, undefined);
  assert.equal(outbox.totals.queued, 8);
});

test('a file that cannot be opened says so with its code', (t) => {
  assert.throws(
    () => new OutboxFile(join(temporary(t), 'missing', 'outbox.db')),
    (error) => error instanceof GridError && error.code === 'GTX-OUT-001',
  );
});
