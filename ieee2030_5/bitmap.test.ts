import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bitmap, hasBit } from './bitmap.ts';
import { RoleFlags } from './enumerations.ts';

test('bit 0 is the least significant of the last octet', () => {
  assert.deepEqual(bitmap(2, [RoleFlags.isMirror, RoleFlags.isDER, 15]), Uint8Array.of(0x80, 0x09));
});

test('a peer may leave leading octets away', () => {
  assert.ok(hasBit(Uint8Array.of(0x09), RoleFlags.isDER));
  assert.ok(!hasBit(Uint8Array.of(0x09), 15));
  assert.ok(!hasBit(new Uint8Array(0), 0));
});

test('a bit that has no place is refused', () => {
  assert.throws(() => bitmap(1, [8]), RangeError);
  assert.throws(() => bitmap(1, [-1]), RangeError);
});
