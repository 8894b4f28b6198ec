import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fit, median, spread } from './ct-statistics.ts';

const values = fc.array(fc.integer({ min: -10_000, max: 10_000 }), { minLength: 5, maxLength: 30 });
const factor = fc.integer({ min: -40, max: 40 }).map((tenths) => tenths / 10);

test('a fit finds the factors that the values were made with', () => {
  fc.assert(
    fc.property(values, values, factor, factor, (a, b, ka, kb) => {
      const length = Math.min(a.length, b.length);
      const columns = [a.slice(0, length), b.slice(0, length)];
      const y = Array.from({ length }, (_, i) => ka * columns[0]![i]! + kb * columns[1]![i]!);
      const found = fit(y, columns);
      if (found === undefined) return;
      assert.ok(Math.abs(found.factors[0]! - ka) < 1e-6 && Math.abs(found.factors[1]! - kb) < 1e-6);
      assert.ok(found.residual < 1e-4);
    }),
  );
});

test('columns that say the same, and nothing at all, fit nothing', () => {
  assert.equal(fit([1, 2, 3], [[0, 0, 0]]), undefined);
  assert.equal(fit([1], [[1]]), undefined);
  const nearly = [
    [1000, 2000, 3000],
    [1001, 2000, 3000],
  ];
  assert.equal(fit([1, 2, 3], nearly), undefined);
});

test('single leaps do not count as spread', () => {
  const steady = [1, 2, 3, 2, 1, 2, 3, 2];
  assert.ok(spread([...steady, 90_000]) < 2);
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([]), 0);
});
