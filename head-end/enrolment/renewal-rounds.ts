import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { lfdiOf } from '#ieee2030_5/identity.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { certificatesOf } from '#provisioning/pem.ts';
import { startTestDatabase } from '../database/test-database.ts';
import { Registry } from '../registry/devices.ts';
import { RememberedSecurityLog } from '../test-security-log.ts';
import { FlashList } from './flash-list.ts';
import { RenewalService } from './renewal-service.ts';

/** What a renewal may leave in memory: its certificate in the authority's log, and the row of the test's own log. */
const octetsEach = 20_000;

/** Renews one device's certificate over itself again and again, and looks for anything that is left over. */
export async function renewalRounds(rounds: number): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-renewals-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const database = resources.use(await startTestDatabase());
  const registry = new Registry(database);
  await registry.start();
  const authority = await CertificateAuthority.create(join(folder, 'ca'));
  const service = new RenewalService({
    authority,
    registry,
    flashList: new FlashList(database.pool),
    securityLog: new RememberedSecurityLog(),
    now: wallSeconds,
    clockNow: () => UnixSeconds(1000),
    isDue: () => true,
  });
  const publicKey = createPublicKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  const first = await authority.issueDevice({ serial: 'M', publicKey, keyIn: 'file', profile: 'operational' });
  let lfdi = lfdiOf(first.der);
  const { id } = await registry.register({ meterId: 'M', name: 'M', lfdi, at: UnixSeconds(1000) });
  const old = [lfdi];
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < rounds; n++) {
    await service.start(lfdi);
    const { chain } = await service.finish(lfdi, {});
    // Its answer was lost: the board asks again.
    assert.equal((await service.finish(lfdi, {})).chain, chain);
    lfdi = lfdiOf(certificatesOf(chain)[0]!.raw);
    await service.confirm(lfdi);
    old.push(lfdi);
  }
  old.pop();
  assert.equal((await authority.issuances()).all().length, rounds + 1, 'one is issued for each');
  assert.equal(new Set(old).size, rounds, 'each certificate is another');
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < rounds * octetsEach + 50e6, `the heap has grown by ${grown} octets`);
  const restarted = new Registry(database);
  await restarted.start();
  for (const each of [registry, restarted]) {
    assert.deepEqual([each.byLfdi(lfdi)?.id, each.standingOf(lfdi)], [id, 'in-force']);
    assert.deepEqual(
      old.filter((one) => each.byLfdi(one) !== undefined || ['in-force', 'pending'].includes(each.standingOf(one))),
      [],
    );
  }
  const { rows } = await database.pool.query<{ open: number; retired: number }>(
    `SELECT count(*) FILTER (WHERE retired_at IS NULL) AS open, count(*) FILTER (WHERE retired_at IS NOT NULL) AS retired
     FROM device_lfdis`,
  );
  assert.deepEqual(rows, [{ open: 1, retired: rounds }]);
}
