import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Micro, MicroPerKWh, UnixSeconds, Wh } from '#hal/units.ts';
import { arbitraryBook, bookShapes } from '../market/arbitrary-orders.ts';
import { clearZone } from '../market/clear.ts';
import { paymentOf, type Trade } from '../market/trade.ts';
import { assertConserved, hashTrades, netWindow } from './netting.ts';

let serial = 0;
const trade = (seller: string, buyer: string, energyWh: number, price: number, fields: Partial<Trade> = {}): Trade => ({
  id: (++serial).toString(16).padStart(32, '0'),
  window: UnixSeconds(1_800_000_000),
  zone: 'campus',
  seq: serial,
  seller,
  sellMRID: '0'.repeat(32),
  buyer,
  buyMRID: '1'.repeat(32),
  energyWh: Wh(energyWh),
  price: MicroPerKWh(price),
  paymentMicro: paymentOf(Wh(energyWh), MicroPerKWh(price)),
  ...fields,
});

test('trades of a window become one net amount a participant and few transfers', () => {
  const netting = netWindow([
    trade('A', 'B', 1000, 100_000),
    trade('B', 'C', 500, 100_000),
    trade('A', 'C', 2000, 100_000),
  ]);
  assert.deepEqual(netting.nets, [
    { meterId: 'A', netMicro: 300_000, netWh: 3000 },
    { meterId: 'B', netMicro: -50_000, netWh: -500 },
    { meterId: 'C', netMicro: -250_000, netWh: -2500 },
  ]);
  assert.deepEqual(netting.transfers, [
    { from: 'B', to: 'A', amountMicro: 50_000 },
    { from: 'C', to: 'A', amountMicro: 250_000 },
  ]);
  assert.deepEqual([netting.volumeWh, netting.paymentMicro, netting.transferredMicro], [3500, 350_000, 300_000]);
});

test('no trades net to nothing', () => {
  const { nets, transfers, trades, volumeWh } = netWindow([]);
  assert.deepEqual([nets, transfers, trades, volumeWh], [[], [], 0, 0]);
});

test('both sums are conserved and transfers give everyone its net, with at most participants − 1 of them', () => {
  for (const shape of bookShapes) {
    fc.assert(
      fc.property(arbitraryBook(shape), (book) => {
        const { trades } = clearZone(book);
        const { nets, transfers, transferredMicro } = netWindow(trades);
        const left = new Map(nets.map((net) => [net.meterId, net.netMicro as number]));
        for (const { from, to, amountMicro } of transfers) {
          assert.ok(amountMicro > 0 && from !== to);
          left.set(from, (left.get(from) ?? 0) + amountMicro);
          left.set(to, (left.get(to) ?? 0) - amountMicro);
        }
        assert.ok([...left.values()].every((rest) => rest === 0));
        assert.ok(transfers.length <= Math.max(0, nets.length - 1));
        assert.ok(transferredMicro <= trades.reduce((sum, one) => sum + one.paymentMicro, 0));
      }),
    );
  }
});

test('the hash depends on every field of every trade and not on how the list is held', () => {
  const trades = [trade('A', 'B', 10, 7), trade('B', 'C', 20, 7)];
  const hash = hashTrades(trades);
  assert.match(hash, /^[0-9a-f]{64}$/);
  assert.equal(hashTrades(trades.toReversed()), hash);
  for (const [key, value] of Object.entries(trades[0] as Trade)) {
    const other = typeof value === 'number' ? value + 1 : `${value}x`;
    assert.notEqual(hashTrades([{ ...(trades[0] as Trade), [key]: other }, trades[1] as Trade]), hash, key);
  }
  assert.notEqual(hashTrades(trades.slice(1)), hash);
});

const good = trade('A', 'B', 1000, 100_000);
const unsound: readonly (readonly [string, readonly Trade[]])[] = [
  ['a payment that its price does not give', [{ ...good, paymentMicro: Micro(99_999) }]],
  ['one party on both sides', [{ ...good, buyer: 'A' }]],
  ['no energy', [{ ...good, energyWh: Wh(0), paymentMicro: Micro(0) }]],
  ['the id of another', [good, good]],
  ['another window', [good, trade('A', 'C', 1, 1, { window: UnixSeconds(1_800_000_300) })]],
  ['another zone', [good, trade('A', 'C', 1, 1, { zone: 'annex' })]],
];
for (const [what, trades] of unsound) {
  test(`a trade with ${what} is not settled`, () => {
    assert.throws(() => netWindow(trades), { code: 'GTX-SET-002' });
  });
}

test('nets that do not add up to zero are refused, be it money or energy', () => {
  const window = UnixSeconds(0);
  assert.throws(() => assertConserved([{ meterId: 'A', netMicro: Micro(1), netWh: Wh(0) }], window), {
    code: 'GTX-SET-001',
  });
  assert.throws(() => assertConserved([{ meterId: 'A', netMicro: Micro(0), netWh: Wh(-1) }], window), {
    code: 'GTX-SET-001',
  });
});

test('a sum beyond an exact number is refused rather than rounded', () => {
  const huge = Array.from({ length: 21 }, () => trade('A', 'B', 100_000_000, 0xffff_ffff));
  assert.throws(() => netWindow(huge), { code: 'GTX-SET-001' });
});
