import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UnixSeconds } from '#hal/units.ts';
import { LockOuts } from './lock-outs.ts';

const at = (seconds: number): UnixSeconds => UnixSeconds(1_800_000_000 + seconds);

test('the third failure in a row locks, and each further one twice as long, an hour at most', () => {
  const locks = new LockOuts();
  const brought = Array.from({ length: 12 }, () => locks.attempted('a', at(0)));
  assert.deepEqual(brought, [0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
  assert.equal(locks.lockedFor('a', at(0)), 3600);
  assert.equal(locks.lockedFor('a', at(3599)), 1);
  assert.equal(locks.lockedFor('a', at(3600)), 0);
  assert.equal(locks.lockedFor('b', at(0)), 0);
});

test('a success begins the count anew, and so does a day', () => {
  const locks = new LockOuts();
  locks.attempted('a', at(0));
  locks.attempted('a', at(0));
  locks.clear('a');
  assert.equal(locks.attempted('a', at(1)), 0);
  assert.equal(locks.attempted('a', at(1)), 0);
  assert.equal(locks.attempted('a', at(86_402)), 0);
});

test('whatever is tried, no more is remembered than the capacity, and what was tried last is', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { minLength: 1 }), (credentials) => {
      const locks = new LockOuts(8);
      for (const [i, credential] of credentials.entries()) locks.attempted(String(credential), at(i));
      const newest = String(credentials.at(-1));
      for (let i = 0; i < 3; i++) locks.attempted(newest, at(credentials.length));
      return locks.size <= 8 && locks.lockedFor(newest, at(credentials.length)) > 0;
    }),
  );
});
