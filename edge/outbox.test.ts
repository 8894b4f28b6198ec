import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { type ChannelValues, channelNames } from '#ieee2030_5/ext/channels.ts';
import { Outbox } from './outbox.ts';

const values = (value: number | undefined): ChannelValues =>
  Object.fromEntries(channelNames.map((name) => [name, value])) as unknown as ChannelValues;

const temporary = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-outbox-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'board.db');
};

const posting = (start: number, value: number | undefined = 7) => ({
  start: UnixSeconds(start),
  duration: 15,
  values: values(value),
});

test('postings leave in the order in which they came, each once', (t) => {
  using outbox = new Outbox(temporary(t));
  for (const start of [0, 15, 30]) outbox.append(posting(start), {});
  const seen: number[] = [];
  for (let next = outbox.oldest(); next !== undefined; next = outbox.oldest()) {
    seen.push(next.start);
    outbox.acknowledge(next);
  }
  assert.deepEqual(seen, [0, 15, 30]);
  assert.deepEqual(outbox.totals, { queued: 27, acknowledged: 27, dropped: 0 });
});

test('what is not acknowledged, the state kept with it, and the totals survive a restart', (t) => {
  const file = temporary(t);
  const first = new Outbox(file);
  first.append(posting(0), { registers: { importWh: 5 } });
  first.append(posting(15), { registers: { importWh: 6 } });
  const oldest = first.oldest();
  assert.ok(oldest !== undefined);
  first.acknowledge(oldest);
  first[Symbol.dispose]();
  using second = new Outbox(file);
  assert.equal(second.size, 1);
  assert.equal(second.oldest()?.start, 15);
  assert.deepEqual(second.state('registers'), { importWh: 6 });
  assert.deepEqual(second.totals, { queued: 18, acknowledged: 9, dropped: 0 });
});

test('a long outage waits in the file and leaves it in order', (t) => {
  using outbox = new Outbox(temporary(t));
  const starts = Array.from({ length: 700 }, (_, i) => i * 15);
  for (const start of starts) outbox.append(posting(start), {});
  const seen: number[] = [];
  for (let next = outbox.oldest(); next !== undefined; next = outbox.oldest()) {
    seen.push(next.start);
    outbox.acknowledge(next);
  }
  assert.deepEqual(seen, starts);
});

test('a crash right after an acknowledgement sends that posting once more, and loses none', (t) => {
  const file = temporary(t);
  const first = new Outbox(file);
  first.append(posting(0), {});
  first.acknowledge(first.oldest()!);
  first.append(posting(15), {});
  first.acknowledge(first.oldest()!);
  // No dispose: the file is what a killed process leaves.
  using second = new Outbox(file);
  assert.equal(second.oldest()?.start, 15);
  assert.deepEqual(second.totals, { queued: 18, acknowledged: 9, dropped: 0 });
});

test('a full outbox gives up its oldest posting, and counts it', (t) => {
  using outbox = new Outbox(temporary(t), 2);
  for (const start of [0, 15, 30]) outbox.append(posting(start), {});
  assert.equal(outbox.oldest()?.start, 15);
  assert.equal(outbox.size, 2);
  assert.equal(outbox.totals.dropped, 9);
});

test('a channel without a value is neither posted nor counted', (t) => {
  using outbox = new Outbox(temporary(t));
  outbox.append({ ...posting(0), values: { ...values(1), stateOfCharge: undefined } }, {});
  assert.equal(outbox.oldest()?.values.stateOfCharge, undefined);
  assert.equal(outbox.totals.queued, 8);
});

test('a file that cannot be opened says so with its code', (t) => {
  const file = join(temporary(t), 'missing', 'board.db');
  assert.throws(
    () => new Outbox(file),
    (error) => error instanceof GridError && error.code === 'GTX-OUT-001',
  );
});
