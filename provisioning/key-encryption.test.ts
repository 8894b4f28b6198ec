import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { IssuingKeys } from '#hal/key-store.ts';
import { SoftwareKeys } from '#hal/emulated/software-keys.ts';
import { encryptAuthority } from './authority-keys.ts';
import { CertificateAuthority } from './ca.ts';
import { pemOf } from './pem.ts';
import { encryptedKeyPem, isEncrypted, openKeyPem } from './key-encryption.ts';

const passphrase = 'correct horse battery';
const told = () => Promise.resolve(passphrase);
const wrong = () => Promise.resolve('incorrect');

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

const order = () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { serial: 'A', publicKey, keyIn: 'file' as const };
};

test('an encrypted key opens with its passphrase alone, and never shows without', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = await encryptedKeyPem(privateKey, passphrase);
  assert.ok(isEncrypted(pem));
  assert.ok(createPublicKey(await openKeyPem(pem, 'x.key', told)).equals(publicKey));
  await assert.rejects(openKeyPem(pem, 'x.key', wrong), { code: 'GTX-PRV-020', kind: 'input', message: /x\.key/ });
  await assert.rejects(openKeyPem(pem, 'x.key'), { code: 'GTX-PRV-021', kind: 'input' });
  assert.notEqual(await encryptedKeyPem(privateKey, passphrase), pem);
});

test('the keys of an authority with a passphrase are encrypted, and only they need it', async (t) => {
  const folder = join(await temporaryFolder(t), 'ca');
  await CertificateAuthority.create(folder, { passphrase: told });
  const keys = (await readdir(folder)).filter((name) => name.endsWith('.key'));
  assert.equal(keys.length, 3);
  for (const name of keys) assert.ok(isEncrypted(await readFile(join(folder, name), 'utf8')), name);
  const open = await CertificateAuthority.open(folder);
  await assert.rejects(open.issueDevice(order()), { code: 'GTX-PRV-021' });
  const mistaken = await CertificateAuthority.open(folder, { passphrase: wrong });
  await assert.rejects(mistaken.issueDevice(order()), { code: 'GTX-PRV-020' });
  const right = await CertificateAuthority.open(folder, { passphrase: told });
  await right.issueDevice(order());
});

test('an authority that was not encrypted is, and stays the same', async (t) => {
  const folder = join(await temporaryFolder(t), 'ca');
  const { rootPem } = await CertificateAuthority.create(folder);
  assert.deepEqual((await encryptAuthority(folder, told)).toSorted(), ['issuing.key', 'policy.key', 'root.key']);
  assert.deepEqual(await encryptAuthority(folder, told), []);
  await assert.rejects(encryptAuthority(folder, wrong), { code: 'GTX-PRV-020' });
  const ca = await CertificateAuthority.open(folder, { passphrase: told });
  assert.equal(ca.rootPem, rootPem);
  await ca.issueDevice(order());
});

test('with root and policy keys offline devices are issued, and what needs those keys says so', async (t) => {
  const folder = await temporaryFolder(t);
  const at = join(folder, 'ca');
  const ca = await CertificateAuthority.create(at);
  await rename(join(at, 'root.key'), join(folder, 'root.key'));
  await rename(join(at, 'policy.key'), join(folder, 'policy.key'));
  await ca.issueDevice(order());
  await ca.revocationList('issuing');
  await assert.rejects(ca.revocationList('policy'), { code: 'GTX-PRV-022', message: /key of policy/ });
  await assert.rejects(ca.replaceIssuing(), { code: 'GTX-PRV-022', message: /key of policy/ });
  await rename(join(folder, 'policy.key'), join(at, 'policy.key'));
  await ca.revocationList('policy');
});

/** As a TPM keeps them: a key is there once it was made. */
function keptElsewhere(folder: string): IssuingKeys & { readonly made: Set<number> } {
  const made = new Set<number>();
  const at = (generation: number) => new SoftwareKeys(join(folder, String(generation)));
  return {
    name: folder,
    made,
    issuingKey: async (generation) => (made.has(generation) ? await at(generation).signingKey('birth') : undefined),
    makeIssuingKey: async (generation) => {
      await at(generation).start();
      made.add(generation);
      return await at(generation).signingKey('birth');
    },
  };
}

test('an issuing key that lies elsewhere issues, revokes and is replaced without ever being in a file', async (t) => {
  const folder = await temporaryFolder(t);
  const issuingKeys = keptElsewhere(join(folder, 'keys'));
  const at = join(folder, 'ca');
  await CertificateAuthority.create(at, { issuingKeys });
  const ca = await CertificateAuthority.open(at, { issuingKeys });
  const { der } = await ca.issueDevice(order());
  await ca.revoke({ certificate: der }, 'superseded');
  await ca.revocationList('issuing');
  const without = await CertificateAuthority.open(at);
  await assert.rejects(without.issueDevice(order()), { code: 'GTX-PRV-022', message: /key of issuing/ });
  const next = await ca.replaceIssuing();
  assert.equal(next.issued(new X509Certificate((await next.issueDevice(order())).der)), true);
  // Also the one before it, of which lists and answers are wanted yet.
  await next.revocationList('issuing');
  assert.deepEqual(
    (await readdir(at)).filter((name) => name.endsWith('.key')),
    ['policy.key', 'root.key'],
  );
  assert.deepEqual([...issuingKeys.made], [1, 2]);
});

test('where the issuing key is to lie elsewhere, one in a file does not stand in for it', async (t) => {
  const folder = await temporaryFolder(t);
  const at = join(folder, 'ca');
  await CertificateAuthority.create(at);
  const issuingKeys = keptElsewhere(join(folder, 'keys'));
  const refusal = { code: 'GTX-PRV-016', message: /keys does not have the key of issuing\.pem/ };
  const ca = await CertificateAuthority.open(at, { issuingKeys });
  await assert.rejects(ca.issueDevice(order()), refusal);
  assert.equal(issuingKeys.made.size, 0, 'nothing is left in a TPM that was the wrong one');
  await issuingKeys.makeIssuingKey(1);
  await assert.rejects(ca.issueDevice(order()), refusal);
  // A replacement moves it there; the one before stays where it was.
  const next = await ca.replaceIssuing();
  await next.issueDevice(order());
  await next.revocationList('issuing');
});

test('a file that asks for years of work, or is cut off, is refused before any of it is done', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = await encryptedKeyPem(privateKey, 'four words that belong');
  const der = Buffer.from(pem.split('\n').slice(1, -2).join(''), 'base64');
  // r = 8 and p = 1 become r = 127 and p = 127.
  const costs = der.indexOf(Buffer.from('020108020101', 'hex'));
  assert.ok(costs > 0);
  const worse = Buffer.from(der);
  worse[costs + 2] = 127;
  worse[costs + 5] = 127;
  for (const octets of [worse, der.subarray(0, 40)]) {
    const file = pemOf('ENCRYPTED PRIVATE KEY', octets);
    await assert.rejects(
      openKeyPem(file, 'x.key', () => assert.fail('the passphrase was asked for')),
      {
        code: 'GTX-PRV-034',
        message: /x\.key/,
      },
    );
  }
  await assert.rejects(openKeyPem('no key', 'x.key'), { code: 'GTX-PRV-034' });
});
