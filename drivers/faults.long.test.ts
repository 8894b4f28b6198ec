import { test } from 'node:test';
import { faultBenches, seedsOf, titleOf } from './fault-benches.ts';

for (const bench of faultBenches) {
  const seeds = seedsOf(bench, 1000);
  test(titleOf(bench, seeds), () => bench.run(seeds));
}
