import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GridError, reasonOf, systemCode } from './errors.ts';

test('an error is told with its code, and its hint where it has one', () => {
  const plain = new GridError('GTX-MOD-003', 'No answer from unit 1');
  assert.equal(plain.describe(), 'GTX-MOD-003 No answer from unit 1');
  assert.deepEqual([plain.name, plain.kind, plain.hint, 'cause' in plain], ['GridError', 'runtime', undefined, false]);
  const cause = new Error('deeper');
  const full = new GridError('GTX-MOD-003', 'No answer', { hint: 'Check the wiring.', kind: 'input', cause });
  assert.equal(full.describe(), 'GTX-MOD-003 No answer\n  hint: Check the wiring.');
  assert.deepEqual([full.kind, full.cause], ['input', cause]);
  assert.ok(full instanceof Error);
});

test('whatever was thrown has a reason', () => {
  assert.equal(reasonOf(new GridError('GTX-MOD-003', 'No answer', { hint: 'x' })), 'GTX-MOD-003 No answer');
  assert.equal(reasonOf(new TypeError('not a thing')), 'not a thing');
  assert.deepEqual(
    [reasonOf('text'), reasonOf(undefined), reasonOf(null), reasonOf(7)],
    ['text', 'undefined', 'null', '7'],
  );
});

test('system errors have their code, nothing else has', () => {
  assert.equal(systemCode(Object.assign(new Error('x'), { code: 'ENOENT' })), 'ENOENT');
  for (const other of [new Error('x'), { code: 7 }, 'ENOENT', null, undefined]) {
    assert.equal(systemCode(other), undefined);
  }
});
