import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MicroPerKWh, UnixSeconds, Wh } from '#hal/units.ts';
import { MAX_ORDER_WH, type Order } from './orders.ts';
import { ration, type Shares } from './ration.ts';

const order = (meterId: string, energyWh: number): Order => ({
  meterId,
  mRID: '0'.repeat(32),
  side: 'buy',
  energyWh: Wh(energyWh),
  limit: MicroPerKWh(100_000),
  window: UnixSeconds(0),
});

test('shares of the largest orders are exact, though their product is no safe integer', () => {
  const orders = [order('A', MAX_ORDER_WH), order('B', MAX_ORDER_WH), order('C', MAX_ORDER_WH)];
  const shares: Shares = new Map();
  ration(orders, MAX_ORDER_WH + 1, 100_000, shares);
  assert.deepEqual(
    orders.map((one) => shares.get(one)),
    [33_333_334, 33_333_334, 33_333_333],
  );
});

test('odd watt-hours go to the largest remainders, ties by meter id', () => {
  const orders = [order('A', 1), order('B', 1), order('C', 2)];
  const shares: Shares = new Map();
  ration(orders, 3, 100_000, shares);
  assert.deepEqual(
    orders.map((one) => shares.get(one)),
    [1, 1, 1],
  );
});
