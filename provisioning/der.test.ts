import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as check, property, uint8Array } from 'fast-check';
import { ipOctets, objectIdentifier, octetString, tlv } from './der.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('object identifiers are encoded as X.690 shows them', () => {
  assert.equal(hex(objectIdentifier('1.2.840.10045.4.3.2')), '06082a8648ce3d040302');
  assert.equal(hex(objectIdentifier('2.999.3')), '0603883703');
  assert.equal(hex(objectIdentifier('1.3.6.1.4.1.40732.1.1')), '060a2b0601040182be1c0101');
});

test('lengths take the short form below 128 and the long form from there', () => {
  assert.equal(hex(octetString(new Uint8Array(127))).slice(0, 4), '047f');
  assert.equal(hex(octetString(new Uint8Array(128))).slice(0, 6), '048180');
  assert.equal(hex(octetString(new Uint8Array(70_000))).slice(0, 10), '0483011170');
});

test('a value is its tag, its length and its contents, whatever these are', () => {
  check(
    property(uint8Array({ maxLength: 600 }), (content) => {
      const encoded = tlv(0x30, content);
      assert.equal(encoded[0], 0x30);
      assert.deepEqual(encoded.subarray(encoded.length - content.length), Uint8Array.from(content));
    }),
  );
});

test('an address in any of its spellings is the same octets', () => {
  assert.equal(hex(ipOctets('127.0.0.1')), '7f000001');
  assert.equal(hex(ipOctets('::1')), '00000000000000000000000000000001');
  assert.equal(hex(ipOctets('::')), '00000000000000000000000000000000');
  assert.equal(hex(ipOctets('2001:db8::a:0:b')), '20010db800000000000000000000'.slice(0, 20) + '000a0000000b');
  assert.equal(hex(ipOctets('2001:DB8:0:0:0:a:0:b')), hex(ipOctets('2001:db8::a:0:b')));
  assert.equal(hex(ipOctets('::ffff:192.0.2.1')), '00000000000000000000ffffc0000201');
});
