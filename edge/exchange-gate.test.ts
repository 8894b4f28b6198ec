import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExchangeGate } from './exchange-gate.ts';

test('work alone waits for what is under way and holds back what comes later, whether they fail or not', async () => {
  const gate = new ExchangeGate();
  const told: string[] = [];
  const failing = Promise.withResolvers<void>();
  const lasting = Promise.withResolvers<void>();
  const task = (name: string, work?: Promise<void>) => async (): Promise<void> => {
    told.push(`${name} begins`);
    await work;
    told.push(`${name} ends`);
  };
  const first = gate.among(task('first', failing.promise));
  const second = gate.among(task('second', lasting.promise));
  const alone = gate.alone(task('alone'));
  const later = gate.among(task('later'));
  const alsoAlone = gate.alone(() => Promise.reject(new Error('refused')));
  failing.reject(new Error('lost'));
  await assert.rejects(first, /lost/);
  assert.deepEqual(told, ['first begins', 'second begins']);
  lasting.resolve();
  await Promise.all([second, alone, later, assert.rejects(alsoAlone, /refused/)]);
  assert.deepEqual(told.slice(2, 5), ['second ends', 'alone begins', 'alone ends']);
  assert.deepEqual(told.slice(5), ['later begins', 'later ends']);
  assert.equal(await gate.among(async () => 1), 1);
});
