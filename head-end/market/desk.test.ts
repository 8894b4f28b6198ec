import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { MicroPerKWh, UnixSeconds, Wh } from '#hal/units.ts';
import { GATE_LEAD_SECONDS, WINDOW_SECONDS } from '#ieee2030_5/ext/windows.ts';
import type { Clearing } from './clear.ts';
import { MarketDesk, type OrderStore } from './desk.ts';
import { MAX_LIMIT, type Order, type Side } from './orders.ts';

const epoch = UnixSeconds(1_782_000_000);
/** The start of a window, counted from the one that begins at `epoch`. */
const window = (n: number): UnixSeconds => UnixSeconds(epoch + n * WINDOW_SECONDS);
const mRID = (n: number): string => n.toString(16).padStart(32, '0');

class MemoryStore implements OrderStore {
  readonly orders: Order[] = [];
  readonly clearings: { window: UnixSeconds; clearing: Clearing; at: UnixSeconds }[] = [];
  failure: Error | undefined;

  async removeOrder(meterId: string, id: string): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.orders.splice(
      this.orders.findIndex((order) => order.meterId === meterId && order.mRID === id),
      1,
    );
  }

  async saveOrder(order: Order): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.orders.push(order);
  }
  async saveClearing(of: UnixSeconds, clearing: Clearing, at: UnixSeconds): Promise<void> {
    this.clearings.push({ window: of, clearing, at });
  }
}

const opened = (now = epoch): { clock: VirtualClock; store: MemoryStore; desk: MarketDesk } => {
  const clock = new VirtualClock(now);
  const store = new MemoryStore();
  return { clock, store, desk: new MarketDesk(clock, store) };
};

test('a gate takes orders up to its last second, and none after', async () => {
  const { clock, store, desk } = opened(UnixSeconds(window(3) - GATE_LEAD_SECONDS));
  await desk.request('A', { mRID: mRID(1), energyWh: 100, window: window(3) });
  clock.setNow(UnixSeconds(clock.now() + 1));
  const late = desk.request('A', { mRID: mRID(2), energyWh: 100, window: window(3) });
  await assert.rejects(late, { code: 'GTX-ORD-002' });
  assert.deepEqual(
    store.orders.map((order) => order.mRID),
    [mRID(1)],
  );
});

test('who takes no part any more orders nothing, and what it ordered before is not cleared', async () => {
  const out = new Set<string>();
  const { clock, store } = opened();
  const desk = new MarketDesk(clock, store, undefined, (meterId) => !out.has(meterId));
  await desk.request('BUYER', { mRID: mRID(1), energyWh: 100, window: window(2) });
  await desk.request('SELLER', { mRID: mRID(2), energyWh: -60, window: window(2) });
  out.add('SELLER');
  const more = desk.request('SELLER', { mRID: mRID(3), energyWh: -60, window: window(2) });
  await assert.rejects(more, { code: 'GTX-MKT-005' });
  clock.setNow(UnixSeconds(window(2) - GATE_LEAD_SECONDS));
  const { clearing } = await desk.closeGate(clock.now());
  assert.deepEqual(
    clearing.fills.map(({ meterId, energyWh }) => [meterId, energyWh]),
    [['BUYER', 0]],
  );
  assert.deepEqual(desk.openOrdersOf('SELLER'), []);
  assert.deepEqual(
    store.orders.map(({ meterId }) => meterId),
    ['BUYER'],
  );
});

test('orders are taken a day ahead, not further', async () => {
  const { store, desk } = opened();
  await desk.request('A', { mRID: mRID(1), energyWh: 100, window: window(288) });
  const far = desk.request('A', { mRID: mRID(2), energyWh: 100, window: window(289) });
  await assert.rejects(far, { code: 'GTX-ORD-002' });
  assert.equal(store.orders.length, 1);
});

test('an order that is not one is refused, and kept nowhere', async () => {
  const { store, desk } = opened();
  const order = { mRID: mRID(1), energyWh: 100, window: window(2) };
  const wrong = [
    { ...order, window: window(2) + 1 },
    { ...order, energyWh: 0 },
    { ...order, energyWh: 0.5 },
    { ...order, energyWh: Number.NaN },
    { ...order, energyWh: Number.POSITIVE_INFINITY },
    { ...order, energyWh: 1e9 },
    { ...order, mRID: 'x' },
  ];
  for (const terms of wrong) await assert.rejects(desk.request('A', terms), { code: 'GTX-MKT-001' });
  assert.deepEqual([store.orders, desk.openOrdersOf('A')], [[], []]);
});

test('the sign says whether it buys or sells; without terms it trades at any price', async () => {
  const { store, desk } = opened();
  await desk.request('A', { mRID: mRID(1), energyWh: 100, window: window(2) });
  await desk.request('A', { mRID: mRID(2), energyWh: -70, window: window(2) });
  assert.deepEqual(
    store.orders.map(({ side, energyWh, limit }) => [side, energyWh, limit]),
    [
      ['buy', 100, MAX_LIMIT],
      ['sell', 70, 0],
    ],
  );
});

test('the same request changes nothing, another one under its mRID is refused', async () => {
  const { store, desk } = opened();
  const sold = { mRID: mRID(1), energyWh: -100, window: window(2) };
  await desk.request('A', sold);
  await desk.request('A', sold);
  assert.equal(store.orders.length, 1);
  for (const changed of [{ energyWh: -101 }, { energyWh: 100 }, { window: window(3) }]) {
    await assert.rejects(desk.request('A', { ...sold, ...changed }), { code: 'GTX-MKT-003' });
  }
  // The key is meter and mRID.
  await desk.request('B', { ...sold, energyWh: 5 });
  assert.deepEqual([desk.openOrdersOf('A').length, desk.openOrdersOf('B').length, store.orders.length], [1, 1, 2]);
});

test('terms go with their own request, meter by meter', async () => {
  const { store, desk } = opened();
  desk.offerTerms('A', mRID(1), 150_000);
  desk.offerTerms('B', mRID(1), 90_000);
  for (const meterId of ['A', 'B', 'C']) {
    await desk.request(meterId, { mRID: mRID(1), energyWh: 10, window: window(2) });
  }
  assert.deepEqual(
    store.orders.map(({ limit }) => limit),
    [150_000, 90_000, MAX_LIMIT],
  );
});

test('a meter keeps 64 terms and 64 open orders, no more', async () => {
  const { store, desk } = opened();
  for (let n = 0; n < 65; n++) desk.offerTerms('A', mRID(n), 1000 + n);
  for (let n = 0; n < 64; n++) await desk.request('A', { mRID: mRID(n), energyWh: 10, window: window(2) });
  // The oldest terms gave way.
  assert.deepEqual(
    store.orders.slice(0, 2).map(({ limit }) => limit),
    [MAX_LIMIT, 1001],
  );
  const oneMore = { mRID: mRID(64), energyWh: 10, window: window(2) };
  await assert.rejects(desk.request('A', oneMore), { code: 'GTX-ORD-003' });
  await desk.request('B', oneMore);
  await desk.closeGate(UnixSeconds(window(2) - GATE_LEAD_SECONDS));
  await desk.request('A', { ...oneMore, window: window(4) });
});

test('an order that could not be stored was not taken', async () => {
  const { store, desk } = opened();
  const terms = { mRID: mRID(1), energyWh: 10, window: window(2) };
  store.failure = new Error('the disk is gone');
  await assert.rejects(desk.request('A', terms), store.failure);
  assert.deepEqual(desk.openOrdersOf('A'), []);
  store.failure = undefined;
  await desk.request('A', terms);
  assert.equal(desk.openOrdersOf('A').length, 1);
});

test('open orders are listed by window, then mRID', async () => {
  const { desk } = opened();
  for (const [n, at] of [
    [2, 3],
    [3, 2],
    [1, 3],
  ] as const) {
    await desk.request('A', { mRID: mRID(n), energyWh: 10, window: window(at) });
  }
  assert.deepEqual(
    desk.openOrdersOf('A').map((order) => order.mRID),
    [mRID(3), mRID(1), mRID(2)],
  );
});

test('a closing gate clears its window alone, stores it, and answers everyone, with 0 Wh too', async () => {
  const { clock, store, desk } = opened();
  await desk.request('BUYER', { mRID: mRID(1), energyWh: 100, window: window(2) });
  await desk.request('SELLER', { mRID: mRID(2), energyWh: -60, window: window(2) });
  desk.offerTerms('DEAR', mRID(3), MAX_LIMIT);
  await desk.request('DEAR', { mRID: mRID(3), energyWh: -60, window: window(2) });
  await desk.request('BUYER', { mRID: mRID(4), energyWh: 100, window: window(3) });
  const gate = UnixSeconds(window(2) - GATE_LEAD_SECONDS);
  clock.setNow(gate);
  const closed = await desk.closeGate(gate);
  assert.equal(closed.window, window(2));
  assert.deepEqual(
    store.clearings.map(({ window: of, at }) => [of, at]),
    [[window(2), gate]],
  );
  const got = (meterId: string) =>
    desk.allocationsOf(meterId).map((given) => [given.mRID, given.window, given.energyWh, given.clearedAt]);
  const { fills } = closed.clearing;
  const filled = (meterId: string): number => fills.find((fill) => fill.meterId === meterId)?.energyWh ?? Number.NaN;
  assert.deepEqual(got('BUYER'), [[mRID(1), window(2), 100, gate]]);
  assert.equal(filled('SELLER') + filled('DEAR'), 100);
  assert.deepEqual(got('SELLER'), [[mRID(2), window(2), 0 - filled('SELLER'), gate]]);
  assert.deepEqual(
    desk.openOrdersOf('BUYER').map((order) => order.mRID),
    [mRID(4)],
  );
  assert.deepEqual(desk.openOrdersOf('SELLER'), []);

  const alone = await desk.closeGate(UnixSeconds(gate + WINDOW_SECONDS));
  assert.equal(alone.clearing.matchedWh, 0);
  assert.deepEqual(got('BUYER')[0], [mRID(4), window(3), 0, gate + WINDOW_SECONDS]);
  assert.deepEqual(desk.openOrdersOf('BUYER'), []);
});

test('an order whose gate passed while nobody cleared is dropped, not cleared late', async () => {
  const { store, desk } = opened();
  await desk.request('A', { mRID: mRID(1), energyWh: 10, window: window(2) });
  await desk.closeGate(window(2));
  assert.deepEqual([desk.openOrdersOf('A'), desk.allocationsOf('A')], [[], []]);
  assert.deepEqual(store.clearings[0]?.clearing.fills, []);
});

test('answers are kept for an hour of windows, the newest first', async () => {
  const { clock, desk } = opened();
  for (let n = 2; n < 16; n++) {
    clock.setNow(UnixSeconds(window(n) - GATE_LEAD_SECONDS));
    await desk.request('A', { mRID: mRID(n), energyWh: 10, window: window(n) });
    await desk.closeGate(clock.now());
  }
  assert.deepEqual(
    desk.allocationsOf('A').map((given) => given.window),
    Array.from({ length: 12 }, (_, n) => window(15 - n)),
  );
  assert.deepEqual(desk.allocationsOf('B'), []);
});

test('after a restart open orders are open, and answers are answered', async () => {
  const order = (n: number, side: Side, at: number): Order => ({
    meterId: 'A',
    mRID: mRID(n),
    side,
    energyWh: Wh(100),
    limit: MicroPerKWh(1),
    window: window(at),
  });
  const { store, desk } = opened();
  desk.restore(
    [order(3, 'buy', 3)],
    [
      { ...order(1, 'sell', 1), filledWh: Wh(40) },
      { ...order(2, 'buy', 2), filledWh: Wh(0) },
    ],
  );
  assert.deepEqual(
    desk.allocationsOf('A').map(({ mRID: of, energyWh, clearedAt }) => [of, energyWh, clearedAt]),
    [
      [mRID(2), 0, window(2) - GATE_LEAD_SECONDS],
      [mRID(1), -40, window(1) - GATE_LEAD_SECONDS],
    ],
  );
  await desk.request('A', { mRID: mRID(3), energyWh: 100, window: window(3) });
  assert.deepEqual([store.orders.length, desk.openOrdersOf('A').length], [0, 1]);
  const { clearing } = await desk.closeGate(UnixSeconds(window(3) - GATE_LEAD_SECONDS));
  assert.deepEqual(
    clearing.fills.map((fill) => fill.mRID),
    [mRID(3)],
  );
});

test('an order taken back is neither cleared nor kept; after its gate it stands', async () => {
  const { store, desk } = opened();
  await desk.request('A', { mRID: mRID(1), energyWh: -500, window: window(2) });
  store.failure = new Error('disk full');
  await assert.rejects(desk.withdraw('A', mRID(1)), /disk full/);
  assert.equal(desk.openOrdersOf('A').length, 1);
  store.failure = undefined;
  assert.equal(await desk.withdraw('A', mRID(1)), true);
  assert.deepEqual([store.orders, desk.openOrdersOf('A')], [[], []]);
  assert.equal(await desk.withdraw('A', mRID(1)), false);
});
