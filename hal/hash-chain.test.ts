import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { asyncProperty, assert as check, constantFrom, nat, record, string } from 'fast-check';
import {
  type ChainEntry,
  chainLine,
  type ChainOptions,
  emptyHead,
  HashChain,
  verifyChain,
  verifyChainFile,
} from './hash-chain.ts';

async function chain(t: TestContext, options: ChainOptions = {}): Promise<HashChain> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  return new HashChain(join(folder, 'log'), 'test', options);
}

const fileOf = ({ folder, name }: HashChain): string => join(folder, `${name}-0000000000.jsonl`);

async function entriesOf(log: HashChain): Promise<ChainEntry[]> {
  const reader = log.reader();
  const all: ChainEntry[] = [];
  for (let next = await reader.next(); next.length > 0; next = await reader.next()) all.push(...next);
  return all;
}

test('what was appended, at once or after another, is read in that order and holds', async (t) => {
  const log = await chain(t);
  await Promise.all(Array.from({ length: 300 }, (_, i) => log.append({ what: 'count', i })));
  const last = await log.append({ what: 'end', note: 'ü"\n\u2028', list: ['a', 1, true] });
  const entries = await entriesOf(log);
  assert.deepEqual(
    entries.slice(0, 300).map((entry) => entry['i']),
    [...Array(300).keys()],
  );
  assert.deepEqual(entries.at(-1), last);
  assert.deepEqual(await verifyChain(log.folder, log.name), { seq: 300, hash: last.hash, first: 0 });
  assert.equal((await stat(fileOf(log))).mode & 0o777, 0o600);
});

test('a reader sees what is appended after it had come to the end', async (t) => {
  const log = await chain(t);
  const reader = log.reader();
  assert.deepEqual(await reader.next(), []);
  for (const i of [0, 1, 2]) {
    await log.append({ what: 'count', i });
    assert.deepEqual(
      (await reader.next()).map((entry) => entry['i']),
      [i],
    );
    assert.deepEqual(await reader.next(), []);
  }
});

test('two programs that append to one log make one chain', async (t) => {
  const log = await chain(t);
  const other = new HashChain(log.folder, log.name);
  for (let i = 0; i < 20; i++) await Promise.all([log.append({ what: 'a', i }), other.append({ what: 'b', i })]);
  assert.equal((await verifyChain(log.folder, log.name)).seq, 39);
});

test('a log of several files is one chain, and none of them can be taken away', async (t) => {
  const log = await chain(t);
  const note = 'x'.repeat(40_000);
  await Promise.all(Array.from({ length: 250 }, () => log.append({ what: 'big', note })));
  await log.append({ what: 'last' });
  const files = (await readdir(log.folder)).filter((name) => name.endsWith('.jsonl')).toSorted();
  assert.ok(files.length >= 2, files.join());
  assert.equal((await verifyChain(log.folder, log.name)).seq, 250);
  const reopened = new HashChain(log.folder, log.name);
  assert.equal((await reopened.append({ what: 'more' })).seq, 251);
  for (const file of files) {
    const path = join(log.folder, file);
    const kept = await readFile(path);
    await rm(path);
    await assert.rejects(verifyChain(log.folder, log.name), { code: 'GTX-CHN-001' }, file);
    await writeFile(path, kept);
  }
  await verifyChain(log.folder, log.name);
});

test('any edit, cut or reordering of the lines is found', async (t) => {
  const log = await chain(t);
  for (let i = 0; i < 6; i++) await log.append({ what: 'count', i });
  const whole = await readFile(fileOf(log));
  const lines = whole.toString().trimEnd().split('\n');
  const edit = constantFrom('flip', 'delete', 'insert', 'swap', 'drop', 'repeat', 'cut');
  await check(
    asyncProperty(record({ edit, at: nat(), other: nat(), text: string({ minLength: 1 }) }), async (how) => {
      const { at, other, text } = how;
      const changed = edited(how.edit, { whole, lines, at, other, text });
      if (changed.equals(whole)) return;
      await writeFile(fileOf(log), changed);
      await assert.rejects(verifyChain(log.folder, log.name), { code: 'GTX-CHN-001' });
    }),
    { numRuns: 300 },
  );
});

interface Edit {
  readonly whole: Buffer;
  readonly lines: readonly string[];
  readonly at: number;
  readonly other: number;
  readonly text: string;
}

function edited(how: string, { whole, lines, at, other, text }: Edit): Buffer {
  const octet = at % whole.length;
  const [line, second] = [at % lines.length, other % lines.length];
  const joined = (changed: readonly string[]): Buffer => Buffer.from(changed.map((one) => `${one}\n`).join(''));
  if (how === 'flip') {
    const copy = Buffer.from(whole);
    copy[octet]! ^= 1 + (other % 255);
    return copy;
  }
  if (how === 'insert') return Buffer.concat([whole.subarray(0, octet), Buffer.from(text), whole.subarray(octet)]);
  if (how === 'delete') return Buffer.concat([whole.subarray(0, octet), whole.subarray(octet + 1)]);
  if (how === 'cut') return whole.subarray(0, octet);
  if (how === 'drop') return joined(lines.toSpliced(line, 1));
  if (how === 'repeat') return joined(lines.toSpliced(line, 0, lines[line]!));
  return joined(lines.with(line, lines[second]!).with(second, lines[line]!));
}

test('a chain that was written anew as a whole is found by a head that was kept elsewhere', async (t) => {
  const log = await chain(t);
  const { hash } = await log.append({ what: 'true' });
  assert.equal((await verifyChain(log.folder, log.name, hash)).hash, hash);
  const forged = chainLine(emptyHead, '2026-01-01T00:00:00Z', { what: 'false' });
  await writeFile(fileOf(log), `${forged}\n`);
  const head = { seq: 0, hash: (JSON.parse(forged) as ChainEntry).hash };
  await writeFile(join(log.folder, 'test.head'), JSON.stringify(head));
  assert.deepEqual(await verifyChain(log.folder, log.name), { ...head, first: 0 });
  await assert.rejects(verifyChain(log.folder, log.name, hash), { code: 'GTX-CHN-001' });
});

test('after a crash in the midst of a line the log goes on before it', async (t) => {
  const log = await chain(t);
  await log.append({ what: 'first' });
  await appendFile(fileOf(log), '{"seq":1,"ti');
  await assert.rejects(verifyChain(log.folder, log.name), { code: 'GTX-CHN-001', message: /does not end/ });
  const reopened = new HashChain(log.folder, log.name);
  assert.equal((await reopened.append({ what: 'second' })).seq, 1);
  assert.equal((await verifyChain(log.folder, log.name)).seq, 1);
});

test('nothing is appended to a log that was cut', async (t) => {
  const log = await chain(t);
  await log.append({ what: 'first' });
  const { size } = await stat(fileOf(log));
  await log.append({ what: 'second' });
  await truncate(fileOf(log), size);
  await assert.rejects(new HashChain(log.folder, log.name).append({ what: 'third' }), { code: 'GTX-CHN-001' });
  await assert.rejects(log.append({ what: 'third' }), { code: 'GTX-CHN-001' });
});

test('files beyond those that are kept go to the archive, and both are one chain that reopens and holds', async (t) => {
  const options = { segmentOctets: 600, keptSegments: 2 };
  const log = await chain(t, options);
  for (let i = 0; i < 20; i++) await log.append({ what: 'count', i });
  const archive = join(log.folder, 'archive');
  const live = (await readdir(log.folder)).filter((name) => name.endsWith('.jsonl'));
  const archived = (await readdir(archive)).toSorted();
  assert.equal(live.length, 2);
  assert.ok(archived.length > 3, archived.join());
  const reopened = new HashChain(log.folder, log.name, options);
  await reopened.append({ what: 'more' });
  assert.equal((await entriesOf(log)).at(-1)?.seq, 20);
  const whole = await verifyChain(log.folder, log.name);
  assert.deepEqual([whole.first, whole.seq], [0, 20]);

  // What the program was killed in the midst of moving is read where it lies.
  const last = archived.at(-1)!;
  await rename(join(archive, last), join(log.folder, last));
  assert.deepEqual(await verifyChain(log.folder, log.name), whole);
  await rename(join(log.folder, last), join(archive, last));

  for (const file of [...archived.slice(1).map((name) => join(archive, name)), join(log.folder, live.toSorted()[0]!)]) {
    const kept = await readFile(file);
    await rm(file);
    await assert.rejects(verifyChain(log.folder, log.name), { code: 'GTX-CHN-001' }, file);
    await writeFile(file, kept);
  }
  // The oldest may be taken away; the answer says from where on it speaks.
  await rm(join(archive, archived[0]!));
  assert.ok((await verifyChain(log.folder, log.name)).first > 0);
});

test('a file of a log holds or does not without the others', async (t) => {
  const log = await chain(t, { segmentOctets: 600 });
  for (let i = 0; i < 12; i++) await log.append({ what: 'count', i });
  const files = (await readdir(log.folder)).filter((name) => name.endsWith('.jsonl')).toSorted();
  let next = 0;
  for (const name of files) {
    const path = join(log.folder, name);
    const { first, last } = await verifyChainFile(path);
    assert.equal(first, next);
    next = last.seq + 1;
    await verifyChainFile(path, last.hash);
    const text = await readFile(path, 'utf8');
    const lines = text.trimEnd().split('\n');
    await writeFile(path, `${lines.slice(0, -1).join('\n')}\n`);
    await assert.rejects(verifyChainFile(path, last.hash), { code: 'GTX-CHN-001' }, 'cut at its end');
    await writeFile(path, text.replace(/"i":\d+/, '"i":99'));
    await assert.rejects(verifyChainFile(path), { code: 'GTX-CHN-001' }, 'edited');
    if (lines.length > 2) {
      await writeFile(path, `${lines.toSpliced(1, 1).join('\n')}\n`);
      await assert.rejects(verifyChainFile(path), { code: 'GTX-CHN-001' }, 'a line taken away');
    }
    await writeFile(path, 'nonsense\n');
    await assert.rejects(verifyChainFile(path), { code: 'GTX-CHN-001' }, 'no log');
  }
  assert.equal(next, 12);
});
