import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MicroPerKWh, UnixSeconds, Wh } from '#hal/units.ts';
import type { Database } from '../database/database.ts';
import { startTestDatabase } from '../database/test-database.ts';
import { WINDOW } from './arbitrary-orders.ts';
import { clearZone } from './clear.ts';
import type { Order, Side } from './orders.ts';
import { MarketStore } from './store.ts';

let database: Database;
before(async () => {
  database = await startTestDatabase();
});
after(() => database[Symbol.asyncDispose]());

const at = UnixSeconds(WINDOW - 400);
let serial = 0;
const order = (meterId: string, side: Side, energyWh: number, limit: number, window: number = WINDOW): Order => ({
  meterId,
  mRID: (++serial).toString(16).padStart(32, 'f'),
  side,
  energyWh: Wh(energyWh),
  limit: MicroPerKWh(limit),
  window: UnixSeconds(window),
});

test('an order is stored once; the same again is known, another under its key is refused', async () => {
  const store = new MarketStore(database.pool, 'orders');
  const one = order('A', 'buy', 500, 0xffff_ffff, WINDOW + 30_000);
  assert.equal(await store.saveOrder(one, at), 'stored');
  assert.equal(await store.saveOrder(one, UnixSeconds(at + 5)), 'known');
  await assert.rejects(store.saveOrder({ ...one, energyWh: Wh(501) }, at), { code: 'GTX-MKT-003' });
  const both = await Promise.all([1, 2].map(() => store.saveOrder(order('B', 'sell', 1, 0, WINDOW + 30_000), at)));
  assert.deepEqual(both, ['stored', 'stored']);
  assert.deepEqual((await store.openOrders(UnixSeconds(WINDOW + 30_000)))[0], one);
});

test('a clearing is stored once with its trades and fills, and its window waits to be settled', async () => {
  const store = new MarketStore(database.pool);
  const orders = [order('A', 'sell', 900, 100_000), order('B', 'buy', 700, 200_000), order('C', 'buy', 600, 200_000)];
  for (const one of orders) await store.saveOrder(one, at);
  const clearing = clearZone((await store.openOrders(WINDOW)).filter((one) => one.window === WINDOW));
  assert.equal(await store.saveClearing(WINDOW, clearing, at), 'stored');
  assert.equal(await store.saveClearing(WINDOW, clearing, at), 'known');
  assert.deepEqual(await store.tradesOf(WINDOW), clearing.trades);
  assert.deepEqual(
    (await store.openOrders(WINDOW)).filter((one) => one.window === WINDOW),
    [],
  );
  await assert.rejects(store.saveClearing(WINDOW, clearZone(orders.slice(0, 2)), at), { code: 'GTX-MKT-004' });
  const { price, interval, matchedWh, matchableWh } = clearing;
  assert.deepEqual(await store.clearing(WINDOW), {
    window: WINDOW,
    price,
    interval,
    orders: 3,
    trades: 2,
    matchedWh,
    matchableWh,
    clearedAt: at,
  });
  assert.deepEqual(await store.unsettled(UnixSeconds(WINDOW + 299)), []);
  assert.deepEqual(await store.unsettled(UnixSeconds(WINDOW + 300)), [{ window: WINDOW, trades: clearing.trades }]);
});

test('a window without orders is cleared too, and a clearing that fails leaves nothing behind', async () => {
  const store = new MarketStore(database.pool, 'quiet');
  await store.saveClearing(WINDOW, clearZone([]), at);
  assert.deepEqual(await store.unsettled(UnixSeconds(WINDOW + 300)), [{ window: WINDOW, trades: [] }]);
  const next = UnixSeconds(WINDOW + 300);
  const clearing = clearZone([order('A', 'sell', 9, 1), order('B', 'buy', 9, 1)], 'quiet');
  const broken = { ...clearing, trades: clearing.trades.map((trade) => ({ ...trade, buyer: trade.seller })) };
  await assert.rejects(store.saveClearing(next, broken, at));
  assert.equal(await store.clearing(next), null);
});

test('totals count pairs whichever way they trade and weigh the price by energy', async () => {
  const store = new MarketStore(database.pool, 'totals');
  const windows: readonly (readonly Order[])[] = [
    [order('A', 'sell', 1000, 100_000), order('B', 'buy', 1000, 100_000)],
    [order('B', 'sell', 3000, 200_000), order('A', 'buy', 3000, 200_000)],
    [order('B', 'sell', 5, 9), order('A', 'buy', 5, 8)],
  ];
  for (const [index, orders] of windows.entries()) {
    await store.saveClearing(UnixSeconds(WINDOW + 300 * index), clearZone(orders, 'totals'), at);
  }
  assert.deepEqual(await store.totals(WINDOW), {
    windows: 3,
    trades: 2,
    pairsUsed: 1,
    volumeWh: 4000,
    meanPriceMicroPerKWh: 175_000,
    matchSuccess: 1,
  });
  const later = await store.totals(UnixSeconds(WINDOW + 600));
  assert.deepEqual([later.trades, later.meanPriceMicroPerKWh, later.matchSuccess], [0, null, null]);
  assert.deepEqual(
    (await store.newestClearings(2)).map((one) => one.window - WINDOW),
    [600, 300],
  );
});
