import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemIn } from './problem.ts';

test('a refusal of a head-end is an error with its code, words and hint', () => {
  const problem = { status: 403, code: 'GTX-ENR-001', detail: 'not on the list', hint: 'Put it there.' };
  const { code, message, hint } = problemIn(JSON.stringify(problem))!;
  assert.deepEqual([code, message, hint], ['GTX-ENR-001', 'not on the list', 'Put it there.']);
  assert.equal(problemIn(JSON.stringify({ ...problem, hint: null }))?.hint, undefined);
});

test('what no head-end wrote is none', () => {
  for (const text of ['', '<html>', 'null', '7', '{}', '{"code":"GTX-ENR-001"}', '{"code":"E1","detail":"no"}']) {
    assert.equal(problemIn(text), undefined, text);
  }
});
