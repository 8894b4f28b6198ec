import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CampusReport } from '#cli/campus/report.ts';
import { runToEnd, shortCampus, temporaryFolder, twoBoards } from './campus-process.ts';

const noonInJune = ['--start', '2026-06-22T11:00:00-07:00', '--speed', 'max', '--seed', '7'];

/** What the same seed must give again: all but wall times, memory and what depends on keys. */
const repeatable = ({ latencyMs: _latency, elapsedMs: _elapsed, rssMb: _rss, ...report }: CampusReport) => report;

const quarter = (data: string, ...more: readonly string[]): readonly string[] =>
  shortCampus(data, [...noonInJune, '--hours', '0.25', ...more]);

test('a quarter of an hour of campus: every reading arrives, energy and money are conserved, trades are settled', async (t) => {
  const report = await runToEnd(quarter(temporaryFolder(t, 'campus'), '--sample', '1'));
  const { readings, energyWh, market, settlement, tls, windows } = report;
  const postings = 900 / 15 + 1;
  assert.equal(report.meters, 25);
  assert.deepEqual(readings, {
    posted: 25 * 9 * postings,
    acknowledged: 25 * 9 * postings,
    stored: 25 * 9 * postings,
    lost: 0,
    duplicates: 0,
  });
  // Every register counts whole Wh: eight a board, each at most 1 Wh short at either end.
  assert.ok(Math.abs(energyWh.residue) <= 25 * 8, `residue ${energyWh.residue} Wh`);
  assert.ok(energyWh.generation > 0 && energyWh.consumption > 0);
  assert.equal(windows, 2);
  assert.ok(market.trades > 0 && market.volumeWh > 0);
  assert.equal(energyWh.p2p, market.volumeWh);
  assert.equal(settlement.moneyResidueMicro, 0);
  assert.equal(settlement.failed, 0);
  assert.equal(settlement.tradesSettled, market.trades);
  assert.equal(settlement.confirmed, settlement.transactions);
  assert.deepEqual(tls, {
    cipher: 'ECDHE-ECDSA-AES128-CCM8',
    version: 'TLSv1.2',
    keys: { tpm: 0, software: 25 },
    tpmSignatures: 0,
    handshakes: 25,
  });

  await t.test('the same seed gives the same readings, trades and settlement', async (u) => {
    const again = await runToEnd(quarter(temporaryFolder(u, 'again'), '--sample', '1'));
    assert.deepEqual(repeatable(again), repeatable(report));
  });
});

test('another seed gives other weather, and a second run goes on where the first one ended', async (t) => {
  const two = twoBoards(t);
  const data = temporaryFolder(t, 'data');
  const first = await runToEnd(quarter(data, '--sample', '15', ...two));

  await t.test('another seed', async () => {
    const other = await runToEnd(quarter(temporaryFolder(t, 'seed'), '--sample', '15', ...two, '--seed', '1'));
    assert.notDeepEqual(other.energyWh, first.energyWh);
  });

  await t.test('a second run', async () => {
    const second = await runToEnd(quarter(data, '--sample', '15', ...two, '--start', '2026-06-22T12:00:00-07:00'));
    assert.equal(second.readings.lost, 0);
    assert.equal(second.readings.stored, first.readings.stored);
    assert.equal(second.settlement.moneyResidueMicro, 0);
  });
});
