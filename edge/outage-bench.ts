import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds, W, Wh } from '#hal/units.ts';
import { channelNames } from '#ieee2030_5/ext/channels.ts';
import type { Resources } from './client/discovery.ts';
import type { Mirror } from './client/mirror.ts';
import { Health } from './health.ts';
import { Metering } from './metering.ts';
import { Outbox } from './outbox.ts';
import type { Posting } from './posting.ts';
import { OutboxFile } from './outbox-file.ts';

const start = 1_800_000_000;
const week = 7 * 86_400;
/** What a board sends in one go at most: the live posting, and an hour of others. */
const mostAtOnce = 241;
/** What a worn card still bears for years: 3 GB a month. */
const mostBytesADay = 100e6;

/**
 * A board whose head-end is away for seven days, and then there again: what it asks for meanwhile, how it comes back,
 * and that the head-end has each posting once in the end.
 */
export async function sevenDaysAway(t: TestContext, postSeconds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-outage-'));
  t.after(() => rmSync(folder, { recursive: true }));
  using file = new OutboxFile(join(folder, 'outbox.db'));
  const outbox = new Outbox(file, 'A', channelNames);
  const log = createLog('test', 'silent');
  const head = { isAway: true, requests: 0, taken: [] as Posting[] };
  const post = async (_href: string, posting: Posting) => {
    head.requests++;
    if (head.isAway) throw new GridError('GTX-SEP-001', 'The head-end is away');
    head.taken.push(posting);
    return { status: 201, location: undefined, elapsedMs: 1 };
  };
  let now = UnixSeconds(start);
  const frameAfter = async () => {
    const energyWh = Wh(Math.floor((now - start) / 36));
    const channel = { powerW: W(100), energyWh };
    return { receivedAt: now, message: now - start + 1, voltsRms: 230, channels: [channel, channel] };
  };
  const meter = { start: async () => undefined, frameAfter, [Symbol.asyncDispose]: async () => undefined };
  const devices = { meter, gridChannel: 1, loadChannel: 2, inverter: undefined, battery: undefined };
  const metering = new Metering({
    devices,
    outbox,
    mirror: { post } as unknown as Mirror,
    health: new Health(),
    log,
    onPosted: () => undefined,
  });
  const tick = async (): Promise<number> => {
    now = UnixSeconds(now + postSeconds);
    head.requests = 0;
    await metering.take(now);
    await metering.queue(now);
    await metering.post({ mirrorUsagePoints: '/mup' } as Resources).catch((error: unknown) => {
      assert.ok(head.isAway && error instanceof GridError, String(error));
    });
    return head.requests;
  };

  for (let ticks = 0; ticks < week / postSeconds; ticks++) {
    assert.equal(await tick(), 1, 'one request a posting period while it is away');
  }
  const waited = outbox.size;
  assert.equal(waited, week / postSeconds);

  head.isAway = false;
  for (let ticks = 0; outbox.size > 0; ticks++) {
    const before = head.taken.length;
    const requests = await tick();
    assert.ok(requests <= mostAtOnce, `${requests} at once`);
    const isBehind = waited > 256 && ticks === 0;
    if (isBehind) assert.equal(endOf(head.taken[before]!), now, 'the newest is there in the first period');
    assert.ok(ticks <= waited / 200 + 10, 'it never comes to an end');
  }
  const ends = head.taken.map(endOf);
  assert.equal(new Set(ends).size, ends.length, 'each once');
  assert.equal(ends.length, (now - start) / postSeconds, 'none is missing');
  const backlog = ends.filter((end) => end <= start + week);
  assert.deepEqual(
    backlog,
    backlog.toSorted((a, b) => a - b),
    'in order',
  );
  const { writtenBytesADay = 0, ...report } = outbox.report();
  assert.deepEqual(report, { waiting: 0, since: undefined, coarsened: 0, gaps: [] });
  assert.ok(writtenBytesADay < mostBytesADay, `${writtenBytesADay} bytes a day`);
  const { queued, acknowledged, dropped, refused } = outbox.totals;
  assert.deepEqual([acknowledged, dropped, refused], [queued, 0, 0]);
  t.diagnostic(`${waited} postings waited; ${(writtenBytesADay / 1e6).toFixed(1)} MB a day written`);
}

const endOf = ({ start: from, duration }: Posting): number => from + duration;
