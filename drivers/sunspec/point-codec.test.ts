import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { GridError } from '#hal/errors.ts';
import {
  decodeNumber,
  decodeText,
  encodeAbsent,
  encodeNumber,
  encodeText,
  type NumberType,
  scaleToInteger,
} from './point-codec.ts';
import { pointTypes } from './table.ts';

const numberTypes = Object.keys(pointTypes).filter((type) => type !== 'string' && type !== 'pad') as NumberType[];
const anyType = fc.constantFrom(...numberTypes);
const code = (expected: string) => (error: unknown) => error instanceof GridError && error.code === expected;

/** Absent and value as the specification writes them (V1.2 §4.2). */
const specified: readonly (readonly [NumberType, string, number | undefined])[] = [
  ['int16', '8000', undefined],
  ['int16', '8001', -32767],
  ['uint16', 'ffff', undefined],
  ['uint16', 'fffe', 65534],
  ['enum16', 'ffff', undefined],
  ['bitfield16', 'ffff', undefined],
  ['sunssf', '8000', undefined],
  ['sunssf', 'fffe', -2],
  ['count', 'ffff', undefined],
  ['int32', '80000000', undefined],
  ['int32', 'ffffffff', -1],
  ['uint32', 'ffffffff', undefined],
  ['uint32', '00015180', 86400],
  ['bitfield32', 'ffffffff', undefined],
  ['acc32', '00000000', 0],
  ['acc32', 'ffffffff', 4294967295],
  ['uint64', 'ffffffffffffffff', undefined],
  ['uint64', '001fffffffffffff', Number.MAX_SAFE_INTEGER],
  ['acc64', '0000000100000002', 4294967298],
  ['float32', '7fc00000', undefined],
  ['float32', '42c80000', 100],
];

test('values and "not implemented" stand as the specification writes them', () => {
  for (const [type, hex, value] of specified) {
    const buffer = Buffer.from(hex, 'hex');
    assert.equal(decodeNumber(type, buffer, 0), value, `${type} ${hex}`);
    const written = Buffer.alloc(buffer.length);
    encodeNumber(type, written, 0, value);
    if (value !== undefined || type !== 'float32') assert.equal(written.toString('hex'), hex, `${type} ${value}`);
    else assert.equal(decodeNumber(type, written, 0), undefined);
  }
});

test('whatever can be decoded is encoded to the same registers again', () => {
  fc.assert(
    fc.property(anyType, fc.uint8Array({ minLength: 8, maxLength: 8 }), (type, bytes) => {
      const buffer = Buffer.from(bytes.subarray(0, 2 * pointTypes[type]));
      let value: number | undefined;
      try {
        value = decodeNumber(type, buffer, 0);
      } catch (error) {
        assert.ok(code('GTX-SUN-005')(error));
        return;
      }
      const again = Buffer.alloc(buffer.length);
      encodeNumber(type, again, 0, value);
      if (type === 'float32' && value === undefined) assert.equal(decodeNumber(type, again, 0), undefined);
      else assert.deepEqual(again, buffer);
    }),
  );
});

test('a value either fits its type and comes back, or is refused', () => {
  fc.assert(
    fc.property(anyType, fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.double()), (type, value) => {
      const buffer = Buffer.alloc(8);
      try {
        encodeNumber(type, buffer, 0, value);
      } catch (error) {
        assert.ok(code('GTX-SUN-006')(error));
        return;
      }
      assert.equal(decodeNumber(type, buffer, 0), type === 'float32' ? Math.fround(value) : value + 0);
    }),
  );
});

test('a value that its type does not allow is refused when read', () => {
  assert.throws(() => decodeNumber('sunssf', Buffer.from('000b', 'hex'), 0), code('GTX-SUN-005'));
  assert.throws(() => decodeNumber('uint64', Buffer.from('0020000000000000', 'hex'), 0), code('GTX-SUN-005'));
  assert.throws(() => decodeNumber('float32', Buffer.from('7f800000', 'hex'), 0), code('GTX-SUN-005'));
});

test('texts are padded with NUL, trimmed, and refused when too long', () => {
  const buffer = Buffer.alloc(8, 0xff);
  encodeText(buffer, 0, 4, 'abc');
  assert.equal(buffer.toString('hex'), '6162630000000000');
  assert.equal(decodeText(buffer, 0, 4), 'abc');
  assert.equal(decodeText(Buffer.from('  full text '), 0, 6), 'full text');
  assert.equal(decodeText(Buffer.alloc(8), 0, 4), undefined);
  assert.throws(() => encodeText(buffer, 0, 4, 'nine char'), code('GTX-SUN-006'));
});

test('an absent point reads as "not implemented" whatever its type; padding is 0x8000', () => {
  const buffer = Buffer.alloc(8);
  encodeAbsent({ type: 'pad', at: 0, size: 1 }, buffer, 0);
  assert.equal(buffer.readUInt16BE(0), 0x8000);
  encodeAbsent({ type: 'string', at: 0, size: 4 }, buffer, 0);
  assert.equal(decodeText(buffer, 0, 4), undefined);
});

test('scaling keeps integers: counters round down, the rest to the nearest', () => {
  assert.equal(scaleToInteger('acc32', 1999, -3), 1);
  assert.equal(scaleToInteger('int16', 1999, -3), 2);
  assert.equal(scaleToInteger('int16', -15, 1), -150);
  assert.equal(scaleToInteger('uint64', 123_456_789, 3), 123_456_789_000);
  assert.throws(() => scaleToInteger('uint64', Number.MAX_SAFE_INTEGER, 1), code('GTX-SUN-005'));
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.integer({ min: 0, max: 6 }), (value, exponent) => {
      assert.equal(scaleToInteger('uint16', value * 10 ** exponent, -exponent), value, 'tenths divide without error');
    }),
  );
});
