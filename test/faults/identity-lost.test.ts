import assert from 'node:assert/strict';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { wallSeconds } from '#hal/wall.ts';
import { postSeconds } from '#edge/board.ts';
import { start } from '#edge/client/test-utility.ts';
import { identityInFiles, identityInTpm } from '#edge/identity/identity-store.ts';
import { TpmIdentities } from '#edge/identity/tpm-identities.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { identityFiles, loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { isTpmKeyPem } from '#provisioning/tpm/provider/provider.ts';
import { emulatorAt } from '#provisioning/tpm/tpm-address.ts';
import { temporaryFolder } from '../campus/campus-process.ts';
import { enrolmentGround, hashOf } from '../campus/tpm-ground.ts';
import { debianPackage } from '../debian-packages.ts';
import { Cable } from './cable.ts';
import { eventW, exportLimitW, meterId, RuntimeGround } from './identity-ground.ts';

async function identitiesInFiles(t: TestContext) {
  const folder = temporaryFolder(t, 'identities');
  const ca = await CertificateAuthority.create(join(folder, 'ca'));
  const server = await loadOrCreateIdentity(join(folder, 'server'), { ca, serial: 'server', hosts: ['127.0.0.1'] });
  const board = join(folder, 'board');
  await loadOrCreateIdentity(board, { ca, serial: meterId });
  return { server, board };
}

const restartedAt = 100;

/** Everything that was measured up to a second has come, once and in order, and nothing was given up. */
async function allCame(ground: RuntimeGround, until: number): Promise<void> {
  const { posted } = ground;
  const periods = Array.from({ length: until / postSeconds }, (_, n) => n * postSeconds);
  // The one in which it was restarted is of neither run.
  const lost = restartedAt - (restartedAt % postSeconds);
  assert.deepEqual(
    posted,
    periods.filter((at) => at !== lost),
  );
  const { totals, waiting, gaps } = (await ground.status()).outbox;
  assert.deepEqual([waiting, totals.queued - totals.acknowledged, totals.dropped + totals.refused], [0, 0, 0]);
  assert.deepEqual(
    gaps.map(({ from, why }) => [from - start, why]),
    [[lost, 'not measured']],
  );
  assert.equal(await ground.fault(), undefined);
}

test('a board whose key is gone at its start controls by what it remembers, and posts everything when the key is back', async (t) => {
  const { server, board } = await identitiesInFiles(t);
  const base = '<opModExpLimW>500</opModExpLimW>';
  const ground = await RuntimeGround.open(t, { store: identityInFiles(board), server, base });
  await ground.start();
  await ground.runTo(restartedAt);
  const before = ground.posted.length;
  assert.ok(before > 0);
  await ground.stop();
  const [key, chain] = [join(board, identityFiles.key), join(board, identityFiles.chain)];
  await rename(key, `${key}.away`);

  await ground.start();
  await ground.runTo(250);
  assert.match((await ground.fault()) ?? '', /GTX-PRV-011 .*device\.key.*backup/);
  assert.ok((await ground.status()).isControlAlive);
  await rename(chain, `${chain}.away`);
  await ground.runTo(320);
  assert.match((await ground.fault()) ?? '', /GTX-PRV-010 /);
  await rename(`${chain}.away`, chain);
  await writeFile(key, 'damaged');
  await ground.runTo(400);
  assert.match((await ground.fault()) ?? '', /GTX-PRV-011 /);
  assert.equal(ground.exportW(110, 300), eventW);
  assert.equal(ground.exportW(302, 400), 500);
  assert.equal(ground.posted.length, before);
  assert.equal((await ground.status()).tls.handshakes, 0);

  await rename(`${key}.away`, key);
  await ground.runTo(495);
  assert.equal(ground.exportW(400, 495), 500);
  await allCame(ground, 495);
});

test('a board whose TPM is dead at its start holds the installer’s limit, and posts everything when the TPM answers', async (t) => {
  if (!debianPackage(t, 'swtpm') || !debianPackage(t, 'swtpm-tools') || !debianPackage(t, 'gcc')) return;
  const { first, list, client, authority, server, folder } = await enrolmentGround(t);
  await list.allow({ endorsementHash: await hashOf(first.board), serial: meterId, building: meterId }, wallSeconds());
  await first.board.enrol(client, { serial: meterId, building: meterId }, authority.rootPem);
  const cable = new Cable(first.emulator.port);
  t.after(() => cable[Symbol.asyncDispose]());
  // TLS asks the TPM while this process waits, so not by a cable in it.
  const { transport } = first.address();
  const address = { ...emulatorAt('127.0.0.1', await cable.start()), transport };
  let identities = new TpmIdentities(address, join(folder, 'identities', 'board-1'));
  const store = {
    load: () => identityInTpm(identities).load(),
    renew: () => Promise.resolve(),
  };
  const ground = await RuntimeGround.open(t, { store, server, base: '' });
  await ground.start();
  await ground.runTo(restartedAt);
  const before = ground.posted.length;
  assert.ok(before > 0);
  await ground.stop();
  await identities[Symbol.asyncDispose]();
  await cable.put('cut');

  identities = new TpmIdentities(address, join(folder, 'identities', 'board-1'));
  t.after(() => identities[Symbol.asyncDispose]());
  await ground.start();
  await ground.runTo(400);
  assert.match((await ground.fault()) ?? '', /GTX-TPM-001 .*swtpm/);
  assert.equal(ground.exportW(110, 300), eventW);
  assert.equal(ground.exportW(302, 400), exportLimitW);
  assert.equal(ground.posted.length, before);

  await cable.put('whole');
  await ground.runTo(495);
  assert.equal(ground.exportW(400, 495), exportLimitW);
  assert.ok(isTpmKeyPem((await store.load()).keyPem));
  await allCame(ground, 495);
});

test('a board that never had an identity refuses its start', async (t) => {
  const { server, board } = await identitiesInFiles(t);
  const ground = await RuntimeGround.open(t, { store: identityInFiles(board), server, base: '' });
  await rm(board, { recursive: true });
  await assert.rejects(ground.start(), { code: 'GTX-PRV-010' });
});
