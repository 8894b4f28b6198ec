import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isoTime, Micro, MicroPerKWh, UnixSeconds, W, Wh } from './units.ts';

const units = { W, Wh, UnixSeconds, Micro, MicroPerKWh };

test('a quantity is a safe integer and stays what it is', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      for (const unit of Object.values(units)) assert.equal(unit(value), value + 0);
    }),
  );
});

test('a fraction, an infinity and what is no number are refused by the name of the unit', () => {
  for (const [name, unit] of Object.entries(units)) {
    for (const value of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      assert.throws(() => unit(value), new RegExp(`^RangeError: ${name} must be a safe integer, got ${value}$`));
    }
  }
});

test('there is one zero', () => {
  for (const unit of Object.values(units)) assert.ok(Object.is(unit(-0), 0));
});

test('times are written in UTC without fractions', () => {
  assert.equal(isoTime(UnixSeconds(0)), '1970-01-01T00:00:00Z');
  assert.equal(isoTime(UnixSeconds(Date.UTC(2026, 5, 22, 18, 30, 15) / 1000)), '2026-06-22T18:30:15Z');
});
