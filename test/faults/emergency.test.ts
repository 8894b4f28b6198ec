import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { Connection } from '#edge/client/connection.ts';
import { startTestDatabase } from '#head-end/database/test-database.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { loadIdentity, writeIdentity } from '#provisioning/identity-files.ts';
import { temporaryFolder } from '../campus/campus-process.ts';
import { openRenewingHeadEnd, operationalInFiles } from './identities-ground.ts';

const start = UnixSeconds(1_782_000_000);
const meterId = 'AMI-1';

test('after its issuing authority was replaced a head-end that is started again lets its devices in, with their new certificates alone', async (t) => {
  await using resources = new AsyncDisposableStack();
  const folder = temporaryFolder(t, 'emergency');
  const database = resources.use(await startTestDatabase());
  const authority = await CertificateAuthority.create(join(folder, 'ca'));
  const own = join(folder, 'board');
  const old = await operationalInFiles(authority, { serial: meterId, days: 80, folder: own });
  const ask = async (origin: string, identity: typeof old): Promise<void> => {
    await using connection = new Connection(origin, identity);
    await connection.get('/dcap', 'DeviceCapability');
  };
  const devices = new Map([[meterId, old.lfdi]]);
  await using first = new AsyncDisposableStack();
  const before = await openRenewingHeadEnd(first, { folder, authority, database, devices });
  await before.headEnd.begin({ start });
  await ask(before.origin, old);
  await first.disposeAsync();

  const next = await authority.replaceIssuing();
  for (const outdated of await next.outdated()) {
    if (outdated.lfdi !== old.lfdi) continue;
    await writeIdentity(own, { issued: await next.reissue(outdated), caPem: next.rootPem });
  }
  const renewed = await loadIdentity(own);
  assert.notEqual(renewed.lfdi, old.lfdi);

  const after = await openRenewingHeadEnd(resources, { folder, authority: next, database, devices: new Map() });
  await after.headEnd.begin({ start });
  await assert.rejects(ask(after.origin, old));
  // It is nobody's until the head-end has put it in force, which its first connection begins.
  const come = async (): Promise<boolean> => {
    try {
      await ask(after.origin, renewed);
      return true;
    } catch (error) {
      if (error instanceof GridError && error.code === 'GTX-SEP-002') return false;
      throw error;
    }
  };
  let times = 1;
  while (!(await come())) assert.ok(times++ < 20, 'it is not let in');
  // Its building is the one that it was.
  const { rows } = await database.pool.query<{ lfdi: Buffer }>(
    `SELECT l.lfdi FROM devices d JOIN device_lfdis l ON l.device_id = d.id
     WHERE d.meter_id = $1 AND l.retired_at IS NULL AND NOT l.pending`,
    [meterId],
  );
  assert.deepEqual(
    rows.map(({ lfdi }) => lfdi.toString('hex').toUpperCase()),
    [renewed.lfdi],
  );
});
