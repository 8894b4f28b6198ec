import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { createLog } from '#hal/log.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { EnrolmentServer } from './enrolment-server.ts';

async function startServer(t: TestContext, handshakeTimeoutMs?: number): Promise<{ port: number; ca: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-enrolment-'));
  t.after(() => rm(folder, { recursive: true }));
  const ca = await CertificateAuthority.create(join(folder, 'ca'));
  const own = await loadOrCreateIdentity(join(folder, 'own'), { ca, serial: 'head-end', hosts: ['127.0.0.1'] });
  const unasked = () => assert.fail('nobody enrols here');
  const server = new EnrolmentServer({
    port: 0,
    host: '127.0.0.1',
    tls: { cert: own.certificatePem, key: own.keyPem },
    service: { start: unasked, finish: unasked, certificateOf: unasked },
    log: createLog('test', 'silent'),
    ...(handshakeTimeoutMs !== undefined && { handshakeTimeoutMs }),
  });
  t.after(() => server[Symbol.asyncDispose]());
  return { port: await server.start(), ca: ca.rootPem };
}

/** The status of an answer, on a connection of its own. */
async function statusFrom(localAddress: string, { port, ca }: { port: number; ca: string }): Promise<number> {
  const asked = request({ host: '127.0.0.1', port, path: '/openapi.json', ca, localAddress, agent: false }).end();
  const [answer] = (await once(asked, 'response')) as [{ statusCode: number; resume: () => void }];
  answer.resume();
  return answer.statusCode;
}

/** Opens connections from a network, one after another, and answers them when all have been accepted or refused. */
async function flood(t: TestContext, open: () => Socket, event: string, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => {
    const socket = open();
    // Those that are turned away are reset.
    socket.on('error', () => undefined);
    t.after(() => socket.destroy());
    return socket;
  });
  await Promise.all(
    sockets.map((socket) => Promise.race([once(socket, event), once(socket, 'close')]).catch(() => undefined)),
  );
  return sockets;
}

test('whoever opens connections and says nothing does not hold the port shut for others', async (t) => {
  const at = await startServer(t);
  const silent = { host: '127.0.0.1', port: at.port, localAddress: '127.0.0.2' };
  await flood(t, () => connectTcp(silent), 'connect', 1100);
  assert.equal(await statusFrom('127.0.0.3', at), 200);
});

test('nor does whoever ends its handshakes, whose oldest connections give way', async (t) => {
  const at = await startServer(t);
  const greedy = { host: '127.0.0.1', port: at.port, localAddress: '127.0.0.2', ca: at.ca };
  const held: Socket[] = [];
  for (let i = 0; i < 70; i++) held.push(...(await flood(t, () => connectTls(greedy), 'secureConnect', 1)));
  assert.equal(await statusFrom('127.0.0.3', at), 200);
  const oldest = held[0]!;
  if (!oldest.destroyed) await once(oldest, 'close');
  assert.equal(held.at(-1)?.destroyed, false);
});

test('a handshake that does not come to its end is broken off', async (t) => {
  const { port } = await startServer(t, 50);
  const [idle] = await flood(t, () => connectTcp({ host: '127.0.0.1', port }), 'connect', 1);
  if (idle?.destroyed === false) await once(idle, 'close');
});
