import { test } from 'node:test';
import { chipUnderFaults, emonUnderFaults } from './fault-bench.ts';

const seeds = Array.from({ length: 1000 }, (_, i) => i + 1);

for (const format of ['text', 'json', 'emontx3cm'] as const) {
  test(`a front-end that sends ${format} over a bad line: what is believed is true, and it comes back`, async () => {
    for (const seed of seeds) await emonUnderFaults(seed, format);
  });
}

for (const name of ['atm90e32', 'ade7953'] as const) {
  test(`an ${name} on a noisy bus: what is believed is true, and it comes back`, async () => {
    for (const seed of seeds) await chipUnderFaults(seed, name);
  });
}
