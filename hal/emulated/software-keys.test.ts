import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { SoftwareKeys } from './software-keys.ts';

async function emptyFolder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(path, { recursive: true }));
  return join(path, 'keys');
}

test('a key is made once, in a file that only its owner reads, and is there after a restart', async (t) => {
  const folder = await emptyFolder(t);
  const open = async () => {
    await using keys = new SoftwareKeys(folder);
    await keys.start();
    return { birth: await keys.signingKey('birth'), operational: await keys.signingKey('operational') };
  };
  const first = await open();
  const second = await open();
  assert.ok(first.birth.publicKey.equals(second.birth.publicKey));
  assert.ok(!first.birth.publicKey.equals(first.operational.publicKey));
  assert.deepEqual((await readdir(folder)).toSorted(), ['birth.key', 'operational.key']);
  assert.equal((await stat(join(folder, 'birth.key'))).mode & 0o777, 0o600);
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
});

test('it signs ECDSA with SHA-256, r and s of 32 octets each', async (t) => {
  const keys = new SoftwareKeys(await emptyFolder(t));
  await keys.start();
  const key = await keys.signingKey('operational');
  const message = Buffer.from('1 kWh');
  const signature = await key.sign(message);
  assert.equal(signature.length, 64);
  assert.ok(verify('sha256', message, { key: key.publicKey, dsaEncoding: 'ieee-p1363' }, signature));
});

test('a key that cannot be used is never replaced by a new one', async (t) => {
  const folder = await emptyFolder(t);
  const keys = new SoftwareKeys(folder);
  await keys.start();
  await writeFile(join(folder, 'birth.key'), 'half a ke');
  await assert.rejects(keys.signingKey('birth'), { code: 'GTX-KEY-001' });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  await writeFile(join(folder, 'operational.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await assert.rejects(keys.signingKey('operational'), { code: 'GTX-KEY-001', message: /not on P-256/ });
});
