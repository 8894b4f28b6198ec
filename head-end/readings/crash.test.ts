import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { delay } from '#hal/wall.ts';
import { openDatabase } from '../database/database.ts';
import { eraseDatabase } from '../database/postgres-place.ts';
import { Registry } from '../registry/devices.ts';
import { ReadingStore } from './store.ts';

const log = createLog('test', 'silent');
const boards = 8;
const channelsPerBoard = 3;

test('a database killed during ingest has every acknowledged reading after its restart, and none twice', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gridtokenx-crash-'));
  chmodSync(folder, 0o711);
  t.after(() => eraseDatabase(folder));
  /** The highest period that each board was told is stored. */
  const acknowledged = new Map<number, number>();
  let channelIds: number[][] = [];

  for (const [round, ms] of [30, 80, 150].entries()) {
    const { promise: ended, resolve: onExit } = Promise.withResolvers<unknown>();
    await using database = await openDatabase({ folder, log, onExit });
    await using store = new ReadingStore({ pool: database.pool, log });
    await store.start();
    channelIds = round === 0 ? await create(database, store) : channelIds;
    await checkAll(store, acknowledged);
    const posting = Promise.all(channelIds.map((ids, board) => post(store, ids, board, acknowledged)));
    await delay(ms);
    process.kill(database.pid as number, 'SIGKILL');
    await ended;
    await posting;
    assert.ok((acknowledged.get(0) ?? 0) > 0);
  }

  await using database = await openDatabase({ folder, log });
  await using store = new ReadingStore({ pool: database.pool, log });
  await store.start();
  await checkAll(store, acknowledged);

  /** Every acknowledged period is there; the one under way when the server died may be. */
  async function checkAll(from: ReadingStore, done: Map<number, number>): Promise<void> {
    const counts = new Map((await from.countsSince(UnixSeconds(0))).map((c) => [c.channelId, c.readings]));
    for (const [board, ids] of channelIds.entries()) {
      for (const id of ids) {
        const extra = (counts.get(id) ?? 0) - (done.get(board) ?? 0);
        assert.ok(extra === 0 || extra === 1, `channel ${id}: ${extra} more than acknowledged`);
        assert.equal(from.latest(id)?.value ?? 0, counts.get(id) ?? 0);
      }
    }
  }
});

/** A board: posts one period after another, and begins again with the last one that was not acknowledged. */
async function post(to: ReadingStore, ids: number[], board: number, done: Map<number, number>): Promise<void> {
  for (;;) {
    const period = (done.get(board) ?? 0) + 1;
    const rows = ids.map((channelId) => ({ channelId, periodStart: period * 15, duration: 15, value: period }));
    try {
      const { conflicts } = await to.ingest(rows);
      assert.equal(conflicts, 0);
    } catch (error) {
      assert.match((error as { code: string }).code, /^GTX-RDG-003$/);
      return;
    }
    done.set(board, period);
  }
}

async function create(database: { pool: ConstructorParameters<typeof Registry>[0]['pool'] }, store: ReadingStore) {
  const registry = new Registry(database);
  const all: number[][] = [];
  for (let board = 0; board < boards; board++) {
    const place = { name: '', building: 'academic', zone: 'campus', ratedW: 1, storageWh: 0 };
    const lfdi = `${board}`.padStart(40, '0');
    const { id } = await registry.register({ ...place, meterId: `M${board}`, lfdi, at: UnixSeconds(0) });
    await store.upsertMirrorUsagePoint(id, {
      mRID: new Uint8Array(16),
      deviceLFDI: new Uint8Array(20),
      roleFlags: new Uint8Array(2),
      serviceCategoryKind: 0,
      status: 1,
      MirrorMeterReading: Array.from({ length: channelsPerBoard }, (_, n) => ({
        mRID: new Uint8Array(16).fill(board * channelsPerBoard + n),
        ReadingType: { uom: 72 },
      })),
    });
    all.push(store.channelsOf(id).map((channel) => channel.id));
  }
  return all;
}
