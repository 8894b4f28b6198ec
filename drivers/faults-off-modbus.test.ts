import { test } from 'node:test';
import { faultBenches, seedsOf, titleOf } from './fault-benches.ts';
import { drivers } from './registry.ts';

const onModbus = new Set(drivers.filter(({ wire }) => wire === 'modbus').map(({ name }) => name));

for (const bench of faultBenches.filter(({ driver }) => !onModbus.has(driver))) {
  const seeds = seedsOf(bench, 50);
  test(titleOf(bench, seeds), () => bench.run(seeds));
}
