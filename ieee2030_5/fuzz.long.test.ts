import { test } from 'node:test';
import { wallSeconds } from '#hal/wall.ts';
import { fuzzFor } from './judge/fuzz.ts';

test('for ten minutes mutated documents from a seed of the day are read or refused with a code', (t) => {
  fuzzFor(wallSeconds(), 600, (line) => t.diagnostic(line));
});
