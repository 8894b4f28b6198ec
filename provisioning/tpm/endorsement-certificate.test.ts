import 'reflect-metadata';
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, webcrypto, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import * as x509 from '@peculiar/x509';
import fc from 'fast-check';
import { GridError, type GridErrorCode } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { checkEndorsement, endorsementHash, type TrustedMakers } from './endorsement-certificate.ts';

const now = UnixSeconds(1_800_000_000);
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const { KeyUsageFlags: usage } = x509;
const day = 86_400_000;

interface Authority {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}
interface Wish {
  readonly name: string;
  readonly from?: number;
  readonly to?: number;
  readonly extensions?: readonly x509.Extension[];
  readonly publicKey?: KeyObject;
  readonly by?: Authority;
}

const ec = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const authorityExtensions = (pathLength?: number) => [
  new x509.BasicConstraintsExtension(true, pathLength, true),
  new x509.KeyUsagesExtension(usage.keyCertSign, true),
];
const endorsementExtensions = (flags: x509.KeyUsageFlags = usage.keyAgreement) => [
  new x509.BasicConstraintsExtension(false, undefined, true),
  new x509.KeyUsagesExtension(flags, true),
  new x509.ExtendedKeyUsageExtension(['2.23.133.8.1']),
];

async function issue({ name, from = -1, to = 1, extensions = [], publicKey, by }: Wish): Promise<Authority> {
  const own = ec();
  const signing = by?.key ?? own.privateKey;
  const spki = (publicKey ?? own.publicKey).export({ type: 'spki', format: 'der' });
  const made = await x509.X509CertificateGenerator.create(
    {
      serialNumber: '01',
      subject: `CN=${name}`,
      issuer: by === undefined ? `CN=${name}` : by.certificate.subject,
      notBefore: new Date(now * 1000 + from * day),
      notAfter: new Date(now * 1000 + to * day),
      publicKey: new x509.PublicKey(Uint8Array.from(spki)),
      signingKey: signing.toCryptoKey(algorithm, false, ['sign']),
      signingAlgorithm: algorithm,
      extensions: [...extensions],
    },
    webcrypto,
  );
  return { certificate: new X509Certificate(Buffer.from(made.rawData)), key: own.privateKey };
}

const root = await issue({ name: 'Maker', extensions: authorityExtensions(1) });
const maker = await issue({ name: 'Maker of 2026', extensions: authorityExtensions(0), by: root });
const makers: TrustedMakers = { roots: [root.certificate], intermediates: [maker.certificate] };
const good: Wish = { name: 'TPM', extensions: endorsementExtensions(), by: maker };
const raw = async (wish: Wish): Promise<Uint8Array> => (await issue(wish)).certificate.raw;

test('a certificate of a maker whom the campus trusts gives the TPM its key and its name on the list', async () => {
  const { certificate } = await issue(good);
  const { key, hash } = checkEndorsement(certificate.raw, makers, now);
  assert.ok(key.equals(certificate.publicKey));
  assert.equal(hash, endorsementHash(certificate.publicKey));
  assert.match(hash, /^[0-9a-f]{64}$/);
  // A new certificate for the same key leaves it on the list.
  const renewed = await raw({ ...good, publicKey: certificate.publicKey, to: 2 });
  assert.equal(checkEndorsement(renewed, makers, now).hash, hash);
});

test('an RSA key is for key encipherment, and the octets behind a certificate in an NV index do not count', async () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const rsa = { ...good, publicKey, extensions: endorsementExtensions(usage.keyEncipherment) };
  const padded = Buffer.concat([await raw(rsa), Buffer.alloc(200, 0xff)]);
  assert.ok(checkEndorsement(padded, makers, now).key.equals(publicKey));
  const agreeing = { ...rsa, extensions: endorsementExtensions() };
  await assert.rejects(async () => checkEndorsement(await raw(agreeing), makers, now), {
    code: 'GTX-TPM-023',
    message: /not for key encipherment/,
  });
});

const stranger = await issue({ name: 'Maker', extensions: authorityExtensions(1) });
const tooDeep = await issue({ name: 'Maker below a maker', extensions: authorityExtensions(), by: maker });
const noSigner = await issue({
  name: 'Board',
  extensions: [new x509.BasicConstraintsExtension(true, 0, true), new x509.KeyUsagesExtension(usage.digitalSignature)],
  by: root,
});
const notAuthority = await issue({ ...good, name: 'Board' });
const expired = await issue({ name: 'Old maker', extensions: authorityExtensions(0), by: root, from: -9, to: -8 });
const all: TrustedMakers = {
  roots: [root.certificate],
  intermediates: [maker, tooDeep, noSigner, notAuthority, expired].map(({ certificate }) => certificate),
};

for (const [what, code, wish] of [
  ['of a stranger with the name of a maker', 'GTX-TPM-021', { ...good, by: stranger }],
  ['that signs itself', 'GTX-TPM-021', { name: 'TPM', extensions: endorsementExtensions() }],
  ['of an authority deeper than its maker allows', 'GTX-TPM-021', { ...good, by: tooDeep }],
  ['of an authority that may not sign certificates', 'GTX-TPM-021', { ...good, by: noSigner }],
  ["signed by another TPM's key", 'GTX-TPM-021', { ...good, by: notAuthority }],
  ['of an authority that has expired', 'GTX-TPM-022', { ...good, by: expired }],
  ['that has expired', 'GTX-TPM-022', { ...good, from: -2, to: -1 }],
  ['that is not valid yet', 'GTX-TPM-022', { ...good, from: 1, to: 2 }],
  ["that is an authority's", 'GTX-TPM-023', { ...good, extensions: authorityExtensions(0) }],
  ['for signatures', 'GTX-TPM-023', { ...good, extensions: endorsementExtensions(usage.digitalSignature) }],
  ['without a key usage', 'GTX-TPM-023', { ...good, extensions: [] }],
  [
    'for TLS clients',
    'GTX-TPM-023',
    {
      ...good,
      extensions: [
        new x509.KeyUsagesExtension(usage.keyAgreement, true),
        new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.2']),
      ],
    },
  ],
  [
    'with a critical extension that nobody here knows',
    'GTX-TPM-023',
    { ...good, extensions: [...endorsementExtensions(), new x509.Extension('1.2.3.4', true, Uint8Array.of(5, 0))] },
  ],
] satisfies readonly (readonly [string, GridErrorCode, Wish])[]) {
  test(`an endorsement certificate is refused ${what}`, async () => {
    const content = await raw(wish);
    assert.throws(() => checkEndorsement(content, all, now), { code });
  });
}

test('makers that vouch for each other in a circle end nowhere', async () => {
  const keys = ec();
  const one = await issue({ name: 'One', extensions: authorityExtensions() });
  const two = await issue({ name: 'Two', extensions: authorityExtensions(), by: one });
  const oneAgain = await issue({ name: 'One', extensions: authorityExtensions(), by: two, publicKey: keys.publicKey });
  const intermediates = [two.certificate, oneAgain.certificate, one.certificate];
  const content = await raw({ ...good, by: { certificate: oneAgain.certificate, key: keys.privateKey } });
  assert.throws(() => checkEndorsement(content, { roots: [root.certificate], intermediates }, now), {
    code: 'GTX-TPM-021',
    message: /its maker is unknown \(issued by CN=/,
  });
});

test('whatever an NV index holds, it is a certificate that passes or it is refused with a GTX-TPM code', async () => {
  const content = await raw(good);
  const damaged = fc.array(fc.tuple(fc.nat(content.length - 1), fc.nat(255)), { minLength: 1, maxLength: 2 });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 100 }),
        damaged.map((changes) => {
          const copy = Buffer.from(content);
          for (const [at, octet] of changes) copy[at] = octet;
          return copy;
        }),
      ),
      (octets) => {
        try {
          checkEndorsement(octets, makers, now);
          assert.deepEqual(Buffer.from(octets), Buffer.from(content));
        } catch (error) {
          assert.ok(error instanceof GridError && /^GTX-TPM-02[0-3]$/.test(error.code), String(error));
        }
      },
    ),
    { numRuns: 300 },
  );
});
