import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';

import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Agent, request } from 'undici';
import { SwtpmFactory } from '#hal/emulated/swtpm-factory.ts';
import type { GridErrorCode } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { Connection } from '#edge/client/connection.ts';
import { EnrolmentClient } from '#edge/identity/enrolment-client.ts';
import { TpmIdentities } from '#edge/identity/tpm-identities.ts';
import { mediaType } from '#ieee2030_5/namespaces.ts';
import { serverTls } from '#ieee2030_5/tls.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { answerChallenge, startEnrolment } from '#provisioning/enrolment/applicant.ts';
import { certificateRequest } from '#provisioning/enrolment/certificate-request.ts';
import { challengeSeconds } from '#provisioning/enrolment/enrolment-desk.ts';
import { challengeOf, finishJson, startJson } from '#provisioning/enrolment/message-json.ts';
import type { ChallengeMessage, StartMessage } from '#provisioning/enrolment/messages.ts';
import { certificatesOf } from '#provisioning/pem.ts';
import { loadTpmProvider } from '#provisioning/tpm/provider/provider.ts';
import { attributes, publicArea } from '#provisioning/tpm/structures.ts';
import { signingKey } from '#provisioning/tpm/templates.ts';
import { Tpm } from '#provisioning/tpm/tpm.ts';
import { persistentHandles } from '#provisioning/tpm/tpm-keys.ts';
import { debianPackage } from '../debian-packages.ts';
import { enrolmentGround, type Ground, hashOf } from './tpm-ground.ts';

const serial = 'GTX-0001';
/** Wall time at which operators do what they do. */
const at = UnixSeconds(1_800_000_000);
const building = 'AMI_METER_STANFORD_LIBRARY_001';
const flashed = { serial, building };

const hasTpms = (t: TestContext): boolean =>
  debianPackage(t, 'swtpm') && debianPackage(t, 'swtpm-tools') && debianPackage(t, 'gcc');

/** A key outside of any TPM, dressed as one in it. */
function softwareKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const unique = { x: Buffer.from(x, 'base64url'), y: Buffer.from(y, 'base64url') };
  return {
    publicKey,
    area: { ...signingKey, unique },
    sign: (message: Uint8Array): Promise<Uint8Array> =>
      Promise.resolve(sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
  };
}

test('a board proves its TPM to the head-end and is given its certificates; whoever does not is refused', async (t) => {
  if (!hasTpms(t)) return;
  const ground = await enrolmentGround(t);
  const { first, client, list, entries, registry } = ground;
  const { board, address } = first;
  const { board: stranger } = await ground.makeTpm(new SwtpmFactory(join(ground.folder, 'stranger')));
  const { board: unlisted } = await ground.makeTpm();
  await list.allow({ endorsementHash: await hashOf(board), ...flashed }, at);
  await list.allow({ endorsementHash: await hashOf(stranger), serial: 'GTX-9', building }, at);
  assert.deepEqual(await board.load('operational'), undefined);

  /** The board's messages, honest but for what is changed, as far as the service takes them. */
  const start = async (change: Partial<StartMessage> = {}, by = board): Promise<ChallengeMessage> => {
    const hello = await startEnrolment(by.keys, 'operational', flashed);
    return challengeOf(await client.start(startJson({ ...hello, ...change })));
  };
  const finish = async (challenge: ChallengeMessage, change: object = {}, by = board) => {
    const answer = await answerChallenge(by.keys, 'operational', challenge);
    const asked = await certificateRequest(await by.keys.signingKey('operational'));
    return client.finish({ ...finishJson(answer, asked), ...change });
  };
  const soft = softwareKey();
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

  const attempts: readonly (readonly [string, GridErrorCode, () => Promise<unknown>])[] = [
    ['a TPM of an unknown maker', 'GTX-TPM-021', () => start({}, stranger)],
    ['a TPM that is not on the list', 'GTX-ENR-001', () => start({}, unlisted)],
    ['a board of another building', 'GTX-ENR-002', () => start({ building: 'AMI_METER_STANFORD_STADIUM_001' })],
    [
      'the wrong attestation key: a genuine TPM opens no credential made for another',
      'GTX-ENR-006',
      async () => {
        const theirs = publicArea.write(await unlisted.keys.attestationKey());
        const challenge = await start({ attestationKey: theirs });
        await assert.rejects(board.keys.activate(challenge.credential), { code: 'GTX-TPM-004' });
        const certify = await unlisted.keys.certify('operational', challenge.nonce);
        const { enrolment } = challenge;
        const asked = await certificateRequest(await board.keys.signingKey('operational'));
        await client.finish(finishJson({ enrolment, secret: new Uint8Array(32), certify }, asked));
      },
    ],
    [
      'a software key that admits to be one',
      'GTX-TPM-025',
      () => start({ deviceKey: publicArea.write({ ...soft.area, attributes: attributes('userWithAuth', 'sign') }) }),
    ],
    [
      'a software key posing as a TPM key',
      'GTX-TPM-029',
      async () =>
        finish(await start({ deviceKey: publicArea.write(soft.area) }), {
          request: base64(await certificateRequest(soft)),
        }),
    ],
    [
      'a certificate request for another key than the one that was attested',
      'GTX-TPM-031',
      async () => finish(await start(), { request: base64(await certificateRequest(soft)) }),
    ],
    [
      'a certificate request that its key did not sign',
      'GTX-PRV-005',
      async () => {
        const { publicKey } = await board.keys.signingKey('operational');
        return finish(await start(), { request: base64(await certificateRequest({ ...soft, publicKey })) });
      },
    ],
    [
      'an answer after the nonce has expired',
      'GTX-ENR-005',
      async () => {
        const challenge = await start();
        ground.ahead.seconds += challengeSeconds;
        await finish(challenge);
      },
    ],
  ];
  for (const [what, code, attempt] of attempts) {
    await t.test(`refused and written down: ${what}`, async () => {
      const before = entries.length;
      await assert.rejects(attempt(), { code });
      const [entry, ...more] = entries.slice(before);
      assert.deepEqual(more, []);
      assert.deepEqual([entry?.kind, entry?.actor, entry?.subject], ['refusal', '127.0.0.1', serial]);
      assert.match(String(entry?.detail?.['reason']), new RegExp(`^${code} `));
      assert.equal(registry.all().length, 0);
    });
  }

  await t.test('an honest board is given both certificates and is a device by the operational one', async () => {
    assert.deepEqual(await board.enrol(client, flashed, ground.authority.rootPem), ['birth', 'operational']);
    const [birth, operational] = [await board.load('birth'), await board.load('operational')];
    assert.equal(registry.byLfdi(operational!.lfdi)?.meterId, building);
    assert.equal(registry.byLfdi(birth!.lfdi), undefined);
    const end = (pem: string) => certificatesOf(pem)[0]!.validToDate.getUTCFullYear();
    assert.equal(end(birth!.certificatePem), 9999);
    assert.ok(end(operational!.certificatePem) < 2100);
    const told = entries.filter(({ kind }) => kind === 'enrolment').map(({ subject, detail }) => [subject, detail]);
    const detail = { building, endorsementHash: await hashOf(board) };
    assert.deepEqual(told, [
      [serial, { ...detail, role: 'birth', lfdi: birth!.lfdi }],
      [serial, { ...detail, role: 'operational', lfdi: operational!.lfdi }],
    ]);
  });

  await t.test('its TLS to a server signs in the TPM, and only in a full handshake', () => connects(t, ground, board));

  await t.test('a replayed message is refused', async () => {
    await list.release(serial, at);
    const challenge = await start();
    const answer = finishJson(
      await answerChallenge(board.keys, 'operational', challenge),
      await certificateRequest(await board.keys.signingKey('operational')),
    );
    assert.match((await client.finish(answer)).chain, /BEGIN CERTIFICATE/);
    const before = entries.length;
    await assert.rejects(client.finish(answer), { code: 'GTX-ENR-004' });
    assert.equal(entries[before]?.kind, 'refusal');
  });

  await t.test('a board that lost its certificate, not its TPM, is given the same one again', async () => {
    const again = new TpmIdentities(address(), join(ground.folder, 'again'));
    ground.resources.use(again);
    await again.start();
    await again.enrol(client, flashed, ground.authority.rootPem);
    assert.equal((await again.load('operational'))?.lfdi, registry.byMeterId(building)?.lfdi);
  });

  await t.test('a second enrolment is refused until an operator releases the board', async () => {
    const tpm = ground.resources.use(new Tpm(address().port));
    await tpm.start();
    await tpm.evict(await tpm.readPublic(persistentHandles.operational));
    const fresh = new TpmIdentities(address(), join(ground.folder, 'fresh'));
    ground.resources.use(fresh);
    await fresh.start();
    const enrol = () => fresh.enrol(client, flashed, ground.authority.rootPem);
    const old = registry.byMeterId(building);
    await assert.rejects(enrol(), { code: 'GTX-ENR-003' });
    assert.equal(registry.byMeterId(building), old);
    await assert.rejects(board.load('operational'), { code: 'GTX-TPM-015' });
    assert.equal(await list.release(serial, at), true);
    await enrol();
    const now = registry.byMeterId(building);
    assert.equal(now?.id, old?.id);
    assert.notEqual(now?.lfdi, old?.lfdi);
    assert.equal(registry.byLfdi(old?.lfdi ?? ''), undefined);
  });

  await t.test('what is no message is refused by its place, and the interface is described', () => wire(ground));

  await t.test('a board whose TPM is gone says so, and is not let in', () => without(t, ground));

  await t.test('a board trusts no service of another authority', async () => {
    const { rootPem } = await CertificateAuthority.create(join(ground.folder, 'other-ca'));
    await using misled = new EnrolmentClient(ground.url, rootPem);
    await assert.rejects(misled.certificate('00', 'birth'), { code: 'GTX-ENC-001' });
  });
});

/** A server that ends the connection after every so many answers; answers its origin. */
async function startServer(t: TestContext, { server }: Ground, answersEach: number): Promise<string> {
  const tls = serverTls({ cert: server.certificatePem, key: server.keyPem, ca: server.caPem });
  const body = writeDocument('Time', {
    currentTime: 0n,
    dstEndTime: 0n,
    dstOffset: 0,
    dstStartTime: 0n,
    quality: 7,
    tzOffset: 0,
  });
  let answered = 0;
  const https = createServer(tls, (_, response) => {
    response.shouldKeepAlive = ++answered % answersEach !== 0;
    response.setHeader('content-type', mediaType).end(body);
  });
  https.listen(0, '127.0.0.1');
  await once(https, 'listening');
  t.after(() => https.close());
  return `https://127.0.0.1:${(https.address() as AddressInfo).port}`;
}

/** A board that is thrown out after every fifth answer comes again. */
async function connects(t: TestContext, ground: Ground, board: TpmIdentities): Promise<void> {
  const identity = await board.load('operational');
  const provider = await loadTpmProvider();
  await using connection = new Connection(await startServer(t, ground, 5), identity!);
  const before = provider.statistics().signatures;
  for (let i = 0; i < 15; i++) await connection.get('/tm', 'Time');
  assert.equal(connection.handshakes, 3);
  assert.equal(provider.statistics().signatures - before, 1, 'kept alive, and resumed after it was lost');
}

async function without(t: TestContext, ground: Ground): Promise<void> {
  const { board, emulator } = await ground.makeTpm();
  const away = { serial: 'GTX-0002', building: 'AMI_METER_STANFORD_ENG_001' };
  await ground.list.allow({ endorsementHash: await hashOf(board), ...away }, at);
  await board.enrol(ground.client, away, ground.authority.rootPem);
  const identity = await board.load('operational');
  await using connection = new Connection(await startServer(t, ground, 1), identity!);
  await emulator[Symbol.asyncDispose]();
  const get = () => connection.get('/tm', 'Time');
  await assert.rejects(get(), { code: 'GTX-SEP-001', message: /TPM does not answer/ });
  await assert.rejects(get(), { code: 'GTX-SEP-001', message: /TPM does not answer/ });
  await assert.rejects(board.load('operational'), { code: 'GTX-TPM-001' });
  assert.equal(connection.handshakes, 0);
}

async function wire({ url, authority }: Ground): Promise<void> {
  const dispatcher = new Agent({ connect: { ca: authority.rootPem } });
  const ask = async (method: 'GET' | 'POST', path: string, body?: string) => {
    const answer = await request(`${url}${path}`, {
      method,
      dispatcher,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body ?? null,
    });
    return {
      status: answer.statusCode,
      type: answer.headers['content-type'],
      body: (await answer.body.json()) as Record<string, unknown>,
    };
  };
  const refusals = [
    [await ask('POST', '/enrolment/start', '{"serial": 7}'), 422, 'GTX-ENR-008'],
    [await ask('POST', '/enrolment/start', '{'), 400, 'GTX-GTW-008'],
    [await ask('POST', '/enrolment/finish', JSON.stringify({ secret: 'x'.repeat(65 * 1024) })), 413, 'GTX-GTW-008'],
    [await ask('GET', '/enrolment/certificates/00/operational'), 404, 'GTX-ENR-009'],
    [await ask('GET', '/api/v1/devices'), 404, 'GTX-GTW-004'],
  ] as const;
  for (const [answer, status, code] of refusals) {
    assert.deepEqual([answer.status, answer.body['code']], [status, code]);
    assert.match(String(answer.type), /^application\/problem\+json/);
  }
  const { paths } = (await ask('GET', '/openapi.json')).body;
  assert.deepEqual(Object.keys(paths as object), [
    '/enrolment/start',
    '/enrolment/finish',
    '/enrolment/certificates/{endorsementHash}/{role}',
    '/openapi.json',
  ]);
  await dispatcher.destroy();
}
