import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as check, integer as anyInteger, property, uint8Array } from 'fast-check';
import { GridError } from '#hal/errors.ts';
import { integer, objectIdentifier, octetString, sequence, time, tlv } from './der.ts';
import { elementOf, elementsOf, identifierOf, integerHex, smallInteger, timeOf, within } from './der-reader.ts';

test('what is written is read as the same', () => {
  check(
    property(array(uint8Array({ maxLength: 300 }), { maxLength: 5 }), (contents) => {
      const read = within(elementOf(sequence(...contents.map(octetString))));
      assert.deepEqual(
        read.map(({ content }) => Buffer.from(content)),
        contents.map((one) => Buffer.from(one)),
      );
    }),
  );
  check(
    property(anyInteger({ min: 0, max: 2 ** 47 - 1 }), (value) => {
      assert.equal(smallInteger(elementOf(integer(value))), value);
      assert.equal(Number.parseInt(integerHex(elementOf(integer(value))), 16), value);
    }),
  );
  check(
    property(array(anyInteger({ min: 0, max: 2 ** 28 - 1 }), { maxLength: 8 }), (arcs) => {
      const dotted = ['1.3', ...arcs].join('.');
      assert.equal(identifierOf(elementOf(objectIdentifier(dotted))), dotted);
    }),
  );
});

test('a date is read as the second that was written, before and after 2050', () => {
  check(
    property(anyInteger({ min: 0, max: 253_402_300_799 }), (seconds) => {
      assert.equal(timeOf(elementOf(time(seconds))), seconds);
    }),
  );
  assert.equal(elementOf(time(2_524_607_999)).tag, 0x17);
  assert.equal(elementOf(time(2_524_608_000)).tag, 0x18);
});

test('a date that is on no calendar is none, and neither is one in another form', () => {
  const short = ['261301000000Z', '260431000000Z', '260100000000Z', '260101240000Z', '260101006000Z', '2601010000Z'];
  const long = ['20260230000000Z', '00000101000000Z', '20260101000000+0100', '20260101000000.5Z'];
  for (const [tag, texts] of [
    [0x17, short],
    [0x18, long],
  ] as const) {
    for (const text of texts) {
      assert.throws(() => timeOf(elementOf(tlv(tag, Buffer.from(text)))), { code: 'GTX-PRV-030' }, text);
    }
  }
  assert.equal(timeOf(elementOf(tlv(0x17, Buffer.from('240229235959Z')))), Date.UTC(2024, 1, 29, 23, 59, 59) / 1000);
});

test('a value has one encoding: indefinite, padded and over-long lengths are refused, and what is cut off', () => {
  for (const hex of [
    '',
    '30',
    '3080',
    '30800000',
    '308100',
    '30817f',
    '30820001',
    '0401',
    '3001',
    '1f0100',
    '040100ff',
  ]) {
    assert.throws(() => elementOf(Buffer.from(hex, 'hex')), { code: 'GTX-PRV-030' }, hex);
  }
});

test('any octets are elements or refused with a code', () => {
  check(
    property(uint8Array({ maxLength: 60 }), (octets) => {
      try {
        const lengths = elementsOf(octets).map(({ encoded }) => encoded.length);
        assert.equal(
          lengths.reduce((sum, length) => sum + length, 0),
          octets.length,
        );
      } catch (error) {
        assert.ok(error instanceof GridError && error.code === 'GTX-PRV-030', String(error));
      }
    }),
  );
});
