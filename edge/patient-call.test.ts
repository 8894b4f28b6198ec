import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PatientCall } from './patient-call.ts';

test('a call that takes longer is given up once, goes on, and answers the next one that waits for it', async () => {
  const call = new PatientCall<number>('meter');
  const { promise, resolve } = Promise.withResolvers<number>();
  let calls = 0;
  const slow = (): Promise<number> => {
    calls++;
    return promise;
  };
  await assert.rejects(call.within(20, slow), { code: 'GTX-EDG-040' });
  assert.ok(call.isUnderWay);
  resolve(7);
  assert.equal(await call.within(20, slow), 7);
  assert.equal(calls, 1);
  assert.ok(!call.isUnderWay);
  assert.equal(await call.within(20, async () => 8), 8);
});

test('a call that fails fails for whoever waits, and the next one is made anew', async () => {
  const call = new PatientCall<number>('meter');
  await assert.rejects(
    call.within(1_000, () => Promise.reject(new Error('cable'))),
    /cable/,
  );
  assert.equal(await call.within(1_000, async () => 1), 1);
});
