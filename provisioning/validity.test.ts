import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as check, integer, property } from 'fast-check';
import type { UnixSeconds } from '#hal/units.ts';
import { never } from './certificates.ts';
import { daysLeft, expiryLevel, expiryLevels, isRenewalDue, notAfterOf } from './validity.ts';

const day = 86_400;
const now = 1_790_000_000 as UnixSeconds;

test('an operational certificate lasts 90 days unless told, the others for ever', () => {
  assert.equal(notAfterOf('operational', now), now + 90 * day);
  assert.equal(notAfterOf('operational', now, 10), now + 10 * day);
  assert.equal(notAfterOf('birth', now), never);
  assert.equal(notAfterOf('device', now), never);
  assert.equal(daysLeft(never, now), Number.POSITIVE_INFINITY);
});

test('a certificate of 90 days is renewed from 30 days left, a shorter one from a third of its life, one for ever never', () => {
  const of = (days: number, left: number) =>
    isRenewalDue({ notBefore: now + (left - days) * day, notAfter: now + left * day }, now);
  assert.deepEqual([of(90, 31), of(90, 30), of(90, 1), of(90, -1)], [false, true, true, true]);
  assert.deepEqual([of(365, 31), of(365, 30)], [false, true]);
  assert.deepEqual([of(9, 4), of(9, 3)], [false, true]);
  assert.equal(isRenewalDue({ notBefore: now, notAfter: never }, now), false);
});

test('expiry is told from 30, 7 and 1 days left', () => {
  const at = (seconds: number) => expiryLevel(now + seconds, now);
  assert.deepEqual([at(30 * day + 1), at(30 * day)], ['fine', 'notice']);
  assert.deepEqual([at(7 * day + 1), at(7 * day)], ['notice', 'warning']);
  assert.deepEqual([at(day + 1), at(day)], ['warning', 'critical']);
  assert.deepEqual([at(0), at(-1)], ['critical', 'expired']);
  assert.equal(expiryLevel(never, now), 'fine');
});

test('an expiry level only ever rises as time goes on', () => {
  check(
    property(integer({ min: -40 * day, max: 40 * day }), integer({ min: 0, max: 10 * day }), (left, later) => {
      const level = (seconds: number) => expiryLevels.indexOf(expiryLevel(now + seconds, now));
      assert.ok(level(left - later) >= level(left));
    }),
  );
});
