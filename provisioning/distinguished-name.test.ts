import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { objectIdentifier, octetString, sequence, setOf, tlv } from './der.ts';
import { canonicalName } from './distinguished-name.ts';
import { nameAttributes } from './object-identifiers.ts';

const tags = { utf8: 0x0c, printable: 0x13, ia5: 0x16, bmp: 0x1e } as const;

const octetsOf = (text: string, type: keyof typeof tags): Buffer =>
  type === 'bmp' ? Buffer.from(text, 'utf16le').swap16() : Buffer.from(text, 'utf8');

const attribute = (id: string, text: string, type: keyof typeof tags): Uint8Array =>
  sequence(objectIdentifier(id), tlv(tags[type], octetsOf(text, type)));

const nameOf = (text: string, type: keyof typeof tags = 'utf8', id: string = nameAttributes.CN): string =>
  canonicalName(sequence(setOf(attribute(id, text, type))));

test('a name is the same in every string type', () => {
  const text = fc.stringMatching(/^[A-Za-z0-9 '()+,./:=?-]{0,40}$/);
  fc.assert(
    fc.property(text, fc.constantFrom(...(Object.keys(tags) as (keyof typeof tags)[])), (value, type) => {
      assert.equal(nameOf(value, type), nameOf(value));
    }),
  );
});

test('case, spaces at the ends and how many stand between words make no other name (RFC 5280 §7.1)', () => {
  assert.equal(nameOf('  Campus   Issuing CA ', 'printable'), nameOf('campus issuing ca'));
  assert.equal(nameOf('ÉCOLE'), nameOf('e\u0301cole'));
});

test('another text, another attribute, another order of parts and what is no text are other names', () => {
  const part = (id: string, text: string): Uint8Array => setOf(attribute(id, text, 'utf8'));
  const { CN, O } = nameAttributes;
  const octets = (text: string): string =>
    canonicalName(sequence(setOf(sequence(objectIdentifier(CN), octetString(Buffer.from(text))))));
  const names = [
    canonicalName(sequence()),
    nameOf(''),
    nameOf('a'),
    nameOf('ab'),
    nameOf('a b'),
    nameOf('a', 'utf8', O),
    canonicalName(sequence(part(CN, 'a'), part(O, 'a'))),
    canonicalName(sequence(part(O, 'a'), part(CN, 'a'))),
    canonicalName(sequence(tlv(0x31, attribute(CN, 'a', 'utf8'), attribute(O, 'a', 'utf8')))),
    octets('a'),
    octets('b'),
  ];
  assert.equal(new Set(names).size, names.length);
});

test('the attributes of one part have no order', () => {
  const [common, organisation] = [attribute(nameAttributes.CN, 'a', 'utf8'), attribute(nameAttributes.O, 'b', 'utf8')];
  assert.equal(
    canonicalName(sequence(tlv(0x31, common, organisation))),
    canonicalName(sequence(tlv(0x31, organisation, common))),
  );
});

test('what is no name is told', () => {
  for (const bad of [Uint8Array.of(), octetString(Uint8Array.of(1)), sequence(octetString(Uint8Array.of(1)))]) {
    assert.throws(() => canonicalName(bad), { code: 'GTX-PRV-030' });
  }
});
