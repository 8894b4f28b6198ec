import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttps } from 'node:https';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { connect, type ConnectionOptions, createSecureContext, createServer, type TLSSocket } from 'node:tls';
import * as fc from 'fast-check';
import { Agent, request } from 'undici';
import { Swtpm } from '#hal/emulated/swtpm.ts';
import { clientTls, serverTls } from '#ieee2030_5/tls.ts';
import { debianPackage } from '../debian-packages.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { pointOf, publicKeyOf } from '#provisioning/tpm/public-key.ts';
import { signingKey, storageRootKey } from '#provisioning/tpm/templates.ts';
import { Tpm } from '#provisioning/tpm/tpm.ts';
import { loadTpmProvider, tpmKeyPem, type TpmProvider } from '#provisioning/tpm/provider/provider.ts';

const handle = 0x81000010;
const message = Buffer.from('a reading');

async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

interface Ground {
  readonly swtpm: Swtpm;
  readonly transport: string;
  readonly point: Buffer;
  readonly publicKey: KeyObject;
  readonly pem: string;
  readonly provider: TpmProvider;
}

/** An emulated TPM with a signing key at `handle`; undefined where the test is skipped. */
async function ground(t: TestContext): Promise<Ground | undefined> {
  if (!debianPackage(t, 'swtpm') || !debianPackage(t, 'gcc')) return undefined;
  const swtpm = new Swtpm(await temporary(t));
  await swtpm.start();
  t.after(() => swtpm[Symbol.asyncDispose]());
  await using tpm = new Tpm(swtpm);
  await tpm.start();
  await using root = await tpm.createPrimary('owner', storageRootKey);
  await using key = await tpm.load(root, await tpm.create(root, signingKey));
  await tpm.persist(key, handle);
  if (key.area.type !== 'ecc') throw new Error('a signing key on P-256 was made');
  const { x, y } = pointOf(key.area);
  const point = Buffer.concat([Buffer.of(4), x, y]);
  const transport = `127.0.0.1:${swtpm.port}`;
  const pem = tpmKeyPem(transport, handle, point);
  return { swtpm, transport, point, publicKey: publicKeyOf(key.area), pem, provider: await loadTpmProvider() };
}

/** What the error of OpenSSL says, all lines. */
const refusal = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return [String(error), ...((error as { opensslErrorStack?: string[] }).opensslErrorStack ?? [])].join('\n');
  }
  return assert.fail('it was not refused');
};

test('a signature made in the TPM verifies, and is counted', async (t) => {
  const made = await ground(t);
  if (made === undefined) return;
  const before = made.provider.statistics();
  const signature = sign('sha256', message, createPrivateKey(made.pem));
  assert.equal(verify('sha256', message, made.publicKey, signature), true);
  const after = made.provider.statistics();
  assert.equal(after.signatures, before.signatures + 1);
  assert.ok(after.microseconds > before.microseconds);
});

test('the key never leaves: only its public half is exported', async (t) => {
  const made = await ground(t);
  if (made === undefined) return;
  const key = createPrivateKey(made.pem);
  for (const options of [
    { type: 'pkcs8', format: 'pem' },
    { type: 'sec1', format: 'der' },
  ] as const) {
    assert.throws(() => key.export(options as { type: 'pkcs8'; format: 'pem' }));
  }
  assert.throws(() => key.export({ format: 'jwk' }));
  assert.ok(createPublicKey(key).equals(made.publicKey));
});

test('it signs SHA-256 digests only', async (t) => {
  const made = await ground(t);
  if (made === undefined) return;
  const key = createPrivateKey(made.pem);
  for (const digest of ['sha1', 'sha384', 'sha512']) {
    assert.match(
      refusal(() => sign(digest, message, key)),
      /a TPM key signs SHA-256 digests only/,
    );
  }
});

test('ordinary keys do not go to the TPM', async (t) => {
  const made = await ground(t);
  if (made === undefined) return;
  const { signatures } = made.provider.statistics();
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  assert.equal(verify('sha256', message, publicKey, sign('sha256', message, privateKey)), true);
  assert.equal(made.provider.statistics().signatures, signatures);
});

test('a wrong handle, another key at the handle and a TPM that is gone are each told', async (t) => {
  const made = await ground(t);
  if (made === undefined) return;
  const { transport, point, pem, swtpm } = made;
  const load = (text: string) => refusal(() => createPrivateKey(text));
  assert.match(load(tpmKeyPem(transport, 0x81000011, point)), /TPM refused the command/);
  assert.match(made.provider.lastDetail(), /^127\.0\.0\.1:\d+: response code 0x/);
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'der', type: 'spki' });
  assert.match(load(tpmKeyPem(transport, handle, other.subarray(-65))), /the key in the TPM is another one/);
  createPrivateKey(pem);
  await swtpm[Symbol.asyncDispose]();
  assert.match(load(tpmKeyPem(transport, 0x81000011, point)), /TPM does not answer/);
  assert.match(made.provider.lastDetail(), /Connection refused/);
  const { failures } = made.provider.statistics();
  // A key that was found in it before is read without it, and of no use.
  const key = createPrivateKey(pem);
  assert.match(
    refusal(() => sign('sha256', message, key)),
    /TPM does not answer/,
  );
  assert.equal(made.provider.statistics().failures, failures + 1);
});

test('a certificate of another key is refused before any handshake', async (t) => {
  const made = await ground(t);
  if (made === undefined) return;
  const folder = await temporary(t);
  const ca = await CertificateAuthority.create(join(folder, 'ca'));
  const { certificatePem } = await loadOrCreateIdentity(join(folder, 'board'), { ca, serial: 'AMI-1' });
  assert.match(
    refusal(() => createSecureContext({ key: made.pem, cert: certificatePem })),
    /key values mismatch/,
  );
});

/** A board whose key is in the TPM and a server, of one authority. */
async function ends(t: TestContext, { pem, publicKey }: Ground) {
  const folder = await temporary(t);
  const ca = await CertificateAuthority.create(join(folder, 'ca'));
  const server = await loadOrCreateIdentity(join(folder, 'server'), { ca, serial: 'head-end', hosts: ['127.0.0.1'] });
  const issued = await ca.issueDevice({ serial: 'AMI-1', publicKey, keyIn: 'elsewhere' });
  return {
    server: serverTls({ key: server.keyPem, cert: server.certificatePem, ca: server.caPem }),
    client: clientTls({ key: pem, cert: issued.chainPem, ca: server.caPem }, { hostname: true }),
  };
}

async function handshake(options: ConnectionOptions): Promise<{ socket: TLSSocket; session: Buffer }> {
  const socket = connect(options);
  const session = once(socket, 'session') as Promise<[Buffer]>;
  await once(socket, 'secureConnect');
  // A full handshake of TLS 1.2 has the session at its end; a resumed one goes on with the old one.
  return { socket, session: socket.isSessionReused() ? socket.getSession()! : (await session)[0] };
}

test('a handshake with the cipher of IEEE 2030.5 takes one signature, a resumed one none', async (t) => {
  const made = await ground(t);
  if (made === undefined) return;
  const { server, client } = await ends(t, made);
  const accepting = createServer(server, (socket) => socket.resume());
  accepting.listen(0, '127.0.0.1');
  await once(accepting, 'listening');
  t.after(() => accepting.close());
  const options = { ...client, host: '127.0.0.1', port: (accepting.address() as AddressInfo).port };
  const count = () => made.provider.statistics().signatures;
  const start = count();
  const first = await handshake(options);
  assert.equal(first.socket.getCipher().standardName, 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8');
  assert.equal(first.socket.authorized, true);
  assert.equal(count(), start + 1);
  const second = await handshake({ ...options, session: first.session });
  assert.equal(second.socket.isSessionReused(), true);
  assert.equal(count(), start + 1);
  for (const { socket } of [first, second]) socket.destroy();
});

test('undici takes the key too, and keeps its connection for many requests', async (t) => {
  const made = await ground(t);
  if (made === undefined) return;
  const { server, client } = await ends(t, made);
  const https = createHttps(server, (_, response) => response.end('ok')).listen(0, '127.0.0.1');
  await once(https, 'listening');
  t.after(() => https.close());
  const agent = new Agent({ connect: client });
  t.after(() => agent.destroy());
  const { signatures } = made.provider.statistics();
  for (let i = 0; i < 5; i++) {
    const url = `https://127.0.0.1:${(https.address() as AddressInfo).port}/`;
    assert.equal(await (await request(url, { dispatcher: agent })).body.text(), 'ok');
  }
  assert.equal(made.provider.statistics().signatures, signatures + 1);
});

test('no text makes the decoder do anything but take or refuse it', async (t) => {
  const made = await ground(t);
  if (made === undefined) return;
  const body = fc.oneof(
    fc.string({ maxLength: 3000 }),
    fc.tuple(fc.string(), fc.string(), fc.string()).map((parts) => parts.join('|')),
    fc.constant(`127.0.0.1:1|${handle.toString(16)}|${made.point.toString('hex')}`),
    fc.string({ maxLength: 300 }).map((tail) => `${'x'.repeat(127)}|81000000|${tail}`),
  );
  const file = body.map((text) => Buffer.from(text).toString('base64'));
  fc.assert(
    fc.property(fc.oneof(file, fc.base64String({ maxLength: 4000 }), fc.string({ maxLength: 4000 })), (text) => {
      refusal(() => createPrivateKey(`-----BEGIN TPM KEY-----\n${text}\n-----END TPM KEY-----\n`));
    }),
  );
});

test('whatever a TPM answers, a key is refused or signs; nothing else happens', async (t) => {
  const made = await ground(t);
  if (made === undefined) return;
  const answers = await startLiar(t);
  const pem = tpmKeyPem(`127.0.0.1:${answers.port}`, handle, made.point);
  // The TPM is asked in the thread that listens, so the liar is a process of its own.
  for (let i = 0; i < 300; i++) {
    assert.match(
      refusal(() => createPrivateKey(pem)),
      /TPM (does not answer|refused|answered what)|key in the TPM is another/,
    );
  }
});

/** A process that answers every TPM command with one of many wrong answers. */
async function startLiar(t: TestContext): Promise<{ readonly port: number }> {
  const liar = spawn(process.execPath, [join(import.meta.dirname, 'lying-tpm.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => liar.kill());
  const [line] = (await once(liar.stdout.setEncoding('utf8'), 'data')) as [string];
  return { port: Number(line) };
}
