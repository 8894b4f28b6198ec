import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MicroPerKWh, UnixSeconds, Wh } from '#hal/units.ts';
import type { Order, Side } from './orders.ts';
import { pairsOf } from './pair.ts';

const order = (meterId: string, side: Side, energyWh: number): Order => ({
  meterId,
  mRID: '0'.repeat(32),
  side,
  energyWh: Wh(energyWh),
  limit: MicroPerKWh(100_000),
  window: UnixSeconds(0),
});

test('an order without a share is passed over', () => {
  const [sell, left, right] = [order('A', 'sell', 5), order('B', 'buy', 9), order('C', 'buy', 5)];
  const shares = new Map([
    [sell, 5],
    [right, 5],
  ]);
  const pairs = pairsOf([sell, order('D', 'sell', 7)], [left, right], shares);
  assert.deepEqual(
    pairs.map((pair) => [pair.sell.meterId, pair.buy.meterId, pair.energyWh]),
    [['A', 'C', 5]],
  );
});

test('shares that do not add up are a fault, not a trade', () => {
  const [sell, buy] = [order('A', 'sell', 5), order('B', 'buy', 4)];
  const shares = new Map([
    [sell, 5],
    [buy, 4],
  ]);
  assert.throws(() => pairsOf([sell], [buy], shares), RangeError);
});

test('two participants that meet themselves do so much with little between them, and yet in few pairs', () => {
  const sells = [order('A', 'sell', 28_346_164), order('X', 'sell', 98_064_327), order('Y', 'sell', 89_917_981)];
  const buys = [
    order('B', 'buy', 24),
    order('C', 'buy', 49_816_003),
    order('Y', 'buy', 27_349_047),
    order('X', 'buy', 51_677_754),
    order('Y', 'buy', 87_485_644),
  ];
  const pairs = pairsOf(sells, buys, new Map([...sells, ...buys].map((each) => [each, each.energyWh])));
  assert.ok(pairs.every(({ sell, buy }) => sell.meterId !== buy.meterId));
  assert.ok(pairs.length <= 4 * (sells.length + buys.length), `${pairs.length} pairs`);
});
