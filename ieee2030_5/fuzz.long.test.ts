import { test } from 'node:test';
import { wallSeconds } from '#hal/wall.ts';
import { fuzz } from './judge/fuzz.ts';

test('a million mutated documents from a seed of the day are read or refused with a code', (t) => {
  const seed = wallSeconds();
  t.diagnostic(`seed ${seed}`);
  const { read, refused } = fuzz(seed, 1_000_000);
  t.diagnostic(`${read} read, ${refused} refused`);
});
