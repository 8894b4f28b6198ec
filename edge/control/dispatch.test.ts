import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DispatchRun, runDispatch } from './dispatch-bench.ts';

const run: DispatchRun = {
  start: 1_782_136_800,
  days: 2,
  stepSeconds: 15,
  seed: 1,
  pvRatedW: 10_000,
  batteryRatedW: 5_000,
  capacityWh: 20_000,
  reservePercent: 10,
  charge: 50,
  rules: { importLimitW: 100_000, exportLimitW: 100_000, whenLost: {} },
  isEventful: false,
};

test('days with trades and events: powers and charge stay within their limits, and everything decides some time', () => {
  for (const seed of [1, 2]) {
    const { lowestCentiPercent, highestCentiPercent, deciders } = runDispatch({ ...run, seed, isEventful: true });
    assert.ok(lowestCentiPercent >= 500 && highestCentiPercent <= 10_000);
    for (const by of ['market', 'storageTarget', 'device'] as const) assert.ok(deciders.has(by), by);
  }
});

test('self-consumption takes less from the grid than a battery at rest', () => {
  const used = runDispatch(run);
  const rested = runDispatch({ ...run, reservePercent: 100, charge: 100 });
  assert.ok(used.importWh < 0.9 * rested.importWh, `${used.importWh} Wh, at rest ${rested.importWh} Wh`);
  assert.ok(used.exportWh < rested.exportWh);
  assert.ok(used.lowestCentiPercent >= 990, 'the reserve is kept');
});

/** An evening peak of two hours each day over a quiet load. */
const peaky = (time: number): number => (time % 86_400 < 79_200 && time % 86_400 >= 72_000 ? 9_000 : 3_000);

test('peaks are shaved with the charge that is kept for them, and storage makes ready for the next at night', () => {
  const traces = { loadW: peaky, pvW: () => 0 };
  const shaved = runDispatch({
    ...run,
    pvRatedW: 0,
    traces,
    charge: 70,
    peakShaving: { aboveW: 6_000, keepCentiPercent: 7_000 },
  });
  // One step of the load is one step late.
  const unshaved = runDispatch({ ...run, pvRatedW: 0, traces, reservePercent: 100 });
  assert.equal(unshaved.peakW, 9_000);
  assert.ok((shaved.deciders.get('peakShaving') ?? 0) > (2 * 7_200) / 15, 'each evening, and the nights');
  assert.ok(shaved.lowestCentiPercent >= 3_000 && shaved.lowestCentiPercent < 5_000, `${shaved.lowestCentiPercent}`);
  assert.ok(shaved.stateOfChargeCentiPercent >= 6_900 || shaved.stateOfChargeCentiPercent > shaved.lowestCentiPercent);
});
