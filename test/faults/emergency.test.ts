import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { monotonicMs } from '#hal/wall.ts';
import { Connection } from '#edge/client/connection.ts';
import { demandedStaple } from '#edge/client/staple.ts';
import { startTestDatabase } from '#head-end/database/test-database.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { type DeviceIdentity, loadIdentity, writeIdentity } from '#provisioning/identity-files.ts';
import { temporaryFolder } from '../campus/campus-process.ts';
import { openRenewingHeadEnd, operationalInFiles } from './identities-ground.ts';

const start = UnixSeconds(1_782_000_000);
const meterId = 'AMI-1';

interface Ground {
  readonly resources: AsyncDisposableStack;
  readonly folder: string;
  readonly database: Awaited<ReturnType<typeof startTestDatabase>>;
  readonly authority: CertificateAuthority;
  readonly old: DeviceIdentity;
  readonly devices: ReadonlyMap<string, Lfdi>;
}

async function ground(t: TestContext): Promise<Ground> {
  const resources = new AsyncDisposableStack();
  t.after(() => resources.disposeAsync());
  const folder = temporaryFolder(t, 'emergency');
  const database = resources.use(await startTestDatabase());
  const authority = await CertificateAuthority.create(join(folder, 'ca'));
  const old = await operationalInFiles(authority, { serial: meterId, days: 80, folder: join(folder, 'board') });
  return { resources, folder, database, authority, old, devices: new Map([[meterId, old.lfdi]]) };
}

/** As a board that knows the head-end: without its proof that it is not revoked there is no connection. */
const ask = async (origin: string, identity: DeviceIdentity): Promise<void> => {
  await using connection = new Connection(origin, identity, { staple: demandedStaple });
  await connection.get('/dcap', 'DeviceCapability');
};

/** As `gridtokenx provision replace` does it, another program: the board's identity below the new issuing authority. */
async function replaced({ folder, old }: Ground): Promise<{ next: CertificateAuthority; identity: DeviceIdentity }> {
  const next = await (await CertificateAuthority.open(join(folder, 'ca'))).replaceIssuing();
  for (const outdated of await next.outdated()) {
    if (outdated.lfdi !== old.lfdi) continue;
    await writeIdentity(join(folder, 'board'), { issued: await next.reissue(outdated), caPem: next.rootPem });
  }
  const identity = await loadIdentity(join(folder, 'board'));
  assert.notEqual(identity.lfdi, old.lfdi);
  return { next, identity };
}

/** The building is the one that it was, by this certificate alone. */
async function isTheBuildings({ database }: Ground, { lfdi }: DeviceIdentity): Promise<void> {
  const { rows } = await database.pool.query<{ lfdi: Buffer }>(
    `SELECT l.lfdi FROM devices d JOIN device_lfdis l ON l.device_id = d.id
     WHERE d.meter_id = $1 AND l.retired_at IS NULL AND NOT l.pending`,
    [meterId],
  );
  assert.deepEqual(
    rows.map((row) => row.lfdi.toString('hex').toUpperCase()),
    [lfdi],
  );
}

test('after its issuing authority was replaced a head-end that is started again lets its devices in, with their new certificates alone', async (t) => {
  const stand = await ground(t);
  const { resources, old } = stand;
  await using first = new AsyncDisposableStack();
  const before = await openRenewingHeadEnd(first, stand);
  await before.headEnd.begin({ start });
  await ask(before.origin, old);
  await first.disposeAsync();

  const { next, identity } = await replaced(stand);
  const after = await openRenewingHeadEnd(resources, { ...stand, authority: next, devices: new Map() });
  await after.headEnd.begin({ start });
  await assert.rejects(ask(after.origin, old));
  // At its very first request.
  await ask(after.origin, identity);
  await isTheBuildings(stand, identity);
});

test('a running head-end follows when its issuing authority is replaced: the new certificate is let in, the old one is not', async (t) => {
  const stand = await ground(t);
  const { headEnd, origin } = await openRenewingHeadEnd(stand.resources, stand);
  await headEnd.begin({ start });
  await ask(origin, stand.old);
  const { identity } = await replaced(stand);
  const until = monotonicMs() + 20_000;
  for (;;) {
    try {
      await ask(origin, identity);
      break;
    } catch (error) {
      // Until the head-end has looked the handshake is refused; no request is, once it is let in.
      assert.equal((error as GridError).code, 'GTX-SEP-001');
      if (monotonicMs() > until) throw error;
    }
  }
  await isTheBuildings(stand, identity);
  await assert.rejects(ask(origin, stand.old), { code: 'GTX-SEP-001' });
});
