import 'reflect-metadata';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { type ConnectionOptions, connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { BasicConstraintsExtension, type X509Certificate, X509CertificateGenerator } from '@peculiar/x509';
import { clientTls, serverTls, type TlsIdentity } from './tls.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
type Keys = Awaited<ReturnType<typeof newKeys>>;
const newKeys = () => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

interface Authority {
  readonly certificate: X509Certificate;
  readonly keys: Keys;
}

async function authority(name: string): Promise<Authority> {
  const keys = await newKeys();
  const extensions = [new BasicConstraintsExtension(true, 0, true)];
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('9999-12-31T23:59:59Z'),
    extensions,
  });
  return { certificate, keys };
}

async function identityOf(issuer: Authority, trusted: Authority = issuer): Promise<TlsIdentity> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.create({
    subject: '',
    issuer: issuer.certificate.subject,
    publicKey: keys.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: algorithm,
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('9999-12-31T23:59:59Z'),
  });
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
    cert: certificate.toString('pem'),
    ca: trusted.certificate.toString('pem'),
  };
}

async function listening(identity: TlsIdentity): Promise<Server & AsyncDisposable> {
  const server = createServer(serverTls(identity), (socket) => {
    socket.on('error', () => socket.destroy());
    socket.end('hello');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** What the server said and how, or why there was no connection. */
async function talk(
  server: Server,
  options: ConnectionOptions,
): Promise<{ said: string; cipher: string; protocol: string }> {
  const { port } = server.address() as AddressInfo;
  const socket: TLSSocket = connect({ port, host: '127.0.0.1', ...options });
  try {
    await once(socket, 'secureConnect');
    const { name } = socket.getCipher();
    const protocol = socket.getProtocol() ?? '';
    let said = '';
    for await (const chunk of socket) said += String(chunk);
    return { said, cipher: name, protocol };
  } finally {
    socket.destroy();
  }
}

test('both ends agree on TLS 1.2 with ECDHE-ECDSA-AES128-CCM8', async () => {
  const ca = await authority('ca');
  await using server = await listening(await identityOf(ca));
  const talked = await talk(server, clientTls(await identityOf(ca)));
  assert.deepEqual(talked, { said: 'hello', cipher: 'ECDHE-ECDSA-AES128-CCM8', protocol: 'TLSv1.2' });
});

test('a client without CCM8 gets AES128-GCM', async () => {
  const ca = await authority('ca');
  await using server = await listening(await identityOf(ca));
  const gcm = { ...clientTls(await identityOf(ca)), ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' };
  assert.equal((await talk(server, gcm)).cipher, 'ECDHE-ECDSA-AES128-GCM-SHA256');
});

test('a client without a certificate, or with one of another authority, hears nothing', async () => {
  const [ca, other] = await Promise.all([authority('ca'), authority('other')]);
  await using server = await listening(await identityOf(ca));
  const { key, cert, ...anonymous } = clientTls(await identityOf(ca));
  assert.ok(key !== undefined && cert !== undefined);
  await assert.rejects(talk(server, anonymous));
  await assert.rejects(talk(server, clientTls(await identityOf(other, ca))));
});

test('a server of another authority is refused', async () => {
  const [ca, other] = await Promise.all([authority('ca'), authority('other')]);
  await using server = await listening(await identityOf(other, ca));
  await assert.rejects(talk(server, clientTls(await identityOf(ca))), /certificate|issuer|verify/i);
});

test('other versions, suites and curves of TLS are refused', async () => {
  const ca = await authority('ca');
  await using server = await listening(await identityOf(ca));
  const client = clientTls(await identityOf(ca));
  await assert.rejects(talk(server, { ...client, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' }));
  await assert.rejects(talk(server, { ...client, ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' }));
  await assert.rejects(talk(server, { ...client, ecdhCurve: 'secp384r1' }));
});

test('the host name is checked where it is asked for', async () => {
  const ca = await authority('ca');
  await using server = await listening(await identityOf(ca));
  await assert.rejects(talk(server, clientTls(await identityOf(ca), { hostname: true })), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
});
