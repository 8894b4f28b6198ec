import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { X509Certificate } from 'node:crypto';
import { wallSeconds } from '#hal/wall.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import type { Issuer } from '#provisioning/certificates.ts';
import { objectIdentifier, sequence, setOf, utf8String } from '#provisioning/der.ts';
import { nameAttributes, policies } from '#provisioning/object-identifiers.ts';
import { certificatePem } from '#provisioning/pem.ts';
import { badExtensions, type TestRequest, testCertificate } from '#provisioning/test-chain.ts';
import { debianPackage } from '../debian-packages.ts';
import { alerts, askByOpenssl } from './openssl-client.ts';
import { lasting, type Shown, TlsStand } from './tls-stand.ts';
import { Watch } from './watch.ts';

/** What must become of a handshake: an answer to its request, an alert, or that the server hangs up. */
type Outcome = 'answered' | 'closed' | keyof typeof alerts;

interface Attempt {
  readonly what: string;
  /** Who shows what; a registered device with a good certificate unless told. */
  readonly shows?: (stand: TlsStand) => Promise<Shown | undefined>;
  readonly args?: readonly string[];
  readonly outcome: Outcome;
  /** The code by which the server logs it, once. */
  readonly logged?: string;
}

const tls12 = (ciphers: string): string[] => ['-tls1_2', '-cipher', `${ciphers}:@SECLEVEL=0`];
const ccm8 = tls12('ECDHE-ECDSA-AES128-CCM8');
const old = ['-cipher', 'ALL:@SECLEVEL=0'];
const hourAgo = (): number => wallSeconds() - 3600;

const commonName = (text: string) => sequence(setOf(sequence(objectIdentifier(nameAttributes.CN), utf8String(text))));

let devices = 0;
const serial = (): string => `device-${++devices}`;
const bad =
  (request: () => TestRequest) =>
  (stand: TlsStand): Promise<Shown> =>
    stand.shown(serial(), request());
const below =
  (authority: 'root' | 'policy' | 'issuing') =>
  async (stand: TlsStand): Promise<Shown> =>
    stand.shown(serial(), {}, await stand.authority.issuingAuthority(authority));

/** A manufacturer's issuing authority below our policy authority, and a device of it. */
async function ofMaker(stand: TlsStand, change: TestRequest, device: TestRequest = {}, known = false): Promise<Shown> {
  const policy = await stand.authority.issuingAuthority('policy');
  const maker = await testCertificate({ ...lasting(), name: serial(), pathLength: 0, ...change }, policy);
  if (known) {
    const answer = await stand.authorities.add(new X509Certificate(maker.certificate));
    assert.equal(answer.ok, true, JSON.stringify(answer));
  }
  return stand.shown(serial(), device, maker, [maker, policy]);
}

async function stranger(stand: TlsStand): Promise<Shown> {
  const other = await CertificateAuthority.create(join(stand.folder, serial()));
  const issuing: Issuer = await other.issuingAuthority();
  return stand.shown(serial(), {}, issuing, [issuing]);
}

async function selfSigned(): Promise<Shown> {
  const { certificate, keyPem } = await testCertificate({ ...lasting(), name: 'me' });
  return { certificatePem: certificatePem(certificate), keyPem };
}

const attempts: readonly Attempt[] = [
  { what: 'the suite of IEEE 2030.5', outcome: 'answered' },
  { what: 'AES128-GCM, for peers without CCM', args: tls12('ECDHE-ECDSA-AES128-GCM-SHA256'), outcome: 'answered' },
  { what: "whatever openssl's client offers", args: [], outcome: 'answered' },
  { what: 'a chain of 2: below the root', shows: below('root'), outcome: 'answered' },
  { what: 'a chain of 3: below the policy authority', shows: below('policy'), outcome: 'answered' },
  { what: 'a chain of 4: below the issuing authority', shows: below('issuing'), outcome: 'answered' },
  {
    what: "a chain of 4 of a maker's authority that is known",
    shows: (to) => ofMaker(to, {}, {}, true),
    outcome: 'answered',
  },
  {
    what: "a maker's authority that nobody has added",
    shows: (to) => ofMaker(to, {}),
    outcome: 'closed',
    logged: 'unknown-issuer',
  },
  {
    what: 'a maker for clients only (extended key usage, COMM-004)',
    shows: (to) => ofMaker(to, { more: [badExtensions.clientOnly] }),
    outcome: 'closed',
    logged: 'unknown-issuer',
  },
  {
    what: 'a maker for servers only (extended key usage, COMM-004)',
    shows: (to) => ofMaker(to, { more: [badExtensions.serverOnly] }),
    outcome: 'closed',
    logged: 'unknown-issuer',
  },
  {
    what: 'a maker with name constraints (COMM-004)',
    shows: (to) => ofMaker(to, { more: [badExtensions.nameConstraints] }),
    outcome: 'closed',
    logged: 'unknown-issuer',
  },
  {
    what: 'a maker with policy mappings (COMM-004)',
    shows: (to) => ofMaker(to, { more: [badExtensions.policyMappings] }),
    outcome: 'closed',
    logged: 'unknown-issuer',
  },
  {
    what: 'a maker of another name than its devices say (COMM-004)',
    shows: (to) => ofMaker(to, {}, { issuerName: commonName('another maker') }),
    outcome: 'closed',
    logged: 'unknown-issuer',
  },
  { what: 'no certificate', shows: async () => undefined, outcome: 'closed', logged: 'no-certificate' },
  {
    what: 'a certificate of another authority',
    shows: stranger,
    outcome: 'closed',
    logged: 'unknown-issuer',
  },
  { what: 'a self-signed certificate', shows: selfSigned, outcome: 'closed', logged: 'self-signed' },
  {
    what: 'an operational certificate that has expired',
    shows: bad(() => ({ notAfter: hourAgo(), policies: [policies.genericDevice, policies.operational] })),
    outcome: 'closed',
    logged: 'expired',
  },
  {
    what: 'a certificate of tomorrow',
    shows: bad(() => ({ notBefore: wallSeconds() + 3600 })),
    outcome: 'closed',
    logged: 'not-yet-valid',
  },
  {
    what: 'a device for servers only',
    shows: bad(() => ({ more: [badExtensions.serverOnly] })),
    outcome: 'closed',
    logged: 'extended-key-usage',
  },
  {
    what: 'a device with name constraints',
    shows: bad(() => ({ more: [badExtensions.nameConstraints] })),
    outcome: 'closed',
    logged: 'name-constraints',
  },
  {
    what: 'a device with policy mappings',
    shows: bad(() => ({ more: [badExtensions.policyMappings] })),
    outcome: 'closed',
    logged: 'policy-mappings',
  },
  {
    what: 'a device with an unknown critical extension',
    shows: bad(() => ({ more: [badExtensions.unknown] })),
    outcome: 'closed',
    logged: 'critical-extension',
  },
  {
    what: 'a device of no policy of IEEE 2030.5',
    shows: bad(() => ({ policies: [policies.softwareKey] })),
    outcome: 'closed',
    logged: 'policy',
  },
  {
    what: 'a device without a hardware name',
    shows: bad(() => ({ serial: null })),
    outcome: 'closed',
    logged: 'no-hardware-name',
  },
  {
    what: 'an authority that poses as a device',
    shows: bad(() => ({ name: 'authority', pathLength: 0 })),
    outcome: 'closed',
    logged: 'not-an-authority',
  },
  { what: 'TLS 1.0', args: ['-tls1', ...old], outcome: 'protocolVersion', logged: 'ERR_SSL_UNSUPPORTED_PROTOCOL' },
  { what: 'TLS 1.1', args: ['-tls1_1', ...old], outcome: 'protocolVersion', logged: 'ERR_SSL_UNSUPPORTED_PROTOCOL' },
  { what: 'TLS 1.3 alone', args: ['-tls1_3'], outcome: 'protocolVersion', logged: 'ERR_SSL_UNSUPPORTED_PROTOCOL' },
  ...['AES128-GCM-SHA256', 'AES128-CCM8', 'DHE-RSA-AES128-GCM-SHA256', 'AECDH-AES128-SHA', 'NULL'].map(
    (cipher): Attempt => ({
      what: `${cipher}: without forward secrecy, without authentication, or with RSA`,
      args: tls12(cipher),
      outcome: 'handshakeFailure',
      logged: 'ERR_SSL_NO_SHARED_CIPHER',
    }),
  ),
  {
    what: 'SHA-1 as the MAC',
    args: tls12('ECDHE-ECDSA-AES128-SHA'),
    outcome: 'handshakeFailure',
    logged: 'ERR_SSL_NO_SHARED_CIPHER',
  },
  {
    what: 'another curve',
    args: [...ccm8, '-groups', 'secp384r1'],
    outcome: 'handshakeFailure',
    logged: 'ERR_SSL_NO_SHARED_CIPHER',
  },
];

suite('TLS of the IEEE 2030.5 server, by openssl', { concurrency: false }, () => {
  let stand: TlsStand;
  let good: Shown;
  let watch: Watch;

  before(async () => {
    stand = await TlsStand.open();
    good = await stand.device('GOOD');
    watch = await Watch.start(await stand.poster('POSTER'));
  });
  after(() => stand[Symbol.asyncDispose]());

  /** What openssl is told of an identity. */
  async function shownBy(shown: Shown | undefined): Promise<string[]> {
    if (shown === undefined) return [];
    const file = join(stand.folder, serial());
    await writeFile(file, shown.certificatePem + shown.keyPem);
    return ['-cert', file, '-key', file, '-cert_chain', file];
  }

  for (const { what, shows = async () => good, args = ccm8, outcome, logged } of attempts) {
    test(`${what}: ${outcome}${logged === undefined ? '' : ` and ${logged} in the log`}`, async (t) => {
      if (!debianPackage(t, 'openssl')) return;
      const shown = await shownBy(await shows(stand));
      const [from, handshakes] = [stand.log.length, stand.server.handshakes];
      const { status, alert, text } = await askByOpenssl(stand.port, [...shown, ...args]);
      assert.equal(status, outcome === 'answered' ? 200 : undefined, text);
      const expected = outcome === 'answered' || outcome === 'closed' ? undefined : alerts[outcome];
      assert.equal(alert, expected, text);
      const codes = stand.log.slice(from).map(({ code }) => code);
      // Of the same address once, and again when there are ten times as many.
      const isKnown = stand.log.slice(0, from).some(({ code, who }) => code === logged && who === '127.0.0.1');
      assert.deepEqual(codes, logged === undefined || isKnown ? [] : [logged]);
      assert.equal(stand.server.handshakes > handshakes, outcome === 'answered');
    });
  }

  test('who negotiates anew is told no', async (t) => {
    if (!debianPackage(t, 'openssl')) return;
    const { text } = await askByOpenssl(stand.port, [...(await shownBy(good)), ...ccm8], 'R\n');
    // Of two pipes (output and errors), so in any order.
    assert.match(text, /RENEGOTIATING\n/);
    assert.match(text, /no renegotiation/);
  });

  test('a device posts all the while, over its one connection, and waits for no attack', async () => {
    const { posts, worstMs, handshakes } = await watch.end();
    assert.ok(posts > attempts.length, `${posts} posts`);
    assert.ok(worstMs < 1000, `a post took ${worstMs} ms`);
    assert.equal(handshakes, 1);
  });
});
