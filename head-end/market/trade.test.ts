import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MicroPerKWh, Wh } from '#hal/units.ts';
import { MAX_LIMIT, MAX_ORDER_WH } from './orders.ts';
import { paymentOf } from './trade.ts';

test('a payment is floor(Wh × price ÷ 1000), exactly, over the whole range of orders', () => {
  const energy = fc.integer({ min: 1, max: MAX_ORDER_WH });
  const price = fc.integer({ min: 0, max: MAX_LIMIT });
  fc.assert(
    fc.property(energy, price, (energyWh, limit) => {
      const exact = (BigInt(energyWh) * BigInt(limit)) / 1000n;
      assert.equal(BigInt(paymentOf(Wh(energyWh), MicroPerKWh(limit))), exact);
    }),
  );
  assert.equal(paymentOf(Wh(999), MicroPerKWh(1)), 0);
  assert.equal(paymentOf(Wh(MAX_ORDER_WH), MicroPerKWh(MAX_LIMIT)), 429_496_729_500_000);
});
