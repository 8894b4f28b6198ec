import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { PvPlant, plantPower } from './pv.ts';

const place = { latitude: 37.4275, longitude: -122.1697 };
const utc = (iso: string): number => Date.parse(iso) / 1000;

test('a cell loses 0.4 % for each kelvin above 25 °C and gains nothing below', () => {
  const cold = plantPower(10_000, 400, 0);
  assert.equal(plantPower(10_000, 400, 5), cold);
  // 400 W/m² heat the cell by 12.5 K.
  const warm = plantPower(10_000, 400, 12.5 + 10);
  assert.ok(Math.abs(warm / cold - (1 - 0.004 * 10)) < 1e-12);
});

test('the inverter clips at its rating', () => {
  assert.equal(plantPower(10_000, 1000, -10), 10_000);
  assert.ok(plantPower(10_000, 1000, 35) < 10_000);
});

test('nothing by night, never more than rated, and a smooth line between minutes', () => {
  const plant = new PvPlant({ ratedW: 50_000, ...place }, 11);
  let previous = 0;
  let most = 0;
  for (let time = utc('2025-06-21T07:00:00Z'); time < utc('2025-06-22T07:00:00Z'); time++) {
    const power = plant.powerW(time);
    assert.ok(Number.isInteger(power) && power >= 0 && power <= 50_000);
    assert.ok(Math.abs(power - previous) <= 50_000 / 60 + 1);
    most = Math.max(most, power);
    previous = power;
  }
  assert.ok(most > 40_000);
  assert.equal(plant.powerW(utc('2025-06-21T09:00:00Z')), 0);
});

test('a June day yields more than twice a December day', () => {
  const plant = new PvPlant({ ratedW: 50_000, ...place }, 11);
  const yieldOf = (month: string): number => {
    let sum = 0;
    for (let i = 0; i < 20 * 1440; i++) sum += plant.powerW(utc(`2025-${month}-05T08:00:00Z`) + i * 60);
    return sum / 60 / 20 / 50_000;
  };
  const [june, december] = [yieldOf('06'), yieldOf('12')];
  assert.ok(june > 2 * december, `${june} and ${december} kWh/kW`);
  assert.ok(june > 4.5 && june < 9, `${june} kWh/kW a day`);
});

test('the power of a second depends on the seed and the second alone', () => {
  const used = new PvPlant({ ratedW: 50_000, ...place }, 4);
  const start = utc('2025-06-21T13:00:00Z');
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200_000 }), (offset) => {
      const fresh = new PvPlant({ ratedW: 50_000, ...place }, 4);
      assert.equal(used.powerW(start + offset), fresh.powerW(start + offset));
    }),
    { numRuns: 60 },
  );
});
