import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Swtpm } from '#hal/emulated/swtpm.ts';
import { UnixSeconds } from '#hal/units.ts';
import { initialise, openAuthority } from '#cli/provision/authority.ts';
import { issue } from '#cli/provision/issue.ts';
import { replace } from '#cli/provision/replace.ts';
import { Connection } from '#edge/client/connection.ts';
import { demandedStaple } from '#edge/client/staple.ts';
import { startTestDatabase } from '#head-end/database/test-database.ts';
import { loadIdentity } from '#provisioning/identity-files.ts';
import { debianPackage } from '../debian-packages.ts';
import { openRenewingHeadEnd } from '../faults/identities-ground.ts';
import { temporaryFolder } from './campus-process.ts';

const start = UnixSeconds(1_782_000_000);
const serial = 'AMI-1';

/** An emulated TPM, by the name that a person gives it. */
async function startTpm(t: TestContext, folder: string): Promise<string> {
  const emulator = new Swtpm(folder);
  await emulator.start();
  t.after(() => emulator[Symbol.asyncDispose]());
  return `swtpm:127.0.0.1:${emulator.port}`;
}

const keysIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith('.key')).toSorted();

test('an authority whose issuing key was made in a TPM issues, serves a head-end and is replaced with that TPM, and with no other', async (t) => {
  if (!debianPackage(t, 'swtpm')) return;
  for (const stream of [process.stdout, process.stderr]) t.mock.method(stream, 'write', () => true);
  const folder = temporaryFolder(t, 'tpm-ca');
  const [tpm, other] = [await startTpm(t, join(folder, 'tpm')), await startTpm(t, join(folder, 'other'))];
  const ca = join(folder, 'ca');
  await initialise({ out: ca, issuingKey: tpm });
  assert.deepEqual(await keysIn(ca), ['policy.key', 'root.key']);
  const order = { ca, serial, profile: 'device' } as const;
  await issue({ ...order, caTpm: tpm, out: join(folder, 'board') });
  await assert.rejects(issue({ ...order, caTpm: other, out: join(folder, 'x') }), { code: 'GTX-PRV-016' });
  await assert.rejects(issue({ ...order, out: join(folder, 'x') }), { code: 'GTX-PRV-022', hint: /--ca-tpm/ });
  await assert.rejects(issue({ ...order, caTpm: 'swtpm:127.0.0.1:1', out: join(folder, 'x') }), {
    code: 'GTX-TPM-001',
  });

  await using resources = new AsyncDisposableStack();
  const database = resources.use(await startTestDatabase());
  const identity = await loadIdentity(join(folder, 'board'));
  const devices = new Map([[serial, identity.lfdi]]);
  {
    await using opened = await openAuthority({ ca, caTpm: tpm });
    const stand = { folder, authority: opened.ca, database, devices };
    {
      await using refused = new AsyncDisposableStack();
      await assert.rejects(openRenewingHeadEnd(refused, { ...stand, tpm: other }), { code: 'GTX-PRV-016' });
    }
    const { headEnd, origin } = await openRenewingHeadEnd(resources, { ...stand, tpm });
    await headEnd.begin({ start });
    // The TPM signs what is stapled.
    await using connection = new Connection(origin, identity, { staple: demandedStaple });
    await connection.get('/dcap', 'DeviceCapability');
  }
  await replace({ ca, caTpm: tpm, out: join(folder, 'replaced') });
  assert.deepEqual(await keysIn(ca), ['policy.key', 'root.key']);
  await using next = await openAuthority({ ca, caTpm: tpm });
  assert.equal((await next.ca.outdated()).length, 0);
});
