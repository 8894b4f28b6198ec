import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { GridError, type GridErrorCode } from '#hal/errors.ts';
import {
  type Certified,
  checkAttestationKey,
  checkDeviceKey,
  checkRequestKey,
  type Quoted,
  verifyCertify,
  verifyQuote,
} from './attestation.ts';
import { nameOf, publicKeyOf } from './public-key.ts';
import { recorded } from './recorded.ts';
import {
  type Attest,
  attest,
  attestMagic,
  attributes,
  type EccPublicArea,
  type ObjectAttribute,
  type PublicArea,
  publicArea,
  sha256Pcrs,
  signature,
} from './structures.ts';
import { attestationKey, endorsementKeys, signingKey } from './templates.ts';
import type { Attestation } from './objects.ts';
import { parse } from './wire.ts';

const { nonce } = recorded;
const by = parse(publicArea, recorded.by);
const key = parse(publicArea, recorded.key);
const attestationOf = (on: typeof recorded.certify): Attestation => ({
  attested: on.attested,
  signature: parse(signature, on.signature),
});
const zeros = new Uint8Array(32);
const certified: Certified = { attestation: attestationOf(recorded.certify), by, nonce, key };
const quoted: Quoted = {
  attestation: attestationOf(recorded.quote),
  by,
  nonce,
  pcrs: new Map([
    [7, zeros],
    [0, zeros],
  ]),
};

/** An attestation key of our own, which signs what no TPM would. */
function forger() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x, y } = publicKey.export({ format: 'jwk' });
  const unique = { x: Buffer.from(x!, 'base64url'), y: Buffer.from(y!, 'base64url') };
  const signed = (attested: Uint8Array): Attestation => {
    const rs = sign('sha256', attested, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return { attested, signature: { scheme: 'ecdsa', hash: 'sha256', r: rs.subarray(0, 32), s: rs.subarray(32) } };
  };
  return { by: { ...attestationKey, unique } as EccPublicArea, signed };
}

test("a TPM's word on a key and on its registers is believed", () => {
  assert.ok(verifyCertify(certified).equals(publicKeyOf(key)));
  verifyQuote(quoted);
});

test('the Name of a key is its name algorithm and the hash of its public area', () => {
  const { body } = parse(attest, recorded.certify.attested);
  assert.ok(body.type === 'certify');
  assert.deepEqual(Buffer.from(nameOf(key)), Buffer.from(body.name));
  const sha384 = nameOf({ ...endorsementKeys.p384.template });
  assert.deepEqual([sha384.length, sha384[0], sha384[1]], [50, 0x00, 0x0c]);
});

const other = forger();
const changedBody = (change: Partial<Attest>): Attestation =>
  other.signed(attest.write({ ...parse(attest, recorded.certify.attested), ...change }));

for (const [what, code, change] of [
  ['another attestation key', 'GTX-TPM-028', { by: other.by }],
  [
    'an attestation of other words',
    'GTX-TPM-028',
    { attestation: { ...certified.attestation, attested: recorded.quote.attested } },
  ],
  ['a nonce that was not ours', 'GTX-TPM-027', { nonce: new Uint8Array(32) }],
  ['a nonce of another length', 'GTX-TPM-027', { nonce: nonce.subarray(1) }],
  [
    'another key than the one presented',
    'GTX-TPM-029',
    { key: { ...key, unique: (by as EccPublicArea).unique } as PublicArea },
  ],
  ['a quote in place of a certificate', 'GTX-TPM-026', { attestation: quoted.attestation }],
  [
    'words that no TPM generated',
    'GTX-TPM-026',
    { by: other.by, attestation: changedBody({ magic: attestMagic - 1 }) },
  ],
  ['octets that are no attestation', 'GTX-TPM-003', { by: other.by, attestation: other.signed(Buffer.from('hello')) }],
  ['an attestation key that is a device key', 'GTX-TPM-024', { by: key }],
  ['a device key that is an attestation key', 'GTX-TPM-025', { key: by }],
] satisfies readonly (readonly [string, GridErrorCode, Partial<Certified>])[]) {
  test(`a certified key is refused for ${what}`, () => {
    assert.throws(() => verifyCertify({ ...certified, ...change }), { code });
  });
}

const quoteOf = (indices: readonly number[]): Attestation => {
  const told = parse(attest, recorded.quote.attested);
  assert.ok(told.body.type === 'quote');
  return other.signed(attest.write({ ...told, body: { ...told.body, pcrSelect: sha256Pcrs(indices) } }));
};

for (const [what, code, change] of [
  [
    'a register that holds something else',
    'GTX-TPM-030',
    {
      pcrs: new Map([
        [0, zeros],
        [7, createHash('sha256').digest()],
      ]),
    },
  ],
  ['fewer registers than asked for', 'GTX-TPM-030', { by: other.by, attestation: quoteOf([0]) }],
  ['other registers than asked for', 'GTX-TPM-030', { by: other.by, attestation: quoteOf([0, 8]) }],
  ['another nonce', 'GTX-TPM-027', { nonce: zeros }],
  ['another attestation key', 'GTX-TPM-028', { by: other.by }],
  ['a certificate in place of a quote', 'GTX-TPM-026', { attestation: certified.attestation }],
] satisfies readonly (readonly [string, GridErrorCode, Partial<Quoted>])[]) {
  test(`a quote is refused for ${what}`, () => {
    assert.throws(() => verifyQuote({ ...quoted, ...change }), { code });
  });
}

test('a key that is not bound to its TPM is refused with each attribute that it lacks or has too many', () => {
  const all: readonly ObjectAttribute[] = [
    'fixedTPM',
    'fixedParent',
    'sensitiveDataOrigin',
    'restricted',
    'sign',
    'decrypt',
  ];
  const kinds = [
    { check: checkAttestationKey, template: attestationKey, code: 'GTX-TPM-024' },
    { check: checkDeviceKey, template: signingKey, code: 'GTX-TPM-025' },
  ] as const;
  for (const { check, template, code } of kinds) {
    for (const attribute of all) {
      const area = { ...template, attributes: template.attributes ^ attributes(attribute) };
      assert.throws(() => check(area), { code, message: new RegExp(`it is (not )?${attribute}`) });
    }
    for (const [change, reason] of [
      [{ curve: 'P-384' }, /not on P-256/],
      [{ nameAlgorithm: 'sha384' }, /Name is made with sha384/],
      [{ scheme: { scheme: 'null' } }, /does not sign ECDSA with SHA-256/],
      [{ scheme: { scheme: 'ecdsa', hash: 'sha384' } }, /does not sign ECDSA with SHA-256/],
    ] as const) {
      assert.throws(() => check({ ...template, ...change }), { code, message: reason });
    }
    assert.throws(() => check(endorsementKeys.rsa2048.template), { code });
  }
});

test('a point that is not on the curve is no key', () => {
  const unique = { x: Buffer.alloc(32, 1), y: Buffer.alloc(32, 1) };
  assert.throws(() => checkDeviceKey({ ...signingKey, unique }), { code: 'GTX-TPM-008' });
  const long = { x: Buffer.alloc(33), y: Buffer.alloc(32) };
  assert.throws(() => checkDeviceKey({ ...signingKey, unique: long }), { code: 'GTX-TPM-008' });
});

test('no change of an attestation, its signature, the certified key or the nonce passes', () => {
  const parts = {
    attested: recorded.certify.attested,
    signature: recorded.certify.signature,
    key: recorded.key,
    nonce,
  };
  const change = fc
    .constantFrom(...(Object.keys(parts) as (keyof typeof parts)[]))
    .chain((part) => fc.record({ part: fc.constant(part), at: fc.nat(parts[part].length - 1), bit: fc.nat(7) }));
  fc.assert(
    fc.property(change, ({ part, at, bit }) => {
      const copy = Buffer.from(parts[part]);
      copy[at]! ^= 1 << bit;
      const { attested, ...rest } = { ...parts, [part]: copy };
      assert.throws(
        () =>
          verifyCertify({
            attestation: { attested, signature: parse(signature, rest.signature) },
            by,
            key: parse(publicArea, rest.key),
            nonce: rest.nonce,
          }),
        (error) => error instanceof GridError && error.code.startsWith('GTX-TPM-'),
      );
    }),
    { numRuns: 1000 },
  );
});

test('the key of a certificate request is the certified key', () => {
  const ours: KeyObject = publicKeyOf(key);
  checkRequestKey(publicKeyOf(parse(publicArea, recorded.key)), ours);
  assert.throws(() => checkRequestKey(publicKeyOf(by), ours), { code: 'GTX-TPM-031' });
});
