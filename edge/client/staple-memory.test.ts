import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { ocspRequest } from '#provisioning/ocsp-query.ts';
import { RevocationResponder } from '#provisioning/responder.ts';
import { OutboxFile } from '../outbox-file.ts';
import { ClientFile } from './client-file.ts';
import { keepStaple, stapleFault } from './staple.ts';
import { StapleMemory } from './staple-memory.ts';

const origin = 'https://head-end.example:8443';

/** A handshake that has ended, with this stapled to it. */
function handshake(staple: Uint8Array | null, isResumed = false): TLSSocket {
  const socket = Object.assign(new EventEmitter(), { isSessionReused: () => isResumed });
  keepStaple(socket as unknown as TLSSocket);
  socket.emit('OCSPResponse', staple === null ? null : Buffer.from(staple));
  return socket as unknown as TLSSocket;
}

test('a server of ours that has stapled once must staple ever after, also after a restart; others need not', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-staple-'));
  t.after(() => rm(folder, { recursive: true }));
  const authority = await CertificateAuthority.create(join(folder, 'ca'));
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { der } = await authority.issueDevice({ serial: 'head-end', publicKey, keyIn: 'elsewhere' });
  const issuing = authority.authority('issuing').certificate;
  const certificate = Object.defineProperty(new X509Certificate(der), 'issuerCertificate', { value: issuing });
  const responder = new RevocationResponder(authority, {
    host: '127.0.0.1',
    port: 0,
    onError: () => assert.fail('nobody asks it over HTTP'),
  });
  const good = (await responder.answer(ocspRequest(der, issuing.raw)))!;
  const bad = Uint8Array.from(good, (octet, at) => (at === good.length - 1 ? octet ^ 1 : octet));

  using file = new OutboxFile(join(folder, 'outbox.db'));
  const memory = (at = origin): StapleMemory => new StapleMemory(new ClientFile(file, 'AMI-1'), at);
  const first = memory();
  assert.equal(stapleFault(handshake(null), certificate, first), undefined);
  assert.equal(stapleFault(handshake(bad), certificate, first), undefined);
  await first.isOurs();
  assert.equal(memory().isDemanded, false, 'it has proved nothing yet');

  assert.equal(stapleFault(handshake(good), certificate, first), undefined);
  assert.equal(first.isDemanded, false, 'it may be another’s');
  await first.isOurs();
  for (const rule of [first, memory()]) {
    assert.match(stapleFault(handshake(null), certificate, rule) ?? '', /does not prove/);
    assert.match(stapleFault(handshake(bad), certificate, rule) ?? '', /is refused/);
    assert.equal(stapleFault(handshake(good), certificate, rule), undefined);
    assert.equal(stapleFault(handshake(null, true), certificate, rule), undefined);
  }
  assert.equal(memory('https://utility.example').isDemanded, false);
});
