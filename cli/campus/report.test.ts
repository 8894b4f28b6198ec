import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { UnixSeconds } from '#hal/units.ts';
import type { BoardReport, FleetReport } from '#edge/fleet/protocol.ts';
import type { HeadEndReport } from '#head-end/protocol.ts';
import { campusReport } from './report.ts';

const board = (meterId: string, more: Partial<BoardReport> = {}): BoardReport => ({
  meterId,
  posted: 0,
  acknowledged: 0,
  acknowledgedEver: 0,
  waiting: 0,
  ...more,
});

const fleet = (boards: readonly BoardReport[]): FleetReport => ({
  boards,
  earliest: UnixSeconds(0),
  acknowledgedThrough: {},
  tls: {
    cipher: 'CCM8',
    version: 'TLSv1.2',
    keys: { tpm: 0, software: boards.length },
    tpmSignatures: 0,
    handshakes: boards.length,
  },
  latencyMs: { postP50: 1, postP99: 2 },
  rssBytes: 150_600_000,
});

const noEnergy = {
  generation: 0,
  consumption: 0,
  gridImport: 0,
  gridExport: 0,
  storageCharge: 0,
  storageDischarge: 0,
  losses: 0,
};

const headEnd = (more: Partial<HeadEndReport> = {}): HeadEndReport => ({
  readings: { stored: 0, duplicates: 0, storedThrough: {} },
  energyWh: noEnergy,
  windows: 3,
  market: { trades: 1, pairsUsed: 1, volumeWh: 77, meanPriceMicroPerKWh: 5, matchSuccess: 1 },
  settlement: {
    transactions: 1,
    confirmed: 1,
    failed: 0,
    tradesSettled: 1,
    moneyResidueMicro: 0,
    ledger: 'embedded',
  },
  rssBytes: 199_400_000,
  ...more,
});

test('a report joins what both ends counted', () => {
  const boards = [board('A', { posted: 18, acknowledged: 9 }), board('B', { posted: 9, acknowledged: 9 })];
  const report = campusReport(
    fleet(boards),
    headEnd({ readings: { stored: 18, duplicates: 2, storedThrough: { A: 9, B: 9 } } }),
    1234.5,
  );
  assert.deepEqual(report.readings, { posted: 27, acknowledged: 18, stored: 18, lost: 0, duplicates: 2 });
  assert.deepEqual([report.meters, report.windows, report.elapsedMs], [2, 3, 1235]);
  assert.deepEqual(report.rssMb, { headEnd: 199, boards: 151 });
  assert.equal(report.energyWh.p2p, 77);
});

const wh = fc.integer({ min: 0, max: 10_000_000 });
const flows = fc.record({
  generation: wh,
  gridImport: wh,
  storageDischarge: wh,
  storageCharge: wh,
  losses: wh,
  gridExport: wh,
});

test('energy that is conserved leaves no residue, and one that is not leaves just that', () => {
  fc.assert(
    fc.property(flows, fc.integer({ min: -1000, max: 1000 }), (energy, missing) => {
      const { generation, gridImport, storageDischarge, storageCharge, losses, gridExport } = energy;
      const consumption = generation + gridImport + storageDischarge - storageCharge - losses - gridExport - missing;
      const report = campusReport(fleet([]), headEnd({ energyWh: { ...energy, consumption } }), 0);
      assert.equal(report.energyWh.residue, missing);
    }),
  );
});

test('lost is what a board was told is stored and is not, board by board; a surplus of one covers no other', () => {
  const counts = fc.array(fc.tuple(fc.nat(1000), fc.option(fc.nat(1000), { nil: undefined })), { maxLength: 8 });
  fc.assert(
    fc.property(counts, (pairs) => {
      const boards = pairs.map(([told], i) => board(`M${i}`, { acknowledgedEver: told }));
      const storedThrough = Object.fromEntries(
        pairs.flatMap(([, stored], i) => (stored === undefined ? [] : [[`M${i}`, stored] as const])),
      );
      const { readings } = campusReport(
        fleet(boards),
        headEnd({ readings: { stored: 0, duplicates: 0, storedThrough } }),
        0,
      );
      const missing = pairs.map(([told, stored = 0]) => (told > stored ? told - stored : 0));
      assert.equal(
        readings.lost,
        missing.reduce((sum, n) => sum + n, 0),
      );
    }),
  );
});
