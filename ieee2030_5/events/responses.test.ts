import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finalResponses, isRequired, responseStatus } from './responses.ts';

test('a response has the number of its edition', () => {
  assert.equal(responseStatus('superseded'), 7);
  assert.equal(responseStatus('superseded', 2023), 7);
  assert.deepEqual([responseStatus('abortedAlternateServer'), responseStatus('abortedAlternateProgram')], [13, 14]);
  assert.equal(responseStatus('abortedAlternateServer', 2023), 12);
  assert.equal(responseStatus('abortedAlternateProgram', 2023), 13);
});

test('bit 0 asks for “received”, bit 1 for everything that happens after it', () => {
  assert.deepEqual(
    [0, 1, 2, 3].map((bits) => isRequired('received', bits)),
    [false, true, false, true],
  );
  for (const name of finalResponses) {
    assert.deepEqual(
      [0, 1, 2, 3].map((bits) => isRequired(name, bits)),
      [false, false, true, true],
    );
  }
});
