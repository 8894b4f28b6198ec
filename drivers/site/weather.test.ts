import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ambientTemperature, CloudCover, type Sky, skies } from './weather.ts';

const longitude = -122.1697;
const minute = (iso: string): number => Date.parse(iso) / 60_000;

test('the sky of a minute does not depend on what was asked before', () => {
  const first = minute('2025-06-20T00:00:00Z');
  const used = new CloudCover(7, longitude);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 20_000 }), (offset) => {
      assert.equal(used.indexAt(first + offset), new CloudCover(7, longitude).indexAt(first + offset));
    }),
    { numRuns: 60 },
  );
});

test('the sky spends its time as the chain says: mostly clear, overcast a fifth, broken an eighth', () => {
  const clouds = new CloudCover(3, longitude);
  const count: Record<Sky, number> = { clear: 0, partly: 0, overcast: 0 };
  const minutes = 400 * 1440;
  for (let i = 0; i < minutes; i++) count[clouds.skyAt(minute('2025-01-01T00:00:00Z') + i)]++;
  const shares = skies.map((sky) => count[sky] / minutes);
  for (const [i, expected] of [0.657, 0.132, 0.211].entries()) {
    assert.ok(Math.abs((shares[i] as number) - expected) < 0.04, `${skies[i]}: ${shares[i]}`);
  }
});

test('the sky persists: it changes on far fewer than one minute in twenty', () => {
  const clouds = new CloudCover(5, longitude);
  const first = minute('2025-06-20T00:00:00Z');
  let changes = 0;
  for (let i = 1; i < 30 * 1440; i++) if (clouds.skyAt(first + i) !== clouds.skyAt(first + i - 1)) changes++;
  assert.ok(changes > 300 && changes < 1500, `${changes} changes in 30 days`);
});

test('the cloud index lies between 0.2 and 1.05, lower under clouds; another seed has other weather', () => {
  const clouds = new CloudCover(5, longitude);
  const other = new CloudCover(6, longitude);
  const first = minute('2025-06-20T00:00:00Z');
  let different = 0;
  for (let i = 0; i < 10 * 1440; i++) {
    const index = clouds.indexAt(first + i);
    const sky = clouds.skyAt(first + i);
    assert.ok(index >= 0.2 && index <= 1.05);
    if (sky === 'clear') assert.ok(index >= 0.98);
    if (sky === 'overcast') assert.ok(index <= 0.4);
    if (sky !== other.skyAt(first + i)) different++;
  }
  assert.ok(different > 1440);
});

/** Mean temperature of a month's first 28 days at a full hour UTC, °C. */
const mean = (month: string, hour: string, latitude: number, east: number): number => {
  let sum = 0;
  for (let day = 1; day <= 28; day++) {
    const iso = `2025-${month}-${String(day).padStart(2, '0')}T${hour}:00:00Z`;
    sum += ambientTemperature(Date.parse(iso) / 1000, latitude, east, 1);
  }
  return sum / 28;
};

test('July is warmer than January in the north and cooler in the south; afternoons are warmer than dawns', () => {
  assert.ok(mean('07', '20', 37.4, longitude) - mean('01', '20', 37.4, longitude) > 6);
  assert.ok(mean('07', '02', -33.9, 151.2) - mean('01', '02', -33.9, 151.2) < -6);
  assert.ok(mean('07', '23', 37.4, longitude) - mean('07', '12', 37.4, longitude) > 8);
  const july = mean('07', '20', 37.4, longitude);
  assert.ok(july > 18 && july < 30, `${july} °C`);
});
