import 'reflect-metadata';
import assert from 'node:assert/strict';
import {
  createDecipheriv,
  createECDH,
  createHash,
  generateKeyPairSync,
  type KeyObject,
  sign,
  webcrypto,
  X509Certificate,
} from 'node:crypto';
import { test } from 'node:test';
import * as x509 from '@peculiar/x509';
import type { GridErrorCode } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { endorsementHash, type TrustedMakers } from '../tpm/endorsement-certificate.ts';
import { kdfA, kdfE } from '../tpm/key-derivation.ts';
import { nameOf } from '../tpm/public-key.ts';
import {
  attest,
  attestMagic,
  attributes,
  digest,
  type EccPublicArea,
  point,
  publicArea,
  sha256Pcrs,
} from '../tpm/structures.ts';
import { attestationKey, signingKey } from '../tpm/templates.ts';
import type { Attestation, Credential } from '../tpm/objects.ts';
import { parse, Reader } from '../tpm/wire.ts';
import { challengeSeconds, EnrolmentDesk, type FlashedBoard } from './enrolment-desk.ts';
import type { ChallengeMessage, FinishMessage, StartMessage } from './messages.ts';

const start = UnixSeconds(1_800_000_000);
const none = new Uint8Array();
const ec = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

interface SoftKey {
  readonly area: EccPublicArea;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}
function softKey(template: EccPublicArea): SoftKey {
  const { publicKey, privateKey } = ec();
  const { x, y } = publicKey.export({ format: 'jwk' });
  const unique = { x: Buffer.from(x!, 'base64url'), y: Buffer.from(y!, 'base64url') };
  return { area: { ...template, unique }, publicKey, privateKey };
}

/** What a maker builds: a certificate of the endorsement key, by an authority that signs itself. */
class Maker {
  readonly #keys = ec();
  async #certificate(subject: string, key: KeyObject, extensions: x509.Extension[]): Promise<Buffer> {
    const made = await x509.X509CertificateGenerator.create(
      {
        subject,
        issuer: 'CN=Maker',
        notBefore: new Date((start - 1000) * 1000),
        notAfter: new Date((start + 1000) * 1000),
        publicKey: new x509.PublicKey(Uint8Array.from(key.export({ type: 'spki', format: 'der' }))),
        signingKey: this.#keys.privateKey.toCryptoKey(algorithm, false, ['sign']),
        signingAlgorithm: algorithm,
        extensions,
      },
      webcrypto,
    );
    return Buffer.from(made.rawData);
  }
  async trusted(): Promise<TrustedMakers> {
    const authority = [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ];
    return {
      roots: [new X509Certificate(await this.#certificate('CN=Maker', this.#keys.publicKey, authority))],
      intermediates: [],
    };
  }
  endorse(key: KeyObject): Promise<Buffer> {
    return this.#certificate('CN=TPM', key, [new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyAgreement, true)]);
  }
}

/** What a TPM does in an enrolment, done in software so that it can also do what no TPM would. */
class SoftTpm {
  readonly endorsement = ec();
  readonly attestation = softKey(attestationKey);
  readonly device = softKey(signingKey);

  open({ credential, encryptedSecret }: Credential, name = nameOf(this.attestation.area)): Uint8Array {
    const { d, x } = this.endorsement.privateKey.export({ format: 'jwk' });
    const theirs = parse(point, encryptedSecret);
    const ecdh = createECDH('prime256v1');
    ecdh.setPrivateKey(Buffer.from(d!, 'base64url'));
    const shared = ecdh.computeSecret(Buffer.concat([Buffer.of(4), theirs.x, theirs.y]));
    const contextV = Buffer.from(x!, 'base64url');
    const seed = kdfE(shared, { hash: 'sha256', label: 'IDENTITY', contextU: theirs.x, contextV, bits: 256 });
    const key = kdfA(seed, { hash: 'sha256', label: 'STORAGE', contextU: name, bits: 128 });
    const reader = new Reader(credential);
    digest.read(reader);
    const plain = createDecipheriv('aes-128-cfb', key, Buffer.alloc(16)).update(reader.take(reader.left));
    // A wrong name gives wrong octets here; a TPM refuses.
    return plain.subarray(2);
  }

  attests(body: Parameters<typeof attest.write>[0]['body'], by = this.attestation): Attestation {
    const attested = attest.write({ magic: attestMagic, body });
    const rs = sign('sha256', attested, { key: by.privateKey, dsaEncoding: 'ieee-p1363' });
    return { attested, signature: { scheme: 'ecdsa', hash: 'sha256', r: rs.subarray(0, 32), s: rs.subarray(32) } };
  }

  certify(nonce: Uint8Array, area: EccPublicArea = this.device.area, by = this.attestation): Attestation {
    return this.attests({ ...header(nonce), type: 'certify', name: nameOf(area), qualifiedName: none }, by);
  }

  quote(nonce: Uint8Array, indices: readonly number[], values: readonly Uint8Array[]): Attestation {
    const pcrDigest = createHash('sha256').update(Buffer.concat(values)).digest();
    return this.attests({ ...header(nonce), type: 'quote', pcrSelect: sha256Pcrs(indices), pcrDigest });
  }
}

const header = (extraData: Uint8Array) => ({
  qualifiedSigner: none,
  extraData,
  clock: 0n,
  resetCount: 0,
  restartCount: 0,
  safe: 1,
  firmwareVersion: 0n,
});

const pcrs = new Map([[7, Buffer.alloc(32, 7)]]);

/** A campus with one flashed board, and messages as an honest board sends them. */
async function campus(options: { pcrs?: ReadonlyMap<number, Uint8Array> } = {}) {
  const maker = new Maker();
  const tpm = new SoftTpm();
  const list = new Map<string, FlashedBoard>();
  const hash = endorsementHash(tpm.endorsement.publicKey);
  list.set(hash, { serial: 'GTX-1', building: 'library', enrolled: [] });
  const clock = { now: start };
  const find = (wanted: string) => Promise.resolve(list.get(wanted));
  const desk = new EnrolmentDesk({ makers: await maker.trusted(), find, now: () => clock.now, ...options });
  const hello: StartMessage = {
    serial: 'GTX-1',
    building: 'library',
    role: 'operational',
    endorsementCertificate: await maker.endorse(tpm.endorsement.publicKey),
    attestationKey: publicArea.write(tpm.attestation.area),
    deviceKey: publicArea.write(tpm.device.area),
  };
  const answer = ({ enrolment, credential, nonce }: ChallengeMessage): FinishMessage => ({
    enrolment,
    secret: tpm.open(credential),
    certify: tpm.certify(nonce),
    requestKey: tpm.device.publicKey,
  });
  return { maker, tpm, list, hash, clock, desk, hello, answer };
}
type Campus = Awaited<ReturnType<typeof campus>>;

test('an honest board proves itself, and its key and building are what a certificate is issued for', async () => {
  const { desk, hello, answer, hash, tpm } = await campus();
  const proven = await desk.finish(answer(await desk.start(hello)));
  assert.deepEqual(
    { ...proven, publicKey: proven.publicKey.equals(tpm.device.publicKey) },
    {
      serial: 'GTX-1',
      building: 'library',
      role: 'operational',
      endorsementHash: hash,
      publicKey: true,
      attestationKey: hello.attestationKey,
    },
  );
});

test('a board that is enrolled for one role may still be enrolled for the other', async () => {
  const { desk, hello, answer, hash, list } = await campus();
  list.set(hash, { serial: 'GTX-1', building: 'library', enrolled: ['operational'] });
  await assert.rejects(desk.start(hello), { code: 'GTX-ENR-003' });
  assert.equal((await desk.finish(answer(await desk.start({ ...hello, role: 'birth' })))).role, 'birth');
});

test('a start is refused with its reason', async (t) => {
  const changes: readonly (readonly [string, GridErrorCode, (campus: Campus) => Promise<Partial<StartMessage>>])[] = [
    [
      'unknown manufacturer',
      'GTX-TPM-021',
      async ({ tpm }) => ({ endorsementCertificate: await new Maker().endorse(tpm.endorsement.publicKey) }),
    ],
    ['no certificate', 'GTX-TPM-020', () => Promise.resolve({ endorsementCertificate: Buffer.from('certificate') })],
    [
      'a certificate that has expired',
      'GTX-TPM-022',
      ({ clock }) => {
        clock.now = UnixSeconds(start + 2000);
        return Promise.resolve({});
      },
    ],
    [
      'endorsement key not on the list',
      'GTX-ENR-001',
      async ({ maker }) => ({ endorsementCertificate: await maker.endorse(ec().publicKey) }),
    ],
    ['wrong building', 'GTX-ENR-002', () => Promise.resolve({ building: 'stadium' })],
    ['wrong board', 'GTX-ENR-002', () => Promise.resolve({ serial: 'GTX-2' })],
    [
      'second enrolment without release',
      'GTX-ENR-003',
      ({ list, hash }) => {
        list.set(hash, { serial: 'GTX-1', building: 'library', enrolled: ['operational'] });
        return Promise.resolve({});
      },
    ],
    [
      'an attestation key that signs anything',
      'GTX-TPM-024',
      ({ hello }) => Promise.resolve({ attestationKey: hello.deviceKey }),
    ],
    [
      'a software key posing as a TPM key',
      'GTX-TPM-025',
      ({ tpm }) => {
        const loose = attributes('userWithAuth', 'sign');
        return Promise.resolve({ deviceKey: publicArea.write({ ...tpm.device.area, attributes: loose }) });
      },
    ],
    ['a key that is no key', 'GTX-TPM-003', () => Promise.resolve({ deviceKey: Buffer.from('key') })],
  ];
  for (const [what, code, change] of changes) {
    await t.test(what, async () => {
      const made = await campus();
      await assert.rejects(made.desk.start({ ...made.hello, ...(await change(made)) }), { code });
    });
  }
});

test('a finish is refused with its reason, and its challenge is used up', async (t) => {
  type Change = (campus: Campus, challenge: ChallengeMessage) => Partial<FinishMessage>;
  const stranger = new SoftTpm();
  const changes: readonly (readonly [string, GridErrorCode, Change])[] = [
    [
      'wrong attestation key name',
      'GTX-ENR-006',
      ({ tpm }, { credential }) => ({ secret: tpm.open(credential, nameOf(stranger.attestation.area)) }),
    ],
    ['a secret that was guessed', 'GTX-ENR-006', () => ({ secret: new Uint8Array(32) })],
    ['no secret', 'GTX-ENR-006', () => ({ secret: none })],
    ['a certificate for another nonce', 'GTX-TPM-027', ({ tpm }) => ({ certify: tpm.certify(new Uint8Array(32)) })],
    [
      'another attestation key',
      'GTX-TPM-028',
      ({ tpm }, { nonce }) => ({ certify: tpm.certify(nonce, tpm.device.area, stranger.attestation) }),
    ],
    [
      'a software key posing as a TPM key: it signs its own certificate',
      'GTX-TPM-028',
      ({ tpm }, { nonce }) => ({ certify: tpm.certify(nonce, tpm.device.area, tpm.device) }),
    ],
    [
      'another key certified',
      'GTX-TPM-029',
      ({ tpm }, { nonce }) => ({ certify: tpm.certify(nonce, stranger.device.area) }),
    ],
    ['a certificate request for another key', 'GTX-TPM-031', () => ({ requestKey: stranger.device.publicKey })],
    [
      'a quote in place of a certificate',
      'GTX-TPM-026',
      ({ tpm }, { nonce }) => ({ certify: tpm.quote(nonce, [], []) }),
    ],
    [
      'expired nonce',
      'GTX-ENR-005',
      ({ clock }) => {
        clock.now = UnixSeconds(start + challengeSeconds);
        return {};
      },
    ],
    ['an enrolment that was never started', 'GTX-ENR-004', () => ({ enrolment: '0'.repeat(32) })],
    [
      'a board that was enrolled meanwhile',
      'GTX-ENR-003',
      ({ list, hash }) => {
        list.set(hash, { serial: 'GTX-1', building: 'library', enrolled: ['operational'] });
        return {};
      },
    ],
    [
      'a board that was taken off the list meanwhile',
      'GTX-ENR-001',
      ({ list }) => {
        list.clear();
        return {};
      },
    ],
  ];
  for (const [what, code, change] of changes) {
    await t.test(what, async () => {
      const made = await campus();
      const challenge = await made.desk.start(made.hello);
      const honest = made.answer(challenge);
      const wrong = { ...honest, ...change(made, challenge) };
      await assert.rejects(made.desk.finish(wrong), { code });
      if (wrong.enrolment === honest.enrolment) await assert.rejects(made.desk.finish(honest), { code: 'GTX-ENR-004' });
    });
  }
});

test('a replayed message is refused, also one from another enrolment', async () => {
  const { desk, hello, answer } = await campus();
  const first = answer(await desk.start(hello));
  await desk.finish(first);
  await assert.rejects(desk.finish(first), { code: 'GTX-ENR-004' });
  const { enrolment } = await desk.start(hello);
  await assert.rejects(desk.finish({ ...first, enrolment }), { code: 'GTX-ENR-006' });
});

test('where there is a rule for registers, only a board that started with that software passes', async () => {
  const answers: readonly (readonly [
    (tpm: SoftTpm, nonce: Uint8Array) => Attestation | undefined,
    GridErrorCode | undefined,
  ])[] = [
    [(tpm, nonce) => tpm.quote(nonce, [7], [...pcrs.values()]), undefined],
    [() => undefined, 'GTX-ENR-007'],
    [(tpm, nonce) => tpm.quote(nonce, [7], [Buffer.alloc(32, 8)]), 'GTX-TPM-030'],
    [(tpm, nonce) => tpm.quote(nonce, [8], [...pcrs.values()]), 'GTX-TPM-030'],
    [(tpm) => tpm.quote(new Uint8Array(32), [7], [...pcrs.values()]), 'GTX-TPM-027'],
  ];
  for (const [quoteOf, code] of answers) {
    const { desk, hello, answer, tpm } = await campus({ pcrs });
    const challenge = await desk.start(hello);
    assert.deepEqual(challenge.pcrs, [7]);
    const quote = quoteOf(tpm, challenge.nonce);
    const finished = desk.finish({ ...answer(challenge), ...(quote !== undefined && { quote }) });
    if (code === undefined) await finished;
    else await assert.rejects(finished, { code });
  }
});

test('of one board the latest four challenges are good, and another board is not pushed out by it', async () => {
  const { maker, desk, hello, answer, list } = await campus();
  const other = new SoftTpm();
  list.set(endorsementHash(other.endorsement.publicKey), { serial: 'GTX-2', building: 'stadium', enrolled: [] });
  const theirs = await desk.start({
    serial: 'GTX-2',
    building: 'stadium',
    role: 'operational',
    endorsementCertificate: await maker.endorse(other.endorsement.publicKey),
    attestationKey: publicArea.write(other.attestation.area),
    deviceKey: publicArea.write(other.device.area),
  });
  const challenges: ChallengeMessage[] = [];
  for (let tries = 0; tries < 6; tries++) challenges.push(await desk.start(hello));
  const fates = await Promise.allSettled(challenges.map((challenge) => desk.finish(answer(challenge))));
  assert.deepEqual(
    fates.map(({ status }) => status === 'fulfilled'),
    [false, false, true, true, true, true],
  );
  const { enrolment, credential, nonce } = theirs;
  const finish = { enrolment, secret: other.open(credential), certify: other.certify(nonce) };
  assert.equal((await desk.finish({ ...finish, requestKey: other.device.publicKey })).serial, 'GTX-2');
});
