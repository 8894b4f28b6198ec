import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain, isBusy } from './response-codes.ts';

test('a code of format 1 tells which parameter, handle or session is at fault', () => {
  for (const [code, words] of [
    [0x1df, /^0x1df: parameter 1: integrity check failed/],
    [0xfc4, /^0xfc4: parameter 15: value out of range/],
    [0x18b, /^0x18b: handle 1: handle not correct/],
    [0x98e, /^0x98e: session 1: authorization failed, and the failure was counted/],
    [0xaa2, /^0xaa2: session 2: authorization failed \(BAD_AUTH\)/],
    [0x095, /^0x95: a handle: structure of the wrong size/],
    [0x0d5, /^0xd5: a parameter: /],
    [0x881, /^0x881: a session: /],
    [0x1bf, /^0x1bf: handle 1: an error without a name here/],
  ] as const) {
    assert.match(explain(code), words);
  }
});

test('a code of format 0 is a warning, an error, or of somebody else', () => {
  for (const [code, words] of [
    [0x902, /no room for another object/],
    [0x921, /locked out/],
    [0x100, /not started/],
    [0x101, /failure mode/],
    [0x97f, /an error without a name here/],
    [0x500, /maker's own/],
    [0x01e, /a TPM 1\.2 answered/],
    [0xa000a, /software between/],
  ] as const) {
    assert.match(explain(code), words);
  }
});

test('only those warnings are tried again that say: the same once more', () => {
  assert.deepEqual([0x908, 0x90a, 0x920, 0x922].map(isBusy), [true, true, true, true]);
  assert.deepEqual([0, 0x100, 0x902, 0x921, 0x9a2].map(isBusy), [false, false, false, false, false]);
});
