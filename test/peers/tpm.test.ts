import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes, verify, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { Swtpm } from '#hal/emulated/swtpm.ts';
import { TpmOverTcp } from '#hal/emulated/tpm-over-tcp.ts';
import type { TpmPort } from '#hal/key-store.ts';
import { wallSeconds } from '#hal/wall.ts';
import { CertificateAuthority, publicKeyOfRequest } from '#provisioning/ca.ts';
import { answerChallenge, startEnrolment } from '#provisioning/enrolment/applicant.ts';
import { certificateRequest } from '#provisioning/enrolment/certificate-request.ts';
import { EnrolmentDesk } from '#provisioning/enrolment/enrolment-desk.ts';
import { verifyCertify, verifyQuote } from '#provisioning/tpm/attestation.ts';
import { makeCredential } from '#provisioning/tpm/credential.ts';
import { checkEndorsement, endorsementHash } from '#provisioning/tpm/endorsement-certificate.ts';
import type { TransientKey } from '#provisioning/tpm/objects.ts';
import { nameOf, publicKeyOf } from '#provisioning/tpm/public-key.ts';
import { publicArea } from '#provisioning/tpm/structures.ts';
import {
  attestationKey,
  endorsementArea,
  endorsementKeys,
  signingKey,
  storageRootKey,
} from '#provisioning/tpm/templates.ts';
import { sha256, Tpm } from '#provisioning/tpm/tpm.ts';
import { TpmKeys } from '#provisioning/tpm/tpm-keys.ts';
import { debianPackage } from '../debian-packages.ts';
import { madeSwtpm, plainSwtpm, temporaryFolder } from './swtpm-maker.ts';

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');

/** Loads a new key, as if its storage root key had never been there. */
async function newKey(tpm: Tpm, template: typeof signingKey): Promise<TransientKey> {
  await using parent = await tpm.createPrimary('owner', storageRootKey);
  return await tpm.load(parent, await tpm.create(parent, template));
}

/** Keeps all that passes over the bus. */
function tapped(port: TpmPort): { port: TpmPort; seen: Buffer[] } {
  const seen: Buffer[] = [];
  const open = async () => {
    const channel = await port.open();
    return {
      transact: async (command: Uint8Array) => {
        const response = await channel.transact(command);
        seen.push(Buffer.from(command), Buffer.from(response));
        return response;
      },
      [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
    };
  };
  return { port: { name: port.name, open }, seen };
}

test('a key of the TPM signs what its public key verifies, and a primary key is the same each time', async (t) => {
  if (!debianPackage(t, 'swtpm')) return;
  await using tpm = new Tpm(await plainSwtpm(t));
  await tpm.start();
  await using key = await newKey(tpm, signingKey);
  const message = Buffer.from('1 kWh');
  const signature = await tpm.sign(key, sha256(message));
  assert.ok(verify('sha256', message, { key: publicKeyOf(key.area), dsaEncoding: 'ieee-p1363' }, signature));
  assert.equal(hex(key.name), hex(nameOf(key.area)));
  const root = async (): Promise<string> => {
    await using parent = await tpm.createPrimary('owner', storageRootKey);
    return hex(parent.name);
  };
  assert.equal(await root(), await root());
});

test('a persistent key outlives its slot, and an evicted one is gone', async (t) => {
  if (!debianPackage(t, 'swtpm')) return;
  await using tpm = new Tpm(await plainSwtpm(t));
  await tpm.start();
  const handle = 0x81000020;
  {
    await using key = await newKey(tpm, signingKey);
    await tpm.persist(key, handle);
  }
  const key = await tpm.readPublic(handle);
  assert.equal((await tpm.sign(key, sha256(Buffer.of(1)))).length, 64);
  assert.deepEqual(await tpm.handles('persistent'), [handle]);
  assert.deepEqual(await tpm.handles('transient'), []);
  await tpm.evict(key);
  await assert.rejects(tpm.readPublic(handle), { code: 'GTX-TPM-004', message: /ReadPublic: 0x18b: handle 1: / });
});

test('a third object is refused before it takes the last slot, which persistent keys need', async (t) => {
  if (!debianPackage(t, 'swtpm')) return;
  await using tpm = new Tpm(await plainSwtpm(t));
  await tpm.start();
  await using first = await tpm.createPrimary('owner', storageRootKey);
  const second = await tpm.createPrimary('owner', storageRootKey);
  await assert.rejects(tpm.createPrimary('owner', storageRootKey), { code: 'GTX-TPM-005' });
  assert.deepEqual(await tpm.handles('transient'), [first.handle, second.handle]);
  await second[Symbol.asyncDispose]();
  // A slot is free again, also after an attempt that the TPM refused.
  await assert.rejects(tpm.load(first, { privatePart: new Uint8Array(8), area: signingKey }), { code: 'GTX-TPM-004' });
  await (await tpm.createPrimary('owner', storageRootKey))[Symbol.asyncDispose]();
});

/** Fills all slots and some sessions, says so, and waits for its end. */
const hoarder = `
  import { TpmOverTcp } from '#hal/emulated/tpm-over-tcp.ts';
  import { Tpm } from '#provisioning/tpm/tpm.ts';
  import { storageRootKey } from '#provisioning/tpm/templates.ts';
  const port = new TpmOverTcp('127.0.0.1', Number(process.argv[1]));
  const [tpm, other] = [new Tpm(port), new Tpm(port)];
  await tpm.start();
  await other.start();
  const key = await tpm.createPrimary('owner', storageRootKey);
  await tpm.startSession(key);
  await tpm.startSession(key);
  await tpm.createPrimary('owner', storageRootKey);
  await other.createPrimary('owner', storageRootKey);
  process.stdout.write('full');
  process.stdin.resume();
`;

test('slots and sessions of a program that was killed are free after the next start', async (t) => {
  if (!debianPackage(t, 'swtpm')) return;
  const swtpm = await plainSwtpm(t);
  const child = spawn(process.execPath, ['--input-type=module', '-e', hoarder, String(swtpm.port)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: `${import.meta.dirname}/../..`,
  });
  t.after(() => child.kill('SIGKILL'));
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  assert.equal(said.toString(), 'full');
  child.kill('SIGKILL');
  await once(child, 'exit');
  await using tpm = new Tpm(swtpm);
  await tpm.start();
  for (const range of ['transient', 'hmacSession', 'policySession'] as const) {
    assert.deepEqual(await tpm.handles(range), [], range);
  }
  await using key = await newKey(tpm, signingKey);
  assert.equal((await tpm.sign(key, sha256(Buffer.of(1)))).length, 64);
});

test('a register is extended as TPM 2.0 says, and read in ascending order', async (t) => {
  if (!debianPackage(t, 'swtpm')) return;
  await using tpm = new Tpm(await plainSwtpm(t));
  await tpm.start();
  const [before] = await tpm.pcrRead([16]);
  const digest = sha256(Buffer.from('image'));
  await tpm.pcrExtend(16, digest);
  const values = await tpm.pcrRead([23, 16, 0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(values.length, 10);
  const expected = createHash('sha256').update(before!).update(digest).digest('hex');
  assert.deepEqual(values.map(hex).slice(8), [expected, hex(values[9]!)]);
  assert.equal(hex(values[9]!), '00'.repeat(32));
});

test('a session encrypts what passes over the bus both ways', async (t) => {
  if (!debianPackage(t, 'swtpm')) return;
  const { port, seen } = tapped(await plainSwtpm(t));
  await using tpm = new Tpm(port);
  await tpm.start();
  const onBus = (octets: Uint8Array): boolean => seen.some((message) => message.includes(Buffer.from(octets)));
  assert.ok(onBus(await tpm.random(32)));
  await using key = await newKey(tpm, signingKey);
  const root = await tpm.createPrimary('owner', storageRootKey);
  await using session = await tpm.startSession(root);
  await root[Symbol.asyncDispose]();
  assert.ok(!onBus(await tpm.random(32, session.hmac)));
  const message = randomBytes(100);
  const signature = await tpm.sign(key, sha256(message), session.hmac);
  assert.ok(verify('sha256', message, { key: publicKeyOf(key.area), dsaEncoding: 'ieee-p1363' }, signature));
  assert.ok(!onBus(sha256(message)));
});

test('what somebody on the bus changes under a session is found out', async (t) => {
  if (!debianPackage(t, 'swtpm')) return;
  const swtpm = await plainSwtpm(t);
  let change: ((message: Buffer, direction: 'command' | 'response') => void) | undefined;
  const open = async () => {
    const channel = await swtpm.open();
    const transact = async (command: Uint8Array) => {
      const copy = Buffer.from(command);
      change?.(copy, 'command');
      const response = Buffer.from(await channel.transact(copy));
      change?.(response, 'response');
      return response;
    };
    return { transact, [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose]() };
  };
  await using tpm = new Tpm({ name: 'tapped', open });
  await tpm.start();
  const root = await tpm.createPrimary('owner', storageRootKey);
  await using session = await tpm.startSession(root);
  await root[Symbol.asyncDispose]();
  change = (message, direction) => {
    if (direction === 'response') message[20]! ^= 1;
  };
  await assert.rejects(tpm.random(32, session.hmac), { code: 'GTX-TPM-006' });
  change = undefined;
  await using again = await tpm.startSession(await tpm.createPrimary('owner', storageRootKey));
  change = (message, direction) => {
    // The last octet of a command is its parameter: how many random octets there shall be.
    if (direction === 'command') message[message.length - 1]! ^= 1;
  };
  await assert.rejects(tpm.random(32, again.hmac), { code: 'GTX-TPM-004', message: /session 1: authorization failed/ });
  change = undefined;
});

for (const [kind, { template }] of Object.entries(endorsementKeys)) {
  test(`a credential made in software opens in the TPM for its key alone: endorsement key ${kind}`, async (t) => {
    if (!debianPackage(t, 'swtpm')) return;
    await using tpm = new Tpm(await plainSwtpm(t));
    await tpm.start();
    await using key = await newKey(tpm, attestationKey);
    await using endorsementKey = await tpm.createPrimary('endorsement', template);
    // The verifier has no more than the certificate's key.
    const area = endorsementArea(publicKeyOf(endorsementKey.area));
    assert.equal(hex(nameOf(area)), hex(endorsementKey.name));
    const secret = randomBytes(32);
    const credential = makeCredential(area, key.name, secret);
    assert.equal(hex(await tpm.activateCredential(key, endorsementKey, credential)), hex(secret));
    await using session = await tpm.startSession(endorsementKey);
    assert.equal(hex(await tpm.activateCredential(key, endorsementKey, credential, session.hmac)), hex(secret));
    const madeInside = await tpm.makeCredential(endorsementKey, key.name, secret);
    assert.equal(hex(await tpm.activateCredential(key, endorsementKey, madeInside)), hex(secret));
    const forOther = makeCredential(area, nameOf({ ...key.area, attributes: 0 }), secret);
    await assert.rejects(tpm.activateCredential(key, endorsementKey, forOther), {
      code: 'GTX-TPM-004',
      message: /ActivateCredential: 0x1df: parameter 1: integrity check failed/,
    });
    assert.deepEqual(await tpm.handles('policySession'), [], 'no session is left behind, also after a refusal');
  });
}

test("a board's keys are made once, found again after a restart, and attested by the TPM", async (t) => {
  if (!debianPackage(t, 'swtpm') || !debianPackage(t, 'swtpm-tools')) return;
  const { swtpm, makers } = await madeSwtpm(t);
  const attested = await (async () => {
    await using keys = new TpmKeys(swtpm);
    await keys.start();
    const [birth, operational] = await Promise.all([keys.signingKey('birth'), keys.signingKey('operational')]);
    assert.ok(!birth.publicKey.equals(operational.publicKey));
    const message = Buffer.from('reading');
    const signature = await operational.sign(message);
    assert.ok(verify('sha256', message, { key: operational.publicKey, dsaEncoding: 'ieee-p1363' }, signature));

    const { certificate } = await keys.endorsement();
    const endorsement = checkEndorsement(certificate.raw, makers, wallSeconds());
    const by = await keys.attestationKey();
    const secret = randomBytes(32);
    const credential = makeCredential(endorsementArea(endorsement.key), nameOf(by), secret);
    assert.equal(hex(await keys.activate(credential)), hex(secret));

    const nonce = randomBytes(32);
    const attestation = await keys.certify('operational', nonce);
    const proven = verifyCertify({ attestation, by, nonce, key: operational.area });
    assert.ok(proven.equals(operational.publicKey));
    const pcrs = new Map([
      [0, Buffer.alloc(32)],
      [7, Buffer.alloc(32)],
    ]);
    verifyQuote({ attestation: await keys.quote(nonce, [7, 0]), by, nonce, pcrs });
    return { birth: birth.publicKey, handle: operational.handle };
  })();
  await using again = new TpmKeys(new TpmOverTcp('127.0.0.1', swtpm.port));
  await again.start();
  const birth = await again.signingKey('birth');
  assert.ok(birth.publicKey.equals(attested.birth));
  assert.equal((await again.signingKey('operational')).handle, attested.handle);
});

test('a board enrols with its TPM, and an answer made for another board does not open the credential', async (t) => {
  if (!debianPackage(t, 'swtpm') || !debianPackage(t, 'swtpm-tools')) return;
  const { swtpm, makers } = await madeSwtpm(t);
  const ca = await CertificateAuthority.create(join(await temporaryFolder(t), 'ca'));
  await using keys = new TpmKeys(swtpm);
  await keys.start();
  const board = { serial: 'GTX-1', building: 'library' };
  const hello = await startEnrolment(keys, 'operational', board);
  const known = endorsementHash(new X509Certificate(hello.endorsementCertificate).publicKey);
  const desk = new EnrolmentDesk({
    makers,
    find: (hash) => Promise.resolve(hash === known ? { ...board, enrolled: [] } : undefined),
    now: wallSeconds,
    pcrs: new Map([[7, Buffer.alloc(32)]]),
  });
  const key = await keys.signingKey('operational');
  const requestKey = await publicKeyOfRequest(await certificateRequest(key));
  const proven = await desk.finish({
    ...(await answerChallenge(keys, 'operational', await desk.start(hello))),
    requestKey,
  });
  const { der } = await ca.issueDevice({ serial: proven.serial, publicKey: proven.publicKey, keyIn: 'elsewhere' });
  assert.ok(new X509Certificate(der).publicKey.equals(key.publicKey));

  await using other = new TpmKeys(await plainSwtpm(t));
  await other.start();
  const foreign = publicArea.write(await other.attestationKey());
  const challenge = await desk.start({ ...hello, attestationKey: foreign });
  await assert.rejects(answerChallenge(keys, 'operational', challenge), { code: 'GTX-TPM-004', message: /0x1df/ });
});

test('an emulator that cannot start says why', async (t) => {
  if (!debianPackage(t, 'swtpm')) return;
  const folder = await temporaryFolder(t);
  await using first = new Swtpm(folder);
  await first.start();
  await assert.rejects(new Swtpm(folder).start(), { code: 'GTX-TPM-010', message: /did not start: .*lock/is });
});

test('a TPM without an endorsement certificate says so, and a foreign key under our handle is left alone', async (t) => {
  if (!debianPackage(t, 'swtpm')) return;
  const swtpm = await plainSwtpm(t);
  {
    await using tpm = new Tpm(swtpm);
    await tpm.start();
    await using key = await newKey(tpm, signingKey);
    await tpm.persist(key, 0x81000010);
  }
  await using keys = new TpmKeys(swtpm);
  await keys.start();
  await assert.rejects(keys.endorsement(), { code: 'GTX-TPM-009' });
  await assert.rejects(keys.attestationKey(), { code: 'GTX-TPM-011' });
  // The errand that failed does not hold up the next.
  assert.ok((await keys.signingKey('birth')).publicKey);
});

test('several openers sign with a persistent key of one emulator at the same time', async (t) => {
  if (!debianPackage(t, 'swtpm')) return;
  const swtpm = await plainSwtpm(t);
  await using keys = new TpmKeys(swtpm);
  await keys.start();
  const key = await keys.signingKey('operational');
  const signed = async (): Promise<void> => {
    await using store = new TpmKeys(new TpmOverTcp('127.0.0.1', swtpm.port));
    await store.start();
    const own = await store.signingKey('operational');
    for (let index = 0; index < 50; index++) {
      const message = Buffer.of(index);
      const signature = await own.sign(message);
      assert.ok(verify('sha256', message, { key: key.publicKey, dsaEncoding: 'ieee-p1363' }, signature));
    }
  };
  await Promise.all([signed(), signed(), signed()]);
});

test('an emulator ends with the program that started it, also where that is killed', async (t) => {
  if (!debianPackage(t, 'swtpm')) return;
  const program = `
    import { Swtpm } from '#hal/emulated/swtpm.ts';
    const swtpm = new Swtpm(process.argv[1]);
    await swtpm.start();
    process.stdout.write(String(swtpm.port));
    process.stdin.resume();
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, await temporaryFolder(t)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: `${import.meta.dirname}/../..`,
  });
  t.after(() => child.kill('SIGKILL'));
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  const tpm = new TpmOverTcp('127.0.0.1', Number(port.toString()));
  await (await tpm.open())[Symbol.asyncDispose]();
  child.kill('SIGKILL');
  await once(child, 'exit');
  const gone = async (): Promise<boolean> =>
    tpm.open().then(
      () => false,
      () => true,
    );
  for (let tries = 0; tries < 1000 && !(await gone()); tries++);
  await assert.rejects(tpm.open(), { code: 'GTX-TPM-001' });
});
