import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { windowOf } from '#ieee2030_5/ext/windows.ts';
import { bookOf, checkOrder, MAX_LIMIT, MAX_ORDER_WH, type OrderInput } from './orders.ts';

const good: OrderInput = {
  meterId: 'AMI_METER_STANFORD_ENG_001',
  mRID: '0A0000000000000000000000000000FF',
  side: 'sell',
  energyWh: 1200,
  limit: 140_000,
  window: 1_800_000_000,
};

test('a good order passes, its mRID in lower case', () => {
  assert.deepEqual(checkOrder(good), { ...good, mRID: good.mRID.toLowerCase() });
  checkOrder({ ...good, side: 'buy', energyWh: MAX_ORDER_WH, limit: MAX_LIMIT });
  checkOrder({ ...good, energyWh: 1, limit: 0, window: 0 });
});

const bad: readonly Partial<OrderInput>[] = [
  { meterId: '' },
  { meterId: 'a b' },
  { meterId: 'x'.repeat(65) },
  { mRID: '0a' },
  { side: 'both' },
  { energyWh: 0 },
  { energyWh: 1.5 },
  { energyWh: MAX_ORDER_WH + 1 },
  { limit: -1 },
  { limit: MAX_LIMIT + 1 },
  { limit: Number.NaN },
  { window: 1_800_000_001 },
  { window: -300 },
];
for (const fields of bad) {
  test(`an order with ${JSON.stringify(fields)} is refused`, () => {
    assert.throws(() => checkOrder({ ...good, ...fields }), { code: 'GTX-MKT-001' });
  });
}

test('a window is named by the start of its five minutes', () => {
  assert.equal(windowOf(UnixSeconds(1_800_000_299)), 1_800_000_000);
  assert.equal(windowOf(UnixSeconds(1_800_000_300)), 1_800_000_300);
});

test('sellers stand cheapest first, buyers highest first, ties by meter id and then mRID', () => {
  const [one, two] = ['1', '2'].map((digit) => digit.padStart(32, '0')) as [string, string];
  const book = bookOf([
    checkOrder({ ...good, meterId: 'B', mRID: one, limit: 5 }),
    checkOrder({ ...good, meterId: 'A', mRID: two, limit: 5 }),
    checkOrder({ ...good, meterId: 'A', mRID: one, limit: 5 }),
    checkOrder({ ...good, meterId: 'Z', mRID: one, limit: 4 }),
    checkOrder({ ...good, meterId: 'C', mRID: one, side: 'buy', limit: 7 }),
    checkOrder({ ...good, meterId: 'D', mRID: one, side: 'buy', limit: 9 }),
  ]);
  assert.deepEqual(
    book.sells.map((order) => `${order.meterId}${order.mRID.at(-1)}`),
    ['Z1', 'A1', 'A2', 'B1'],
  );
  assert.deepEqual(
    book.buys.map((order) => order.meterId),
    ['D', 'C'],
  );
});

test('one live order for a meter id and mRID, and one window at a time', () => {
  const order = checkOrder(good);
  assert.throws(() => bookOf([order, order]), { code: 'GTX-MKT-002' });
  const later = checkOrder({ ...good, meterId: 'OTHER', window: 1_800_000_300 });
  assert.throws(() => bookOf([order, later]), { code: 'GTX-MKT-002' });
});
