import assert from 'node:assert/strict';
import { test } from 'node:test';
import { start } from '../client/test-utility.ts';
import { type DispatchRun, runDispatch } from './dispatch-bench.ts';
import { capacityWh, ratedPvW, ratedStorageW, TestSite } from './test-site.ts';

const run: DispatchRun = {
  start,
  days: 365,
  stepSeconds: 15,
  seed: 1,
  pvRatedW: ratedPvW,
  batteryRatedW: ratedStorageW,
  capacityWh,
  reservePercent: 10,
  charge: 50,
  rules: { importLimitW: 100_000, exportLimitW: 100_000, whenLost: {} },
  isEventful: false,
};

test('a year with trades and events: powers and charge stay within their limits every second', () => {
  const { lowestCentiPercent, highestCentiPercent, deciders } = runDispatch({
    ...run,
    isEventful: true,
    peakShaving: { aboveW: 8_000, keepCentiPercent: 4_000 },
  });
  assert.ok(
    lowestCentiPercent >= 490 && highestCentiPercent <= 10_000,
    `${lowestCentiPercent} to ${highestCentiPercent}`,
  );
  for (const by of ['market', 'storageTarget', 'target', 'import', 'export', 'device', 'peakShaving'] as const) {
    assert.ok(deciders.has(by), by);
  }
});

/** A day's course without chance: the same for both. */
const traces = {
  loadW: (time: number): number => Math.round(2_500 + 1_500 * Math.sin((time % 86_400) / 9_000) + 40 * (time % 7)),
  pvW: (time: number): number => Math.max(0, Math.round(9_000 * Math.sin(((time % 86_400) - 21_600) / 13_751))),
};

test('one day on the wire is the same day as in the harness', async (t) => {
  const site = await TestSite.start(t, { traces, charge: 50, sampleSeconds: 15 });
  await site.runTo(86_400);
  const harness = runDispatch({ ...run, days: 1, traces });
  const { site: wire } = site.building;
  const near = (name: string, one: number, other: number, within: number): void =>
    assert.ok(Math.abs(one - other) <= within, `${name}: ${one} on the wire, ${other} in the harness`);
  near('generation', wire.generationWh, harness.generationWh, 0.02 * harness.generationWh);
  near('import', wire.importWh, harness.importWh, 0.02 * harness.importWh + 300);
  near('export', wire.exportWh, harness.exportWh, 0.02 * harness.exportWh + 300);
  near('charge', wire.stateOfChargeCentiPercent, harness.stateOfChargeCentiPercent, 150);
});
