import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { type Lfdi, lfdiOf } from '#ieee2030_5/identity.ts';
import { clientTls, serverTls } from '#ieee2030_5/tls.ts';
import { CertificateAuthority } from './ca.ts';
import { type DeviceIdentity, loadOrCreateIdentity } from './identity-files.ts';

const tlsOf = ({ keyPem, certificatePem, caPem }: DeviceIdentity) => ({ key: keyPem, cert: certificatePem, ca: caPem });
const peerLfdi = (socket: TLSSocket): Lfdi | undefined => {
  const certificate = socket.getPeerX509Certificate();
  return certificate && lfdiOf(certificate.raw);
};

async function campus(t: TestContext): Promise<{ folder: string; ca: CertificateAuthority; server: DeviceIdentity }> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  const ca = await CertificateAuthority.create(join(folder, 'ca'));
  const hosts = ['localhost', '127.0.0.1'];
  return { folder, ca, server: await loadOrCreateIdentity(join(folder, 'server'), { ca, serial: 'head-end', hosts }) };
}

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('board and head-end know each other by their LFDIs after a handshake with the cipher of IEEE 2030.5', async (t) => {
  const { folder, ca, server } = await campus(t);
  const board = await loadOrCreateIdentity(join(folder, 'board'), { ca, serial: 'AMI-1' });
  const accepting = createServer(serverTls(tlsOf(server)));
  const port = await listen(t, accepting);
  const accepted = once(accepting, 'secureConnection') as Promise<[TLSSocket]>;
  const client = connect({ ...clientTls(tlsOf(board), { hostname: true }), host: '127.0.0.1', port });
  await once(client, 'secureConnect');
  const [socket] = await accepted;
  assert.equal(client.authorized, true);
  assert.equal(socket.authorized, true);
  assert.equal(client.getCipher().standardName, 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8');
  assert.equal(peerLfdi(client), server.lfdi);
  assert.equal(peerLfdi(socket), board.lfdi);
  client.destroy();
});

test('a board of another authority is turned away', async (t) => {
  const { folder, server } = await campus(t);
  const ca = await CertificateAuthority.create(join(folder, 'other'));
  const stranger = await loadOrCreateIdentity(join(folder, 'board'), { ca, serial: 'AMI-1' });
  const accepting = createServer(serverTls(tlsOf(server)));
  const port = await listen(t, accepting);
  accepting.on('secureConnection', () => assert.fail('it was let in'));
  const refused = once(accepting, 'tlsClientError');
  const client = connect({ ...clientTls(tlsOf(stranger)), ca: server.caPem, host: '127.0.0.1', port });
  client.on('error', () => client.destroy());
  await refused;
  client.destroy();
});
