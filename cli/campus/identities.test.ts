import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadBoardFiles } from '#edge/board-file.ts';
import { formatLfdi, lfdiOf } from '#ieee2030_5/identity.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { identityFiles, writeIdentity } from '#provisioning/identity-files.ts';
import { campusPassphrase } from '../provision/passphrase.ts';
import { prepareIdentities } from './identities.ts';

test('a board with a TPM whose renewal was cut off is known by the certificate that it still speaks with', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-identities-'));
  t.after(() => rm(folder, { recursive: true }));
  const [board] = loadBoardFiles(join(import.meta.dirname, '..', '..', 'boards', 'stanford'));
  const caFolder = join(folder, 'ca');
  const ca = await CertificateAuthority.create(caFolder, { passphrase: campusPassphrase(caFolder) });
  const publicKey = createPublicKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  const order = { serial: 'GTX-1', publicKey, keyIn: 'elsewhere', profile: 'operational' } as const;
  const issued = await ca.issueDevice(order);
  const own = join(folder, 'identities', 'tpm-boards', board!.meterId, 'operational');
  await writeIdentity(own, { issued, caPem: ca.rootPem });
  await writeFile(join(own, identityFiles.certificate), (await ca.renew(issued.der)).der);
  const prepared = await prepareIdentities(caFolder, join(folder, 'identities'), [board!], 'tpm');
  assert.deepEqual(
    prepared.devices.map(({ lfdi }) => lfdi),
    [formatLfdi(lfdiOf(issued.der))],
  );
});
