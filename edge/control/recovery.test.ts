import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { type Recovery, recoveryAt, recoveryLimits } from './recovery.ts';

const at = (seconds: number): UnixSeconds => UnixSeconds(1_000 + seconds);
const rates = { setMaxW: 10_000 };
const seen = (seconds: number, more: { setGradW?: number } = {}) => ({
  now: at(seconds),
  isBlind: false,
  pvW: 2_000,
  storageW: -500,
  rates: { ...rates, ...more },
});

test('what is given rises slowly from what it was when all was seen again', () => {
  assert.equal(recoveryAt('over', { ...seen(0), isBlind: true }), 'blind');
  assert.equal(recoveryLimits('blind', at(0), rates), undefined);
  const back = recoveryAt('blind', seen(1));
  assert.deepEqual(recoveryLimits(back, at(1), rates), { pvW: 2_000, storageW: 0 });
  assert.deepEqual(recoveryLimits(back, at(11), rates), { pvW: 3_000, storageW: 1_000 });
  assert.equal(recoveryAt(back, seen(100)), back);
  assert.equal(recoveryAt(back, seen(101)), 'over');
  assert.equal(recoveryLimits('over', at(101), rates), undefined);
});

test('the utility says how fast, and a fault on the way begins it anew', () => {
  const fast = { setGradW: 1_000 };
  const back: Recovery = recoveryAt('blind', seen(0, fast));
  assert.deepEqual(recoveryLimits(back, at(3), { ...rates, ...fast }), { pvW: 5_000, storageW: 3_000 });
  assert.equal(recoveryAt(back, { ...seen(3, fast), isBlind: true }), 'blind');
  assert.equal(recoveryAt(back, seen(10, fast)), 'over');
});
