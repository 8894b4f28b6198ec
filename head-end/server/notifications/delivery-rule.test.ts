import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UnixSeconds } from '#hal/units.ts';
import { type Failing, failedAgain, isGivenUp, retryAt } from './delivery-rule.ts';

const now = UnixSeconds(1_782_000_000);

test('tries come later and later, never at once and never more than six minutes apart', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 5_000 }), (subscriber, times) => {
      const wait = (n: number): number => retryAt({ since: now, times: n }, subscriber, now) - now;
      assert.ok(wait(times) >= 4 && wait(times) <= 360);
      if (times <= 5) assert.ok(wait(times + 1) > wait(times));
    }),
  );
});

test('three days count from the first failure of a row', () => {
  let failing: Failing | undefined;
  for (const hours of [0, 24, 71]) failing = failedAgain(failing, UnixSeconds(now + hours * 3600));
  assert.deepEqual(failing, { since: now, times: 3 });
  assert.equal(isGivenUp(failing as Failing, UnixSeconds(now + 3 * 86_400 - 1)), false);
  assert.equal(isGivenUp(failing as Failing, UnixSeconds(now + 3 * 86_400)), true);
});
