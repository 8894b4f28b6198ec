import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ctSamples, type HungClamp } from './ct-bench.ts';
import { checkClamps } from './ct-check.ts';

const clamps: readonly HungClamp[] = [
  { channel: 1, sees: 'grid' },
  { channel: 2, sees: 'load' },
];
const step = { w: 3000, seconds: 20, settle: 5 };
const ways = [{ hasMeter: true, seconds: 60 }, { step, seconds: 160 }, { seconds: 120 }] as const;

for (const way of ways) {
  test(`2,000 good sites checked for ${way.seconds} s are never called bad`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.integer({ min: 0, max: 23 }), (seed, hour) => {
        const verdict = checkClamps(clamps, ctSamples({ seed, hour, clamps, ...way }));
        assert.notEqual(verdict.verdict, 'fault', JSON.stringify(verdict));
      }),
      { numRuns: 2000 },
    );
  });
}
