import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matches, pollFaults } from './requests.ts';

/** Times of polls every so many seconds, from 0. */
const every = (seconds: number, count: number): number[] => Array.from({ length: count }, (_, i) => i * seconds);

test('polls at their rate, a little early or late, are as they should be', () => {
  assert.deepEqual(pollFaults(every(60, 20), 60, 0), []);
  assert.deepEqual(pollFaults([0, 57, 123, 178, 240, 303, 355, 420], 60, 0), []);
});

test('one poll in five intervals may be missed, not two', () => {
  const missing = (...missed: number[]): number[] => every(60, 30).filter((time) => !missed.includes(time / 60));
  assert.deepEqual(pollFaults(missing(2, 9), 60, 0), []);
  assert.notDeepEqual(pollFaults(missing(1, 3), 60, 0), []);
  assert.notDeepEqual(pollFaults(every(120, 15), 60, 0), []);
});

test('more than six polls in three intervals are too many', () => {
  assert.deepEqual(pollFaults(every(30, 40), 60, 0), []);
  assert.notDeepEqual(pollFaults(every(25, 40), 60, 0), []);
});

test('a star stands for one part of a path', () => {
  assert.ok(matches('/mup/7', '/mup/*'));
  assert.ok(!matches('/mup/7/mr', '/mup/*'));
  assert.ok(!matches('/mup', '/mup/*'));
  assert.ok(matches('/edev/1/derp', '/edev/1/derp'));
});
