import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pvLimit, type StorageSituation, storageSetpoint } from './storage.ts';

const situation: StorageSituation = {
  loadW: 10_000,
  pvW: 4_000,
  stateOfChargeCentiPercent: 5_000,
  reserveCentiPercent: 2_000,
  ratedW: 15_000,
  commitmentW: 0,
  importLimitW: 50_000,
  exportLimitW: 50_000,
};

test('without trades the storage covers the need and takes the surplus', () => {
  assert.equal(storageSetpoint(situation), 6_000);
  assert.equal(storageSetpoint({ ...situation, pvW: 12_000 }), -2_000);
});

test('bought energy comes from the grid, sold energy goes to it', () => {
  assert.equal(storageSetpoint({ ...situation, commitmentW: 2_000 }), 4_000);
  assert.equal(storageSetpoint({ ...situation, commitmentW: -2_000 }), 8_000);
});

test('at the reserve it does not discharge, full it does not charge', () => {
  assert.equal(storageSetpoint({ ...situation, stateOfChargeCentiPercent: 2_000 }), 0);
  assert.equal(storageSetpoint({ ...situation, pvW: 12_000, stateOfChargeCentiPercent: 10_000 }), 0);
});

test('the setpoint is within the rating and never moves the connection point further over a limit', () => {
  const watts = fc.integer({ min: 0, max: 60_000 });
  const law = fc.record({
    loadW: watts,
    pvW: watts,
    stateOfChargeCentiPercent: fc.integer({ min: 0, max: 10_000 }),
    reserveCentiPercent: fc.integer({ min: 0, max: 5_000 }),
    ratedW: fc.integer({ min: 0, max: 20_000 }),
    commitmentW: fc.integer({ min: -60_000, max: 60_000 }),
    importLimitW: watts,
    exportLimitW: watts,
  });
  fc.assert(
    fc.property(law, (s) => {
      const storageW = storageSetpoint(s);
      const netW = s.loadW - s.pvW;
      const gridW = netW - storageW;
      assert.ok(Math.abs(storageW) <= s.ratedW);
      assert.ok(gridW <= Math.max(s.importLimitW, netW));
      assert.ok(gridW >= Math.min(-s.exportLimitW, netW));
    }),
  );
});

test('PV is limited only as far as load and storage leave no room for export', () => {
  assert.equal(pvLimit({ loadW: 10_000, exportLimitW: 5_000 }, 0 as never, 15_000), null);
  assert.equal(pvLimit({ loadW: 10_000, exportLimitW: 5_000 }, 2_000 as never, 20_000), 13_000);
  assert.equal(pvLimit({ loadW: 0, exportLimitW: 0 }, 1_000 as never, 20_000), 0);
});
