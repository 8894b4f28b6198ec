import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultBenches, seedsOf, titleOf } from './fault-benches.ts';
import { drivers } from './registry.ts';

const wireOf = (name: string): string | undefined => drivers.find((driver) => driver.name === name)?.wire;

test('every driver that a board file can name has a bench of faults', () => {
  const benched = new Set(faultBenches.map(({ driver }) => driver));
  assert.deepEqual(
    [...benched].toSorted(),
    drivers.map(({ name }) => name).toSorted(),
    'one without, or one of a driver that there is not',
  );
});

// The others run in another file, beside this one.
for (const bench of faultBenches.filter(({ driver }) => wireOf(driver) === 'modbus')) {
  const seeds = seedsOf(bench, 50);
  test(titleOf(bench, seeds), () => bench.run(seeds));
}
