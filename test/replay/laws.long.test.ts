import { test } from 'node:test';
import { replaysAlike } from './replay-law.ts';

const seeds = Array.from({ length: 100 }, (_, i) => 1000 + i);

for (const clamps of ['sdm630', 'emontx', 'ade7953', 'shelly'] as const) {
  test(`a board with ${clamps}, replayed from its recording, takes the same samples: 100 seeds`, async (t) => {
    await replaysAlike(t, clamps, seeds);
  });
}
