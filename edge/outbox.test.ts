import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { type ChannelValues, channelNames } from '#ieee2030_5/ext/channels.ts';
import { Outbox } from './outbox.ts';
import type { Posting } from './posting.ts';
import { defaultRetention } from './outbox-aging.ts';
import { OutboxFile } from './outbox-file.ts';

const values = (value: number): ChannelValues =>
  Object.fromEntries(channelNames.map((name) => [name, value])) as unknown as ChannelValues;

const temporary = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-outbox-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'outbox.db');
};

const posting = (start: number): Posting => ({ start: UnixSeconds(start), duration: 15, values: values(7) });

/** A log whose errors are kept. */
const telling = (told: string[]): Log =>
  ({ error: (details: object) => void told.push(JSON.stringify(details)) }) as unknown as Log;

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
  const outbox = new Outbox(file, 'A', channelNames, { retention: { ...defaultRetention, mostRows: 2 } });
  for (const start of [0, 15, 30]) await outbox.append(posting(start), {});
  assert.equal(outbox.oldest()?.start, 15);
  assert.equal(outbox.size, 2);
  assert.equal(outbox.totals.dropped, 9);
  assert.deepEqual(outbox.report().gaps, [{ from: 0, until: 15, why: 'given up' }]);
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

const day = 86_400;
/** Registers that count on, one posting a quarter of a minute. */
const growing = (start: number): Posting => ({ start: UnixSeconds(start), duration: 15, values: values(start) });
/** Ages after minutes, so that a test need not run for weeks. */
const quick = {
  tiers: [
    { afterDays: 4_000 / day, slotSeconds: 300 },
    { afterDays: 8_000 / day, slotSeconds: 900 },
  ],
  days: 1,
  mostRows: 200_000,
};

test('what waits for long is made coarser: nothing is lost of the registers, and order and time stay', async (t) => {
  using file = new OutboxFile(temporary(t));
  const outbox = new Outbox(file, 'A', channelNames, { retention: quick });
  const ends = 20_400;
  for (let start = 0; start < ends; start += 15) await outbox.append(growing(start), {});
  const { waiting, coarsened, since, gaps } = outbox.report();
  assert.ok(waiting < 256 + 440, `${waiting} rows`);
  assert.deepEqual([since, gaps], [0, []]);
  let end = 0;
  let readings = 0;
  const durations = new Set<number>();
  for (let next = outbox.oldest(); next !== undefined; next = outbox.oldest()) {
    assert.equal(next.start, end, 'without a hole, in order');
    end = next.start + next.duration;
    // A register is what it was at the end of the time that the posting stands for.
    assert.equal(next.values.gridImport, end - 15);
    durations.add(next.duration);
    readings += 9;
    outbox.acknowledge(next);
  }
  assert.equal(end, ends);
  assert.ok(durations.has(15) && durations.has(300) && durations.has(900), [...durations].join());
  assert.equal(outbox.totals.queued, readings + coarsened, 'every reading is accounted for');
});

test('what a restart finds is made coarser as before, and means keep their weight', async (t) => {
  const path = temporary(t);
  const names = ['W'] as const;
  const options = { retention: quick, meanings: new Map([['W', 'mean' as const]]) };
  let sum = 0;
  for (let boot = 0; boot < 3; boot++) {
    using file = new OutboxFile(path);
    const outbox = new Outbox(file, 'A', names, options);
    for (let i = 0; i < 300; i++) {
      const n = boot * 300 + i;
      sum += n * 15;
      await outbox.append({ start: UnixSeconds(n * 15), duration: 15, values: { W: n } }, {});
    }
  }
  using file = new OutboxFile(path);
  const outbox = new Outbox(file, 'A', names, options);
  let weighed = 0;
  let count = 0;
  for (let next = outbox.oldest(); next !== undefined; next = outbox.oldest()) {
    weighed += (next.values.W ?? 0) * next.duration;
    count++;
    outbox.acknowledge(next);
  }
  assert.ok(count < 900 && Math.abs(weighed - sum) < 1e-6 * sum, `${weighed} of ${sum} in ${count}`);
});

test('after a long outage the newest goes first, and once', async (t) => {
  using file = new OutboxFile(temporary(t));
  const outbox = new Outbox(file, 'A', channelNames);
  for (let n = 0; n < 300; n++) await outbox.append(posting(n * 15), {});
  const live = outbox.live();
  assert.ok(live !== undefined && live.start === 299 * 15);
  outbox.acknowledge(live);
  assert.deepEqual([outbox.size, outbox.live(), outbox.acknowledgedThrough], [299, undefined, 0]);
  await outbox.append(posting(300 * 15), {});
  assert.deepEqual(
    drain(outbox),
    [...Array.from({ length: 299 }, (_, n) => n * 15), 300 * 15],
    'the others in order, without it',
  );
  assert.equal(outbox.totals.acknowledged, outbox.totals.queued);
});

test('a time that was not measured, one refused and one damaged are told as gaps', async (t) => {
  const path = temporary(t);
  {
    using file = new OutboxFile(path);
    const outbox = new Outbox(file, 'A', channelNames);
    for (const start of [0, 15, 300, 315, 330]) await outbox.append(posting(start), {});
    outbox.refuse(outbox.oldest()!);
    await outbox.save();
  }
  {
    using database = new DatabaseSync(path);
    database.exec(`UPDATE outbox SET "values" = replace("values", '7', '8') WHERE start = 315`);
  }
  using file = new OutboxFile(path);
  const outbox = new Outbox(file, 'A', channelNames);
  assert.deepEqual(drain(outbox), [15, 300, 330], 'what a bad card made of it is not sent');
  assert.deepEqual(outbox.report().gaps, [
    { from: 30, until: 300, why: 'not measured' },
    { from: 0, until: 15, why: 'refused' },
    { from: 315, until: 330, why: 'damaged' },
  ]);
  assert.deepEqual(outbox.totals, { queued: 45, acknowledged: 27, dropped: 9, refused: 9 });
  assert.equal(outbox.size, 0);
});

/** Damages the file as a worn card does: `spoil` is done to it while nobody has it open. */
function spoiled(path: string, spoil: (database: DatabaseSync) => void): void {
  using database = new DatabaseSync(path);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  spoil(database);
}

test('a state that is damaged is told, not believed, and keeps no board from working', async (t) => {
  const path = temporary(t);
  {
    using file = new OutboxFile(path);
    const outbox = new Outbox(file, 'A', channelNames);
    for (const start of [0, 15, 30]) await outbox.append(posting(start), { registers: { importWh: 5 } });
    outbox.acknowledge(outbox.oldest()!);
    await outbox.save();
    await new Outbox(file, 'B', channelNames).append(posting(0), { of: 'B' });
  }
  spoiled(path, (database) => {
    database.exec(`UPDATE state SET value = replace(value, '"importWh":5', '"importWh":6')`);
  });
  {
    const told: string[] = [];
    using file = new OutboxFile(path, telling(told));
    const outbox = new Outbox(file, 'A', channelNames);
    assert.match(told.join(), /GTX-OUT-003 The state of A .* is damaged/);
    assert.equal(outbox.state('registers'), undefined);
    assert.equal(new Outbox(file, 'B', channelNames).state('of'), 'B', 'the other board is as it was');
    await outbox.append(posting(60), { registers: { importWh: 0 } });
    assert.deepEqual(drain(outbox), [15, 30, 60], 'what waits has checksums of its own');
    assert.deepEqual(outbox.report().gaps, [{ from: 45, until: 60, why: 'memory damaged' }]);
  }
  const told: string[] = [];
  using file = new OutboxFile(path, telling(told));
  assert.deepEqual(new Outbox(file, 'A', channelNames).state('registers'), { importWh: 0 });
  assert.deepEqual(told, [], 'once');
  using database = new DatabaseSync(path);
  assert.match(String(database.prepare('SELECT value FROM damaged_state').get()?.['value']), /"importWh":6/);
});

test('a file with a bad page is set aside; every whole row of it is sent on, and the others are counted', async (t) => {
  const path = temporary(t);
  const postings = 500;
  {
    using file = new OutboxFile(path);
    const outbox = new Outbox(file, 'A', channelNames);
    for (let n = 0; n < postings; n++) await outbox.append(posting(n * 15), { registers: { importWh: n } });
    outbox.acknowledge(outbox.oldest()!);
    await outbox.save();
  }
  let leaf = 0;
  spoiled(path, (database) => {
    leaf = Number(database.prepare(`SELECT max(pageno) AS n FROM dbstat WHERE name = 'outbox'`).get()?.['n']);
  });
  const bytes = readFileSync(path);
  bytes.fill(0xa5, (leaf - 1) * 4096, leaf * 4096);
  writeFileSync(path, bytes);
  const told: string[] = [];
  using file = new OutboxFile(path, telling(told));
  assert.match(told.join(), /GTX-OUT-003 .*outbox\.db is damaged and was set aside/);
  assert.deepEqual(readFileSync(`${path}.damaged`), bytes, 'as it was found');
  const outbox = new Outbox(file, 'A', channelNames);
  assert.deepEqual(outbox.state('registers'), { importWh: postings - 1 });
  const { dropped } = outbox.totals;
  assert.ok(dropped > 0 && dropped < (9 * postings) / 3, `${dropped} readings were lost`);
  await outbox.append(posting(postings * 15), {});
  const sent = drain(outbox);
  assert.equal(new Set(sent).size, sent.length, 'each once');
  assert.equal(9 * sent.length + dropped + 9, outbox.totals.queued, 'sent, lost and acknowledged are all there were');
  assert.deepEqual(outbox.report().gaps, [{ from: 15, until: postings * 15, why: 'memory damaged' }]);
});

test('a file that is no database any more is set aside, and the board begins anew', async (t) => {
  const path = temporary(t);
  for (const noise of ['not a database at all, but text that is long enough', '']) {
    writeFileSync(path, noise.repeat(100));
    using file = new OutboxFile(path);
    const outbox = new Outbox(file, 'A', channelNames);
    await outbox.append(posting(30), {});
    assert.deepEqual(drain(outbox), [30]);
  }
  assert.equal(readFileSync(`${path}.damaged`, 'utf8').slice(0, 5), 'not a', 'an empty file is a new one');
});

test('whatever bytes of the file a card changes, a board starts and never sends what was not measured', async (t) => {
  const path = temporary(t);
  {
    using file = new OutboxFile(path);
    const outbox = new Outbox(file, 'A', channelNames);
    for (let n = 0; n < 100; n++) await outbox.append(growing(n * 15), { registers: { importWh: n } });
  }
  spoiled(path, () => undefined);
  const whole = readFileSync(path);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 40 }),
      async (changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        for (const part of ['-wal', '-shm']) rmSync(path + part, { force: true });
        writeFileSync(path, bytes);
        using file = new OutboxFile(path);
        const outbox = new Outbox(file, 'A', channelNames);
        await outbox.append(growing(1500), {});
        for (let next = outbox.oldest(); next !== undefined; next = outbox.oldest()) {
          assert.deepEqual(next.values, values(next.start));
          outbox.acknowledge(next);
        }
        assert.ok(outbox.acknowledgedThrough === 1515);
      },
    ),
    { numRuns: 60 },
  );
});

test('more damaged rows in a row than are held in memory keep none behind them waiting', async (t) => {
  const path = temporary(t);
  {
    using file = new OutboxFile(path);
    const outbox = new Outbox(file, 'A', channelNames);
    for (let n = 0; n < 400; n++) await outbox.append(posting(n * 15), {});
  }
  spoiled(path, (database) => database.exec('UPDATE outbox SET duration = 14 WHERE sequence <= 300'));
  using file = new OutboxFile(path);
  const outbox = new Outbox(file, 'A', channelNames);
  assert.deepEqual(
    drain(outbox),
    Array.from({ length: 100 }, (_, n) => (n + 300) * 15),
  );
});

test('what comes after the file was closed is refused, and nothing breaks', async (t) => {
  const file = new OutboxFile(temporary(t));
  const outbox = new Outbox(file, 'A', channelNames);
  await outbox.append(posting(0), {});
  file[Symbol.dispose]();
  await assert.rejects(outbox.append(posting(15), {}), { code: 'GTX-OUT-002' });
  await assert.rejects(outbox.save(), { code: 'GTX-OUT-002' });
});

test('a file of a version without checksums is read on', async (t) => {
  const path = temporary(t);
  {
    using database = new DatabaseSync(path);
    database.exec(`
      CREATE TABLE outbox (board TEXT, sequence INTEGER, start INTEGER, duration INTEGER, "values" TEXT,
        PRIMARY KEY (board, sequence)) STRICT, WITHOUT ROWID;
      CREATE TABLE state (board TEXT PRIMARY KEY, value TEXT) STRICT, WITHOUT ROWID;
      INSERT INTO outbox VALUES ('A', 1, 0, 15, '[1,2,3,4,5,6,7,8,9]');
      INSERT INTO state VALUES ('A', '{"sequence":1,"totals":{"queued":9,"acknowledged":0,"dropped":0,"refused":0},"through":0,"state":{}}');`);
  }
  using file = new OutboxFile(path);
  const outbox = new Outbox(file, 'A', channelNames);
  assert.equal(outbox.oldest()?.values.stateOfCharge, 9);
  await outbox.append(posting(15), {});
  assert.deepEqual(drain(outbox), [0, 15]);
});

test('a day of postings writes no more than 100 MB to the card', async (t) => {
  using file = new OutboxFile(temporary(t));
  const outbox = new Outbox(file, 'A', channelNames);
  const postings = 1_440;
  for (let n = 0; n < postings; n++) {
    await outbox.append(growing(n * 15), { registers: { grid: { importWh: n, exportWh: n }, lossesWh: n } });
    outbox.acknowledge(outbox.oldest()!);
  }
  const perDay = outbox.report().writtenBytesADay ?? 0;
  t.diagnostic(`${(perDay / 1e6).toFixed(1)} MB a day`);
  assert.ok(perDay > 1e6 && perDay < 100e6, `${perDay} bytes a day`);
});

test('a file that cannot be opened says so with its code', (t) => {
  assert.throws(
    () => new OutboxFile(join(temporary(t), 'missing', 'outbox.db')),
    (error) => error instanceof GridError && error.code === 'GTX-OUT-001',
  );
});
