import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { lfdiOf } from '#ieee2030_5/identity.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { certificatesOf } from '#provisioning/pem.ts';
import { startTestDatabase } from '../database/test-database.ts';
import { type Device, Registry } from '../registry/devices.ts';
import { RememberedSecurityLog } from '../test-security-log.ts';
import { FlashList } from './flash-list.ts';
import { offerReissued } from './reissued.ts';

const at = UnixSeconds(1000);
const newKey = () => createPublicKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);

test('after an emergency devices come back with their reissued certificates, as the buildings that they were', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-reissued-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const old = await CertificateAuthority.create(join(folder, 'ca'));
  await using database = await startTestDatabase();
  const registry = new Registry(database);
  await registry.start();
  const device = async (serial: string): Promise<Device> => {
    const { der } = await old.issueDevice({ serial, publicKey: newKey(), keyIn: 'file', profile: 'operational' });
    return await registry.register({ meterId: serial, name: serial, lfdi: lfdiOf(der), at });
  };
  const [library, stadium, moved] = [await device('library'), await device('stadium'), await device('moved')];
  await registry.quarantine(stadium.id, { since: at, reason: 'looked at' });
  // The first certificate for the stadium was never brought there.
  const never = await old.renew((await old.issuances()).find({ lfdi: stadium.lfdi })!.certificate);
  // An operator has put another board into this building meanwhile.
  await registry.register({ meterId: 'moved', lfdi: 'AB'.repeat(20), at });
  const board = { endorsementHash: '1'.repeat(64), serial: 'library', building: 'library' };
  await new FlashList(database.pool).allow(board, at);
  await new FlashList(database.pool).enrol({ ...board, role: 'operational' }, () =>
    Promise.resolve({ chain: 'old', lfdi: library.lfdi, attestationKey: new Uint8Array(), at }),
  );
  // One was stolen, and its key has got another certificate since.
  const stolen = await device('stolen');
  await old.revoke({ lfdi: stolen.lfdi }, 'keyCompromise');
  const stolenIssuance = (await old.issuances()).find({ lfdi: stolen.lfdi })!;
  const next = await old.replaceIssuing();
  const forStolenKey = lfdiOf((await next.reissue(stolenIssuance)).der);
  const reissued = new Map<string, ReturnType<typeof lfdiOf>>();
  for (const one of await next.outdated()) reissued.set(one.serial, lfdiOf((await next.reissue(one)).der));

  // As a head-end that is started again.
  const authority = await CertificateAuthority.open(join(folder, 'ca'));
  const flashList = new FlashList(database.pool);
  const securityLog = new RememberedSecurityLog();
  const offer = () => offerReissued({ authority, registry, flashList, securityLog, clockNow: () => at });
  assert.equal(await offer(), 2);
  assert.equal(await offer(), 0, 'once');
  const standings = ['library', 'stadium', 'moved'].map((serial) => registry.standingOf(reissued.get(serial)!));
  assert.deepEqual(standings, ['pending', 'pending', 'unknown']);
  const given = (await flashList.bySerial('library'))?.enrolments[0];
  assert.equal(given?.lfdi, reissued.get('library'));
  const [leaf, issuing] = certificatesOf(given?.chain ?? '');
  assert.equal(leaf?.checkIssued(issuing!) && next.issued(leaf), true);
  assert.equal(registry.standingOf(forStolenKey), 'unknown');
  assert.equal(registry.standingOf(lfdiOf(never.der)), 'unknown');
  for (const { meterId, id } of [library, stadium]) {
    assert.equal((await registry.activate(reissued.get(meterId)!, at)).id, id);
  }
  assert.equal(registry.byLfdi(reissued.get('library')!)?.id, library.id);
  assert.equal(registry.standingOf(reissued.get('stadium')!), 'quarantined');
  assert.notEqual(registry.byMeterId('moved')?.lfdi, moved.lfdi);
  assert.equal(await offer(), 0, 'nor what is in force');
  assert.deepEqual(
    securityLog.entries.map(({ kind, actor, subject }) => [kind, actor, subject]),
    [
      ['renewal', 'authority', 'library'],
      ['renewal', 'authority', 'stadium'],
    ],
  );
});
