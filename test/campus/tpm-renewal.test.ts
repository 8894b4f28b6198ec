import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import type { TpmIdentities } from '#edge/identity/tpm-identities.ts';
import { RenewalService } from '#head-end/enrolment/renewal-service.ts';
import type { SecurityEntry } from '#head-end/security-log.ts';
import { type Lfdi, lfdiOf } from '#ieee2030_5/identity.ts';
import { bytesOf } from '#provisioning/enrolment/message-json.ts';
import { proofJson } from '#provisioning/enrolment/renewal-json.ts';
import { certificatesOf } from '#provisioning/pem.ts';
import { debianPackage } from '../debian-packages.ts';
import { enrolmentGround, type Ground, hashOf } from './tpm-ground.ts';

interface Stand {
  readonly ground: Ground;
  readonly service: RenewalService;
  readonly entries: SecurityEntry[];
  readonly lfdi: Lfdi;
  /** Finishes a renewal with the proof of a TPM for a nonce, which is the one of the challenge unless told. */
  readonly finish: (by: TpmIdentities, nonce?: Uint8Array, over?: Lfdi) => Promise<Lfdi>;
}

const hasTpms = (t: TestContext): boolean =>
  debianPackage(t, 'swtpm') && debianPackage(t, 'swtpm-tools') && debianPackage(t, 'gcc');

async function stand(t: TestContext): Promise<Stand> {
  const ground = await enrolmentGround(t);
  const { list, authority, registry, first, client } = ground;
  const entries: SecurityEntry[] = [];
  await list.allow({ endorsementHash: await hashOf(first.board), serial: 'GTX-1', building: 'library' }, wallSeconds());
  await first.board.enrol(client, { serial: 'GTX-1', building: 'library' }, authority.rootPem);
  const { lfdi } = (await first.board.load('operational'))!;
  const service = new RenewalService({
    authority,
    registry,
    flashList: list,
    securityLog: { record: (entry) => Promise.resolve(void entries.push(entry)) },
    now: () => UnixSeconds(wallSeconds() + ground.ahead.seconds),
    clockNow: wallSeconds,
    isDue: () => true,
  });
  const finish: Stand['finish'] = async (by, nonce, over = lfdi) => {
    const challenge = bytesOf((await service.start(over)).nonce ?? '');
    const { chain } = await service.finish(over, { proof: proofJson(await by.prove(nonce ?? challenge)) });
    return lfdiOf(certificatesOf(chain)[0]!.raw);
  };
  return { ground, service, entries, lfdi, finish };
}

test('a board whose key is in its TPM renews with a fresh word of the TPM, and nothing else does', async (t) => {
  if (!hasTpms(t)) return;
  const { ground, service, entries, lfdi, finish } = await stand(t);
  const { first, registry, makeTpm, list } = ground;
  const impostor = (await makeTpm()).board;
  await assert.rejects(finish(impostor), { code: 'GTX-TPM-028' }, 'another TPM');
  await assert.rejects(finish(first.board, new Uint8Array(32)), { code: 'GTX-TPM-027' }, 'an old word');
  await service.start(lfdi);
  await assert.rejects(service.finish(lfdi, {}), { code: 'GTX-REN-003' }, 'no word');
  const { nonce = '' } = await service.start(lfdi);
  const late = proofJson(await first.board.prove(bytesOf(nonce)));
  ground.ahead.seconds += 121;
  await assert.rejects(service.finish(lfdi, { proof: late }), { code: 'GTX-REN-003' }, 'too late');
  await assert.rejects(service.finish(lfdi, { proof: 'x' }), { code: 'GTX-ENR-008' }, 'no message');
  assert.deepEqual(entries, []);
  assert.equal(registry.standingOf(lfdi), 'in-force');

  const next = await finish(first.board);
  assert.deepEqual([registry.standingOf(lfdi), registry.standingOf(next)], ['in-force', 'pending']);
  await service.confirm(next);
  assert.equal(registry.byLfdi(next)?.meterId, 'library');
  assert.deepEqual(
    entries.map(({ kind, subject }) => [kind, subject]),
    [['renewal', 'library']],
  );
  // A board that has lost its files is given the certificate in force.
  const given = (await list.bySerial('GTX-1'))?.enrolments.find(({ role }) => role === 'operational');
  assert.equal(given?.lfdi, next);
  await assert.rejects(service.start(lfdi), { code: 'GTX-REN-001' }, 'the old certificate renews nothing');
  await list.release('GTX-1', wallSeconds());
  await assert.rejects(finish(first.board, undefined, next), { code: 'GTX-REN-001' }, 'an operator released the board');
});
