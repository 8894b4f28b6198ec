import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CampusReport } from '#cli/campus/report.ts';
import { runToEnd, shortCampus, temporaryFolder } from './campus-process.ts';

const noonInJune = ['--start', '2026-06-22T11:00:00-07:00', '--speed', 'max', '--seed', '7'];

/** What the same seed must give again: all but wall times, memory and what depends on keys. */
const repeatable = ({ latencyMs: _latency, elapsedMs: _elapsed, rssMb: _rss, ...report }: CampusReport) => report;

test('a quarter of an hour of campus: every reading arrives, energy and money are conserved, trades are settled', async (t) => {
  const report = await runToEnd(
    shortCampus(temporaryFolder(t, 'campus'), [...noonInJune, '--hours', '0.25', '--sample', '1']),
  );
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
});

test('what a seed decides, and what a second run finds', async (t) => {
  const quick = (data: string, ...more: readonly string[]): readonly string[] =>
    shortCampus(data, [...noonInJune, '--hours', '0.35', '--sample', '15', ...more]);
  const data = temporaryFolder(t, 'first');
  const first = await runToEnd(quick(data));

  await t.test('the same seed gives the same readings, trades and settlement', async () => {
    assert.deepEqual(repeatable(await runToEnd(quick(temporaryFolder(t, 'second')))), repeatable(first));
  });

  await t.test('another seed gives other weather', async () => {
    assert.notDeepEqual((await runToEnd(quick(temporaryFolder(t, 'seed'), '--seed', '1'))).energyWh, first.energyWh);
  });

  await t.test('a second run goes on where the first one ended', async () => {
    const second = await runToEnd(quick(data, '--start', '2026-06-22T12:00:00-07:00'));
    assert.equal(second.readings.lost, 0);
    assert.equal(second.readings.stored, first.readings.stored);
    assert.equal(second.settlement.moneyResidueMicro, 0);
  });
});
