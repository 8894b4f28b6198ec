import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { RevocationResponder } from '#provisioning/responder.ts';
import { Staple } from './staple.ts';

test('a staple that could not be made is made at the next handshake, and kept then', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-staple-'));
  t.after(() => rm(folder, { recursive: true }));
  const ca = await CertificateAuthority.create(join(folder, 'ca'));
  const { certificatePem } = await loadOrCreateIdentity(join(folder, 'server'), { ca, serial: 'server' });
  const responder = new RevocationResponder(ca, { host: '127.0.0.1', port: 0, onError: () => undefined });
  const failures = [() => Promise.reject(new Error('no disk')), () => Promise.resolve(undefined)];
  let asked = 0;
  const staple = new Staple(
    { answer: (request) => (failures[asked++] ?? (() => responder.answer(request)))() },
    certificatePem,
  );
  await assert.rejects(staple.response(), /no disk/);
  assert.equal(await staple.response(), undefined);
  const made = await staple.response();
  assert.ok(made !== undefined);
  assert.equal(await staple.response(), made);
  assert.equal(asked, 3);
});
