import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { defaultTariff, offeredEnergy, type Outlook, priceLimit, strategies } from './forecast.ts';

const storage = { stateOfChargeCentiPercent: 5_000, reserveCentiPercent: 2_000, capacityWh: 30_000, ratedW: 15_000 };
const outlook = (netW: number, store: Outlook['storage'] = storage): Outlook => ({
  netW,
  windowSeconds: 300,
  limits: { importW: 1_000_000, exportW: 1_000_000 },
  storage: store,
});

test('without storage the whole expectation is offered', () => {
  assert.equal(offeredEnergy({ ...outlook(12_000), storage: undefined }, strategies.academic), 1_000);
  assert.equal(offeredEnergy({ ...outlook(-12_000), storage: undefined }, strategies.academic), -1_000);
});

test('a store that has room takes its share of a surplus, and gives its share of a need', () => {
  assert.equal(offeredEnergy(outlook(-12_000), strategies.athletic), -600);
  assert.equal(offeredEnergy(outlook(12_000), strategies.residential), 700);
});

test('a full store takes nothing and one at its reserve gives nothing', () => {
  assert.equal(
    offeredEnergy(outlook(-12_000, { ...storage, stateOfChargeCentiPercent: 10_000 }), strategies.athletic),
    -1_000,
  );
  assert.equal(
    offeredEnergy(outlook(12_000, { ...storage, stateOfChargeCentiPercent: 2_000 }), strategies.athletic),
    1_000,
  );
});

test('a well charged store of a flexible building is for sale, and never deeper than its reserve', () => {
  assert.equal(
    offeredEnergy(outlook(12_000, { ...storage, stateOfChargeCentiPercent: 9_000 }), strategies.support),
    -625,
  );
  assert.equal(
    offeredEnergy(
      outlook(12_000, { ...storage, stateOfChargeCentiPercent: 6_000, reserveCentiPercent: 5_990 }),
      strategies.support,
    ),
    -30,
  );
});

test('without supply, an offer never exceeds the expectation nor changes its side', () => {
  const charge = fc.integer({ min: 0, max: 10_000 });
  fc.assert(
    fc.property(
      fc.integer({ min: -80_000, max: 80_000 }),
      charge,
      fc.constantFrom(strategies.academic, strategies.residential, strategies.research),
      (netW, soc, strategy) => {
        const offered = offeredEnergy(outlook(netW, { ...storage, stateOfChargeCentiPercent: soc }), strategy);
        const expected = (netW * 300) / 3600;
        assert.ok(Number.isSafeInteger(offered));
        assert.ok(expected >= 0 ? offered >= 0 && offered <= expected : offered <= 0 && offered >= expected);
      },
    ),
  );
});

test('a price limit lies between feed-in and retail less the grid fee, the same for the same seed', () => {
  const { feedIn, retail, gridFee } = defaultTariff;
  fc.assert(
    fc.property(
      fc.constantFrom('buy' as const, 'sell' as const),
      fc.integer({ min: 0, max: 10_000 }),
      fc.nat(),
      fc.nat(),
      (side, soc, seed, window) => {
        const limit = priceLimit(side, soc, defaultTariff, seed, window);
        assert.ok(limit >= feedIn && limit <= retail - gridFee);
        assert.equal(limit, priceLimit(side, soc, defaultTariff, seed, window));
      },
    ),
  );
});
