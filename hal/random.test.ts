import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { normal, seedOf, uniform } from './random.ts';

const seed = fc.integer({ min: 0, max: 0xffff_ffff });
const index = fc.integer({ min: 0, max: 2 ** 40 });
const count = 20_000;
const many = (draw: (n: number) => number): number[] => Array.from({ length: count }, (_, n) => draw(n));
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

test('a value depends on its seed and index alone, in [0, 1)', () => {
  fc.assert(
    fc.property(seed, index, (s, i) => {
      const value = uniform(s, i);
      assert.ok(value >= 0 && value < 1);
      assert.equal(uniform(s, i), value);
      assert.ok(Number.isFinite(normal(s, i)));
    }),
  );
});

test('values are those of yesterday: a campus that goes on sees the same weather', () => {
  const millionths = [0, 1, 2].map((i) => Math.floor(uniform(7, i) * 1e6));
  assert.deepEqual(millionths, [896_533, 21_872, 331_121]);
  assert.equal(seedOf(1, 'weather'), 516760258);
});

test('uniform values fill [0, 1) evenly', () => {
  for (const s of [0, 1, 2, 0xffff_ffff]) {
    const bins = Array.from({ length: 20 }, () => 0);
    for (const value of many((n) => uniform(s, n)))
      bins[Math.floor(value * 20)] = (bins[Math.floor(value * 20)] ?? 0) + 1;
    // Chi-square with 19 degrees of freedom stays below 43.8 but once in a thousand; the draw is always the same.
    const expected = count / 20;
    const chiSquare = bins.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    assert.ok(chiSquare < 43.8, `seed ${s}: ${chiSquare}`);
  }
});

test('neighbours in index, in seed and far apart do not follow each other', () => {
  const correlation = (a: readonly number[], b: readonly number[]): number => {
    const [ma, mb] = [mean(a), mean(b)];
    return mean(a.map((value, n) => (value - ma) * ((b[n] ?? 0) - mb))) * 12;
  };
  const base = many((n) => uniform(5, n));
  for (const other of [
    many((n) => uniform(5, n + 1)),
    many((n) => uniform(6, n)),
    many((n) => uniform(5, n + 2 ** 32)),
    many((n) => uniform(seedOf(5, 'A'), n)),
  ]) {
    assert.ok(Math.abs(correlation(base, other)) < 0.03);
  }
});

test('normal values have mean 0 and deviation 1, and tails', () => {
  const values = many((n) => normal(3, n));
  const m = mean(values);
  const deviation = Math.sqrt(mean(values.map((value) => (value - m) ** 2)));
  assert.ok(Math.abs(m) < 0.03 && Math.abs(deviation - 1) < 0.03, `${m} ± ${deviation}`);
  const beyond = values.filter((value) => Math.abs(value) > 1.96).length / count;
  assert.ok(Math.abs(beyond - 0.05) < 0.01, `${beyond} beyond 1.96`);
});

test('names give seeds of 32 bits that do not meet', () => {
  const names = Array.from({ length: 10_000 }, (_, n) => `AMI_METER_${n}`);
  const seeds = names.map((name) => seedOf(1, name));
  assert.ok(seeds.every((s) => Number.isInteger(s) && s >= 0 && s <= 0xffff_ffff));
  assert.ok(new Set(seeds).size >= names.length - 1);
  assert.notEqual(seedOf(1, 'A'), seedOf(2, 'A'));
});
