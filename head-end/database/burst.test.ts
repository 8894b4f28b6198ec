import assert from 'node:assert/strict';
import { test } from 'node:test';
import { burstEnd } from './burst.ts';

test('a burst is waited for as long as it goes on', async () => {
  const counts = [1, 5, 9, 9, 20];
  let asked = -1;
  // Each look is asked for twice: whether it has risen, and what is seen.
  await burstEnd(() => counts[Math.floor(++asked / 2)] ?? 20);
  assert.equal(Math.floor(asked / 2), 3);
});

test('and no longer than some milliseconds, though it never ends', async () => {
  let count = 0;
  await burstEnd(() => ++count);
  assert.ok(count <= 17, String(count));
});
