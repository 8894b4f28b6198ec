import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import * as fc from 'fast-check';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import type { MirrorUsagePoint } from '#ieee2030_5/types.generated.ts';
import type { Database } from '../database/database.ts';
import { startTestDatabase } from '../database/test-database.ts';
import { Registry } from '../registry/devices.ts';
import { keyOf } from './batch.ts';
import type { ReadingRow } from './reading-sql.ts';
import { ReadingStore } from './store.ts';

const log = createLog('test', 'silent');
const mridOf = (n: number): Uint8Array => new Uint8Array(16).fill(n);
const mirror = (n: number, channels: readonly number[]): MirrorUsagePoint => ({
  mRID: mridOf(n),
  deviceLFDI: new Uint8Array(20),
  roleFlags: Uint8Array.of(0, 1),
  serviceCategoryKind: 0,
  status: 1,
  postRate: 15,
  MirrorMeterReading: channels.map((channel) => ({
    mRID: mridOf(channel),
    description: `channel ${channel}`,
    ReadingType: { uom: 72, flowDirection: 1, accumulationBehaviour: 3 },
  })),
});
const reading = (value: number, start: number) => ({ value, timePeriod: { start: BigInt(start), duration: 15 } });

suite('the reading store', { concurrency: false }, () => {
  let database: Database;
  let store: ReadingStore;
  const devices: number[] = [];

  const opened = async (maxPendingRows?: number): Promise<ReadingStore> => {
    const other = new ReadingStore({
      pool: database.pool,
      log,
      ...(maxPendingRows !== undefined && { maxPendingRows }),
    });
    await other.start();
    return other;
  };
  const stored = async (): Promise<Map<string, number>> => {
    const { rows } = await database.pool.query<ReadingRow>(
      'SELECT channel_id AS "channelId", period_start AS "periodStart", duration, value FROM readings',
    );
    return new Map(rows.map((row) => [keyOf(row), row.value]));
  };

  before(async () => {
    database = await startTestDatabase();
    const registry = new Registry(database);
    for (const [n, meterId] of ['A', 'B'].entries()) {
      const place = { name: meterId, building: 'academic', zone: 'campus', ratedW: 1, storageWh: 0 };
      const device = await registry.register({ ...place, meterId, lfdi: `${n}`.padStart(40, '0'), at: UnixSeconds(0) });
      devices.push(device.id);
    }
    store = await opened();
  });
  after(async () => {
    await store[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  test('creates a MirrorUsagePoint once, and knows it and its channels after a restart', async () => {
    const [a = 0, b = 0] = devices;
    const first = await store.upsertMirrorUsagePoint(a, mirror(1, [11, 12]));
    assert.equal(first.created, true);
    assert.deepEqual(await store.upsertMirrorUsagePoint(a, mirror(1, [11, 12])), { id: first.id, created: false });
    assert.notEqual((await store.upsertMirrorUsagePoint(b, mirror(1, [21]))).id, first.id);
    const changed = await store.upsertMirrorUsagePoint(a, { ...mirror(1, []), postRate: 60 });
    assert.deepEqual(changed, { id: first.id, created: false });
    for (const known of [store, await opened()]) {
      assert.equal(known.mirrorUsagePoint(first.id)?.postRate, 60);
      assert.equal(known.mirrorUsagePointsOf(a).length, 1);
      assert.deepEqual(
        known.channelsOf(a).map(({ description, uom, flowDirection }) => [description, uom, flowDirection]),
        [
          ['channel 11', 72, 1],
          ['channel 12', 72, 1],
        ],
      );
    }
  });

  test('stores what was posted to a MirrorUsagePoint, and answers with the newest value', async () => {
    const [a = 0] = devices;
    const id = store.mirrorUsagePointsOf(a)[0]?.id ?? 0;
    assert.equal(store.newest, undefined);
    const post = [
      { mRID: mridOf(11), Reading: reading(5, 900) },
      { mRID: mridOf(12), Reading: reading(-6, 900) },
    ];
    assert.deepEqual(await store.post(id, post), { stored: 2, duplicates: 0, conflicts: 0 });
    assert.deepEqual(await store.post(id, post), { stored: 0, duplicates: 2, conflicts: 0 });
    assert.deepEqual(await store.post(id, [{ mRID: mridOf(11), Reading: reading(6, 900) }]), {
      stored: 0,
      duplicates: 0,
      conflicts: 1,
    });
    for (const known of [store, await opened()]) {
      assert.deepEqual(
        known.channelsOf(a).map((channel) => known.latest(channel.id)?.value),
        [5, -6],
      );
      assert.equal(known.newest, 915);
    }
  });

  test('refuses a post to no MirrorUsagePoint, a new channel without its type, and a type that changes', async () => {
    const [a = 0] = devices;
    const id = store.mirrorUsagePointsOf(a)[0]?.id ?? 0;
    await assert.rejects(store.post(999, []), { code: 'GTX-RDG-007' });
    await assert.rejects(store.post(id, [{ mRID: mridOf(99) }]), { code: 'GTX-RDG-005' });
    await assert.rejects(store.post(id, [{ mRID: mridOf(11), ReadingType: { uom: 38 } }]), { code: 'GTX-RDG-005' });
  });

  test('an mRID names one channel of a device, under whichever MirrorUsagePoint it comes', async () => {
    const [, b = 0] = devices;
    const [channel] = store.channelsOf(b);
    const second = await store.upsertMirrorUsagePoint(b, mirror(2, [21]));
    assert.deepEqual(
      store.channelsOf(b).map(({ id, mirrorPointId }) => [id, mirrorPointId]),
      [[channel?.id, second.id]],
    );
  });

  test("an mRID of another device's readings is refused, and free when that device is forgotten", async () => {
    const [a = 0, b = 0] = devices;
    const had = store.channelsOf(b);
    await assert.rejects(store.upsertMirrorUsagePoint(b, mirror(3, [11])), { code: 'GTX-RDG-008' });
    assert.deepEqual(store.channelsOf(b), had);
    const other = await opened();
    other.forgetDevice(a);
    assert.deepEqual([other.mirrorUsagePointsOf(a), other.channelsOf(a)], [[], []]);
    const point = await other.upsertMirrorUsagePoint(b, mirror(3, [11]));
    assert.ok(other.channelsOf(b).some(({ mRID }) => Buffer.compare(mRID, mridOf(11)) === 0));
    await other.removeMirrorUsagePoint(point.id, UnixSeconds(1));
  });

  test('a MirrorMeterReading that comes again with another ReadingType begins anew; what was stored keeps its unit', async () => {
    const [a = 0] = devices;
    const watts = { uom: 38, phase: 129, intervalLength: 60 };
    const posted = (type: object) => ({
      ...mirror(7, []),
      MirrorMeterReading: [{ mRID: mridOf(71), ReadingType: type }],
    });
    const point = await store.upsertMirrorUsagePoint(a, posted(watts));
    const channel = () => store.channelsOf(a).find(({ mRID }) => Buffer.compare(mRID, mridOf(71)) === 0);
    const first = channel();
    assert.deepEqual(first?.readingType, watts);
    assert.deepEqual(await store.upsertMirrorUsagePoint(a, posted({ ...watts })), { id: point.id, created: false });
    assert.equal(channel()?.id, first.id);
    await store.upsertMirrorUsagePoint(a, posted({ ...watts, uom: 63 }));
    const second = channel();
    assert.notEqual(second?.id, first.id);
    assert.deepEqual([second?.uom, second?.readingType.phase], [63, 129]);
    const again = await opened();
    assert.deepEqual(
      again.channelsOf(a).filter(({ mirrorPointId }) => mirrorPointId === point.id),
      [second],
    );
  });

  test('a MirrorUsagePoint that was removed is gone, and comes back under its id', async () => {
    const [a = 0] = devices;
    const { id } = await store.upsertMirrorUsagePoint(a, mirror(8, [81]));
    assert.equal(await store.removeMirrorUsagePoint(id, UnixSeconds(5)), true);
    assert.equal(await store.removeMirrorUsagePoint(id, UnixSeconds(5)), false);
    for (const known of [store, await opened()]) assert.equal(known.mirrorUsagePoint(id), undefined);
    assert.equal((await store.upsertMirrorUsagePoint(a, mirror(8, [81]))).id, id);
    assert.equal(store.mirrorUsagePoint(id)?.deviceId, a);
  });

  test('keeps only so many MirrorUsagePoints and channels of a device', async () => {
    const [, b = 0] = devices;
    for (let n = 3; n <= 32; n++) await store.upsertMirrorUsagePoint(b, mirror(n, []));
    await assert.rejects(store.upsertMirrorUsagePoint(b, mirror(33, [])), { code: 'GTX-RDG-006' });
    const many = Array.from({ length: 129 }, (_, n) => 100 + n);
    await assert.rejects(store.upsertMirrorUsagePoint(b, mirror(3, many)), { code: 'GTX-RDG-006' });
  });

  test('refuses what is not a reading of a known channel, and takes no time for nothing', async () => {
    const [a = 0] = devices;
    const channelId = store.channelsOf(a)[0]?.id ?? 0;
    const row = { channelId, periodStart: 0, duration: 15, value: 1 };
    const wrong = [
      { channelId: 9_999 },
      { value: 0.5 },
      { value: 2 ** 53 },
      { periodStart: Number.NaN },
      { duration: -1 },
    ];
    for (const change of wrong) await assert.rejects(store.ingest([{ ...row, ...change }]), { code: 'GTX-RDG-004' });
    assert.deepEqual(await store.ingest([]), { stored: 0, duplicates: 0, conflicts: 0 });
  });

  test('stores each reading once, however posts interleave and repeat', async () => {
    const channelIds = devices.flatMap((device) => store.channelsOf(device).slice(0, 2)).map((channel) => channel.id);
    let round = 0;
    const row = fc.record({
      channelId: fc.constantFrom(...channelIds),
      periodStart: fc.integer({ min: 0, max: 6 }),
      duration: fc.constantFrom(15, 300),
      value: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.maxSafeInteger() }),
    });
    const bursts = fc.array(fc.array(fc.array(row, { minLength: 1, maxLength: 5 }), { maxLength: 6 }), {
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(bursts, async (posted) => {
        const base = 1_000_000 * ++round;
        const present = await stored();
        const expected = new Map(present);
        let storedNow = 0;
        for (const burst of posted) {
          const posts = burst.map((rows) => rows.map((r) => ({ ...r, periodStart: base + r.periodStart * 15 })));
          for (const r of posts.flat()) if (!expected.has(keyOf(r))) expected.set(keyOf(r), r.value);
          const outcomes = await Promise.all(posts.map((rows) => store.ingest(rows)));
          for (const [i, outcome] of outcomes.entries()) {
            storedNow += outcome.stored;
            assert.equal(outcome.stored + outcome.duplicates + outcome.conflicts, posts[i]?.length);
          }
        }
        assert.equal(storedNow, expected.size - present.size);
        const held = await stored();
        assert.deepEqual([...held.keys()].toSorted(), [...expected.keys()].toSorted());
        // A burst's order is kept, so the first value stays.
        for (const [key, value] of expected) assert.equal(held.get(key), value);
      }),
      { numRuns: 40 },
    );
  });

  test('refuses more than the queue holds, and takes it later', async () => {
    const [a = 0] = devices;
    const channelId = store.channelsOf(a)[0]?.id ?? 0;
    const small = await opened(3);
    const rows = (start: number) => [0, 15].map((i) => ({ channelId, periodStart: start + i, duration: 15, value: 1 }));
    const first = small.ingest(rows(2_000_000_000));
    await assert.rejects(small.ingest(rows(2_000_000_030)), { code: 'GTX-RDG-001' });
    await first;
    assert.equal((await small.ingest(rows(2_000_000_030))).stored, 2);
    assert.equal(small.statistics.stored, 4);
    await small[Symbol.asyncDispose]();
    await assert.rejects(small.ingest(rows(2_000_000_060)), { code: 'GTX-RDG-002' });
  });

  test('a commit that fails rejects its posts, and sending them again stores each once', async () => {
    const [a = 0] = devices;
    const channelId = store.channelsOf(a)[0]?.id ?? 0;
    const other = await opened();
    const row = (start: number) => ({ channelId, periodStart: 2_100_000_000 + start, duration: 15, value: 1 });
    // Another program stores a reading that `other` believes to be new: its COPY breaks on the key.
    await store.ingest([row(0)]);
    await assert.rejects(other.ingest([row(0), row(15)]), { code: 'GTX-RDG-003' });
    assert.deepEqual(await other.ingest([row(0), row(15)]), { stored: 1, duplicates: 1, conflicts: 0 });
  });

  test('counts readings and reads registers since a time', async () => {
    const [a = 0] = devices;
    const [first, second] = store.channelsOf(a).map((channel) => channel.id);
    const base = 2_200_000_000;
    for (const [i, value] of [100, 110, 125].entries()) {
      await store.ingest([{ channelId: first ?? 0, periodStart: base + i * 15, duration: 15, value }]);
    }
    await store.ingest([{ channelId: second ?? 0, periodStart: base + 30, duration: 15, value: 3 }]);
    const since = UnixSeconds(base + 15);
    assert.deepEqual(await store.countsSince(since), [
      { meterId: 'A', channelId: first, readings: 2 },
      { meterId: 'A', channelId: second, readings: 1 },
    ]);
    const [a1, a2] = await store.registersSince(since);
    assert.deepEqual(a1, { meterId: 'A', channelId: first, first: 110, last: 125 });
    assert.equal(a2?.last, 3);
  });
});
