import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TestOperator } from '#head-end/gateway/operator/test-operator.ts';
import { lfdiOf } from '#ieee2030_5/identity.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { writeIdentity } from '#provisioning/identity-files.ts';
import { gridtokenx } from '../test-command.ts';

test('a board is swapped from the command line: the building stays the device, by the new certificate alone', async (t) => {
  await using operator = await TestOperator.start();
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-swap-'));
  t.after(() => rm(folder, { recursive: true }));
  const url = `http://127.0.0.1:${operator.port}`;
  const env = { ...process.env, GRIDTOKENX_API_KEY: operator.key };
  const swap = (...args: readonly string[]) =>
    gridtokenx(['provision', 'swap', ...args, '--url', url], { env, signal: t.signal });
  const { registry } = operator.server;
  const old = await operator.server.device({ meterId: 'R1' });
  const other = await operator.server.device({ meterId: 'R2' });
  const ca = await CertificateAuthority.create(join(folder, 'ca'));
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issued = await ca.issueDevice({ serial: 'R1', publicKey, keyIn: 'elsewhere' });
  await writeIdentity(join(folder, 'device-2'), { issued, caPem: ca.rootPem });
  const file = join(folder, 'device-2', 'device.pem');
  const next = lfdiOf(issued.der);

  const [swapped, clamps, unsaid, taken, nobody] = await Promise.all([
    swap('R1', '--reason', 'board burnt', '--certificate', file),
    swap('R2', '--reason', 'clamps', '--registers', 'kept'),
    swap('R1'),
    swap('R1', '--reason', 'x', '--certificate', other.lfdi),
    swap('R9', '--reason', 'x'),
  ]);
  assert.deepEqual([swapped.code, swapped.stderr], [0, '']);
  assert.match(swapped.stdout, new RegExp(`begin anew\\. Its certificate is ${next}; the one before is retired`));
  assert.deepEqual([registry.byLfdi(next)?.id, registry.standingOf(old.lfdi)], [old.id, 'retired']);
  assert.match(clamps.stdout, new RegExp(`go on as they are\\. Its certificate stays ${other.lfdi}`));
  assert.deepEqual([unsaid.code, taken.code, nobody.code], [2, 2, 2]);
  assert.match(unsaid.stderr, /--reason/);
  assert.match(taken.stderr, /belongs to R2/);
});
