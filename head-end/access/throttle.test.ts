import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Throttle } from './throttle.ts';

test('a source has its burst, then its rate; another source is not slowed by it', () => {
  const throttle = new Throttle({ burst: 3, perSecond: 0.5 });
  assert.deepEqual(
    [0, 0, 0, 0].map((now) => throttle.take('192.0.2.1', now)),
    [0, 0, 0, 2],
  );
  assert.equal(throttle.take('192.0.2.2', 0), 0);
  assert.equal(throttle.take('192.0.2.1', 1), 1);
  assert.equal(throttle.take('192.0.2.1', 2), 0);
  assert.equal(throttle.take('192.0.2.1', 2), 2);
});

test('who waits as long as told is let through, however much was tried before: a source is never locked', () => {
  const attempts = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.nat(3)), { maxLength: 100 });
  fc.assert(
    fc.property(attempts, (tried) => {
      const throttle = new Throttle({ burst: 4, perSecond: 0.5 });
      let now = 0;
      for (const [source, wait] of tried) throttle.take(source, (now += wait));
      const wait = throttle.take('a', now);
      return wait <= 2 && (wait === 0 || throttle.take('a', now + wait) === 0);
    }),
  );
});

test('no more sources are remembered than the capacity, and none whose bucket is full again', () => {
  const throttle = new Throttle({ burst: 2, perSecond: 1, capacity: 100 });
  for (let i = 0; i < 1000; i++) throttle.take(`source ${i}`, 0);
  assert.equal(throttle.size, 100);
  throttle.take('another', 60);
  assert.equal(throttle.size, 1);
});

test('a source of IPv6 is its /64', () => {
  const throttle = new Throttle({ burst: 1, perSecond: 0.5 });
  assert.equal(throttle.take('2001:db8:0:1::7', 0), 0);
  assert.equal(throttle.take('2001:db8::1:ffff:ffff:ffff:ffff', 0), 2);
  assert.equal(throttle.take('2001:db8:0:2::7', 0), 0);
});
