import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { ClientFile } from './client/client-file.ts';
import { Outbox } from './outbox.ts';
import type { Posting } from './posting.ts';
import { OutboxFile } from './outbox-file.ts';

const board = 'B';
const names = ['a', 'b'] as const;
type Name = (typeof names)[number];
const posting = (start: number): Posting<Name> => ({
  start: UnixSeconds(start),
  duration: 15,
  values: { a: start, b: undefined },
});
const post = (subject: string) => ({ href: 'https://s/rsp', device: 'L', subject, status: 1, body: `<${subject}/>` });

/** A place for a file, and what is in the way of it. */
function blockedPlace(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-absent-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const place = join(folder, 'boards');
  return {
    path: join(place, 'outbox.db'),
    block: () => writeFileSync(place, ''),
    free: () => rmSync(place, { recursive: true }),
  };
}

test('an outbox that is absent keeps nothing, and counts what it was not given to keep before what it has kept', async (t) => {
  const { path, block, free } = blockedPlace(t);
  block();
  using file = new OutboxFile(path, undefined, { mayBeAbsent: true });
  const outbox = new Outbox(file, board, names);
  assert.deepEqual([outbox.isOpen, outbox.isNew, outbox.size], [false, false, 0]);
  await assert.rejects(outbox.append(posting(100), {}), { code: 'GTX-OUT-001' });
  outbox.giveUp(posting(100));
  await assert.rejects(outbox.save(), { code: 'GTX-OUT-001' });
  assert.throws(() => outbox.open(), { code: 'GTX-OUT-001' });
  assert.deepEqual(outbox.totals, { queued: 1, acknowledged: 0, dropped: 1, refused: 0 });
  free();
  outbox.open();
  assert.deepEqual([outbox.isOpen, outbox.isNew], [true, true]);
  await outbox.append(posting(115), { key: 7 });
  assert.deepEqual(outbox.totals, { queued: 2, acknowledged: 0, dropped: 1, refused: 0 });
  assert.deepEqual(outbox.report().gaps, [{ from: 100, until: 115, why: 'not kept' }]);
});

test('what a file kept goes before what was counted while it was absent', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-absent-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'outbox.db');
  {
    using file = new OutboxFile(path);
    const outbox = new Outbox(file, board, names);
    await outbox.append(posting(100), { key: 1 });
    await outbox.append(posting(115), { key: 2 });
    outbox.acknowledge(outbox.oldest()!);
    await outbox.save();
    const memory = new Map([
      ['name', 'old'],
      ['other', 'old'],
    ]);
    await new ClientFile(file, board).remember(memory, [post('FIRST')]);
  }
  const moved = `${path}.elsewhere`;
  renameSync(path, moved);
  mkdirSync(path);
  using file = new OutboxFile(path, undefined, { mayBeAbsent: true });
  const outbox = new Outbox(file, board, names);
  outbox.giveUp(posting(200));
  const client = new ClientFile(file, board);
  await client.remember(new Map([['name', 'new']]), [post('SECOND'), post('THIRD')]);
  assert.equal(client.nextPost()?.subject, 'SECOND');
  assert.equal(client.waitingPosts, 2);
  rmdirSync(path);
  renameSync(moved, path);
  outbox.open();
  assert.equal(outbox.state('key'), 2);
  await outbox.append(posting(215), { key: 3 });
  assert.deepEqual(outbox.totals, { queued: 4, acknowledged: 1, dropped: 1, refused: 0 });
  assert.deepEqual(
    outbox.waiting.map(({ start, sequence }) => [start, sequence]),
    [
      [115, 2],
      [215, 3],
    ],
  );
  assert.deepEqual(outbox.report().gaps, [
    { from: 130, until: 200, why: 'not measured' },
    { from: 200, until: 215, why: 'not kept' },
  ]);
  const subjects: string[] = [];
  for (let next = client.nextPost(); next !== undefined; next = client.nextPost()) {
    subjects.push(next.subject);
    await client.finishPost(next);
  }
  assert.deepEqual(subjects, ['FIRST', 'SECOND', 'THIRD']);
  assert.deepEqual(Object.fromEntries(client.memory()), { name: 'new', other: 'old' });
});

test('two outboxes of one file find it together', async (t) => {
  const { path, block, free } = blockedPlace(t);
  block();
  using file = new OutboxFile(path, undefined, { mayBeAbsent: true });
  const [first, second] = [new Outbox(file, 'one', names), new Outbox(file, 'two', names)];
  free();
  first.open();
  await second.append(posting(100), {});
  assert.deepEqual([second.isOpen, second.size], [true, 1]);
});
