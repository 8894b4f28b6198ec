import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GridError } from '#hal/errors.ts';
import { recorded } from './recorded.ts';
import {
  attest,
  attributes,
  pcrSelection,
  publicArea,
  sha256Pcrs,
  signature,
  signatureScheme,
  ticket,
} from './structures.ts';
import { attestationKey, endorsementKeys, signingKey, storageRootKey } from './templates.ts';
import { buffer, type Codec, fixed, list, parse, shortBuffer, sized, u8, u16, u32, u64 } from './wire.ts';

const areas = [
  attestationKey,
  signingKey,
  storageRootKey,
  ...Object.values(endorsementKeys).map((kind) => kind.template),
];

/** Every structure that comes from outside, with well-formed examples to be damaged. */
const examples: readonly (readonly [string, Codec<unknown>, readonly Uint8Array[]])[] = [
  ['a public area', publicArea, [recorded.by, recorded.key, ...areas.map((area) => publicArea.write(area))]],
  ['a signature', signature, [recorded.certify.signature, recorded.quote.signature]],
  ['an attestation', attest, [recorded.certify.attested, recorded.quote.attested]],
  ['a selection of registers', pcrSelection, [pcrSelection.write(sha256Pcrs([0, 23]))]],
  ['a signature scheme', signatureScheme, [signatureScheme.write({ scheme: 'ecdsa', hash: 'sha384' })]],
  ['a ticket', ticket, [ticket.write({ tag: 0x8024, hierarchy: 1, digest: new Uint8Array(4) })]],
  ['a sized public area', sized(publicArea), [sized(publicArea).write(attestationKey)]],
];

/** Some octets changed, the end cut off or something put behind. */
const damaged = (octets: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc
    .record({
      changes: fc.array(fc.tuple(fc.nat(octets.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
      cut: fc.oneof(fc.constant(octets.length), fc.nat(octets.length)),
      more: fc.uint8Array({ maxLength: 3 }),
    })
    .map(({ changes, cut, more }) => {
      const copy = Buffer.from(octets);
      for (const [at, octet] of changes) copy[at] = octet;
      return Buffer.concat([copy.subarray(0, cut), more]);
    });

for (const [what, codec, wellFormed] of examples) {
  test(`whatever is read as ${what} is written back octet by octet, and anything else is GTX-TPM-003`, () => {
    for (const octets of wellFormed)
      assert.deepEqual(Buffer.from(codec.write(parse(codec, octets))), Buffer.from(octets));
    const anything = fc.oneof(fc.uint8Array({ maxLength: 300 }), ...wellFormed.map(damaged));
    fc.assert(
      fc.property(anything, (octets) => {
        let value: unknown;
        try {
          value = parse(codec, octets);
        } catch (error) {
          assert.ok(error instanceof GridError && error.code === 'GTX-TPM-003', String(error));
          return;
        }
        assert.deepEqual(Buffer.from(codec.write(value)), Buffer.from(octets));
      }),
      { numRuns: 1000 },
    );
  });
}

test('a field holds what fits, and what does not fit is refused before it is sent', () => {
  assert.equal(Buffer.from(u64.write(2n ** 64n - 1n)).toString('hex'), 'ff'.repeat(8));
  for (const write of [
    () => u8.write(256),
    () => u16.write(-1),
    () => u32.write(1.5),
    () => u64.write(2n ** 64n),
    () => u64.write(-1n),
    () => buffer(4).write(new Uint8Array(5)),
    () => shortBuffer(4).write(new Uint8Array(5)),
    () => fixed(4).write(new Uint8Array(3)),
    () => list(u8, 2).write([1, 2, 3]),
    () => sha256Pcrs([24]),
    () => sha256Pcrs([-1]),
    () => signatureScheme.write({ scheme: 'sm2' } as never),
    () => signatureScheme.write({ scheme: 'toString' } as never),
  ]) {
    assert.throws(write, { code: 'GTX-TPM-007' });
  }
});

test('a list that claims more than fits is refused before anything is set aside for it', () => {
  const claim = Buffer.from('ffffffff00', 'hex');
  assert.throws(() => parse(list(u8, 0x7fffffff), claim), { code: 'GTX-TPM-003' });
});

test('attributes are the bits of TPMA_OBJECT, registers those of a bitmap', () => {
  assert.equal(attributes('fixedTPM', 'restricted', 'decrypt'), 0x00030002);
  assert.equal(attestationKey.attributes, 0x00050472);
  assert.equal(storageRootKey.attributes, 0x00030472);
  assert.deepEqual(sha256Pcrs([0, 7, 23]), [{ hash: 'sha256', select: Uint8Array.of(0x81, 0, 0x80) }]);
});
