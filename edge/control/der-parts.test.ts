import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capabilityOf, statusOf } from './der-documents.ts';
import { derParts } from './der-parts.ts';
import { state } from './test-der-state.ts';

test('a DERList with one place is told of PV and storage together, one with more of each on its own', () => {
  assert.deepEqual(derParts(state, 1), [state]);
  const [pv, storage, ...more] = derParts(state, 3);
  assert.ok(pv !== undefined && storage !== undefined && more.length === 0);
  assert.deepEqual([capabilityOf(pv.plant).type, capabilityOf(storage.plant).type], [4, 80]);
  const ratings = [state, pv, storage].map(({ plant }) => {
    const { rtgMaxW } = capabilityOf(plant);
    return rtgMaxW.value * 10 ** rtgMaxW.multiplier;
  });
  assert.equal(ratings[0], (ratings[1] ?? 0) + (ratings[2] ?? 0));
  assert.equal(pv.outputW + storage.outputW, state.outputW);
  assert.equal(storage.outputW, state.battery?.powerW);
  assert.deepEqual(
    [statusOf(pv), statusOf(storage)].map((status) => status.stateOfChargeStatus?.value),
    [undefined, 5_000],
  );
});

test('a site with one device has one DER, however many places its server has for them', () => {
  const pvOnly = { ...state, plant: { ...state.plant, battery: undefined }, battery: undefined };
  assert.deepEqual(derParts(pvOnly, 2), [pvOnly]);
});
