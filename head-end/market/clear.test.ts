import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { monotonicMs } from '#hal/wall.ts';
import { uniform } from '#hal/random.ts';
import { MicroPerKWh, Wh } from '#hal/units.ts';
import { arbitraryBook, bookShapes, WINDOW } from './arbitrary-orders.ts';
import { clearZone, matchSuccess } from './clear.ts';
import { assertLaws, naiveMatching, naiveVolume, naiveWelfare, welfareOf } from './laws.ts';
import type { Order, Side } from './orders.ts';

let serial = 0;
const order = (meterId: string, side: Side, energyWh: number, limit: number): Order => ({
  meterId,
  mRID: (serial++).toString(16).padStart(32, '0'),
  side,
  energyWh: Wh(energyWh),
  limit: MicroPerKWh(limit),
  window: WINDOW,
});
const filled = (orders: readonly Order[], of: Order): number | undefined =>
  clearZone(orders).fills.find((fill) => fill.mRID === of.mRID)?.energyWh;

test('without orders, or without a bid that reaches an ask, nothing is matched and there is no price', () => {
  const empty = clearZone([]);
  assert.deepEqual([empty.price, empty.window, empty.trades, matchSuccess(empty)], [null, null, [], null]);
  const apart = clearZone([order('A', 'sell', 10, 200), order('B', 'buy', 10, 199)]);
  assert.deepEqual([apart.price, apart.interval, apart.matchableWh, apart.fills.length], [null, null, 0, 2]);
});

test('a participant on both sides gets no more of the longer side than the others can take up', () => {
  const [bid, rest] = [order('A', 'buy', 100, 100), order('C', 'buy', 70, 100)];
  const book = [order('A', 'sell', 60, 100), order('B', 'sell', 40, 100), bid, rest];
  assert.deepEqual([filled(book, bid), filled(book, rest)], [40, 60]);
  assert.equal(clearZone(book).matchedWh, 100);
});

test('the price is the middle, rounded down, between the last accepted and the first rejected offers', () => {
  const book = [
    order('A', 'sell', 10, 100),
    order('B', 'sell', 10, 180),
    order('C', 'buy', 10, 300),
    order('D', 'buy', 10, 131),
  ];
  const clearing = clearZone(book);
  assert.deepEqual(clearing.interval, { low: 131, high: 180 });
  assert.equal(clearing.price, 155);
  assert.equal(matchSuccess(clearing), 1);
});

test('an order accepted in part pins the price to its limit', () => {
  const clearing = clearZone([order('A', 'sell', 30, 100), order('B', 'buy', 10, 300)]);
  assert.deepEqual(clearing.interval, { low: 100, high: 100 });
});

test('offers at the margin share pro rata, odd Wh to the largest remainders, ties by meter id', () => {
  const [a, b, c] = [order('A', 'sell', 10, 100), order('B', 'sell', 10, 100), order('C', 'sell', 20, 100)];
  const book = [c, b, a, order('D', 'buy', 22, 300)];
  // 5.5, 5.5 and 11: the odd Wh goes to A.
  assert.deepEqual([filled(book, a), filled(book, b), filled(book, c)], [6, 5, 11]);
});

test('a participant on both sides sells to others and buys from others, and never to itself', () => {
  const [sell, buy] = [order('A', 'sell', 10, 100), order('A', 'buy', 10, 300)];
  const book = [sell, buy, order('B', 'sell', 10, 100), order('C', 'buy', 10, 300)];
  assert.deepEqual([filled(book, sell), filled(book, buy)], [10, 10]);
  assertLaws(book, clearZone(book));
});

test('what a participant could sell to nobody but itself is left out, and the others get all they can', () => {
  const [sell, buy] = [order('A', 'sell', 100, 100), order('A', 'buy', 100, 300)];
  const book = [sell, buy, order('B', 'sell', 7, 100), order('C', 'buy', 4, 300)];
  const clearing = clearZone(book);
  assert.equal(clearing.matchedWh, 11);
  assert.deepEqual([filled(book, sell), filled(book, buy)], [4, 7]);
  assertLaws(book, clearing);
  const alone = clearZone([sell, buy]);
  assert.deepEqual([alone.price, alone.matchedWh, alone.trades], [null, 0, []]);
});

test('pro rata gives way where one participant would have to trade with itself', () => {
  // B buys all 10 of the demand; of the sellers at the margin only A's 10 can serve it.
  const [a, b] = [order('A', 'sell', 10, 100), order('B', 'sell', 10, 100)];
  const sellers = [a, b, order('B', 'buy', 10, 300)];
  assert.deepEqual([filled(sellers, a), filled(sellers, b)], [10, 0]);
  const [c, d] = [order('C', 'buy', 10, 100), order('D', 'buy', 10, 100)];
  const buyers = [c, d, order('D', 'sell', 10, 50)];
  assert.deepEqual([filled(buyers, c), filled(buyers, d)], [10, 0]);
});

test('match success falls below 1 when a participant blocks the market with crossing orders of its own', () => {
  const book = [
    order('A', 'sell', 100, 1),
    order('A', 'buy', 100, 10),
    order('C', 'sell', 1, 4),
    order('D', 'sell', 1, 9),
  ];
  const clearing = clearZone(book);
  assert.deepEqual([clearing.matchedWh, clearing.matchableWh, matchSuccess(clearing)], [0, 2, 0]);
});

for (const shape of bookShapes) {
  test(`every clearing of up to ${shape.orders} orders of ${shape.meters} meters keeps the laws`, () => {
    fc.assert(
      fc.property(arbitraryBook(shape), (book) => assertLaws(book, clearZone(book))),
      { numRuns: 300 },
    );
  });
}

test('the order in which orders arrive changes nothing', () => {
  const shape = { meters: 6, limits: 5, energyWh: 50, orders: 20 };
  const shuffled = arbitraryBook(shape).chain((book) =>
    fc.tuple(fc.constant(book), fc.shuffledSubarray(book, { minLength: book.length })),
  );
  fc.assert(fc.property(shuffled, ([book, other]) => assert.deepEqual(clearZone(other), clearZone(book))));
});

test('volume and welfare are the greatest there are, by a solver that shares no code', () => {
  const distinct = arbitraryBook({ meters: 1, limits: 8, energyWh: 12, orders: 14 }).map((book) =>
    book.map((one, index) => ({ ...one, meterId: `M${index}` })),
  );
  fc.assert(
    fc.property(distinct, (book) => {
      const clearing = clearZone(book);
      assert.equal(clearing.matchedWh, naiveVolume(book));
      assert.equal(clearing.matchableWh, clearing.matchedWh);
      assert.equal(welfareOf(book, clearing), naiveWelfare(book));
    }),
    { numRuns: 300 },
  );
});

test('with meters on both sides the volume is the greatest at the price, and matchable the greatest at any price', () => {
  fc.assert(
    fc.property(arbitraryBook({ meters: 3, limits: 4, energyWh: 6, orders: 8 }), (book) => {
      const clearing = clearZone(book);
      if (clearing.price !== null) assert.equal(clearing.matchedWh, naiveMatching(book, clearing.price));
      const best = Math.max(0, ...book.map((one) => naiveMatching(book, one.limit)));
      assert.equal(clearing.matchableWh, best);
    }),
    { numRuns: 300 },
  );
});

test('10,000 orders are cleared well within a second', () => {
  const book = Array.from({ length: 10_000 }, (_, index) =>
    order(
      `METER_${index}`,
      uniform(1, index) < 0.5 ? 'buy' : 'sell',
      1 + Math.floor(uniform(2, index) * 9_000),
      80_000 + Math.floor(uniform(3, index) * 240_000),
    ),
  );
  const start = monotonicMs();
  const clearing = clearZone(book);
  assert.ok(monotonicMs() - start < 500, `${monotonicMs() - start} ms`);
  assertLaws(book.slice(0, 0), clearZone([]));
  assert.equal(clearing.matchedWh, naiveVolumeOfMany(book));
});

/** Volume by walking down both sorted curves. */
function naiveVolumeOfMany(book: readonly Order[]): number {
  let best = 0;
  const prices = book.map((one) => one.limit).toSorted((a, b) => a - b);
  const sells = book.filter((one) => one.side === 'sell').toSorted((a, b) => a.limit - b.limit);
  const buys = book.filter((one) => one.side === 'buy').toSorted((a, b) => a.limit - b.limit);
  let [supply, at, gone] = [0, 0, 0];
  let demand = buys.reduce((total, one) => total + one.energyWh, 0);
  for (const price of prices) {
    for (; (sells[at]?.limit ?? Number.POSITIVE_INFINITY) <= price; at++) supply += sells[at]?.energyWh ?? 0;
    for (; (buys[gone]?.limit ?? Number.POSITIVE_INFINITY) < price; gone++) demand -= buys[gone]?.energyWh ?? 0;
    best = Math.max(best, Math.min(supply, demand));
  }
  return best;
}
