import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { type DeviceIdentity, loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { encryptedKeyPem, openKeyPem } from '#provisioning/key-encryption.ts';
import { certificatePem, certificatesOf, pemOf } from '#provisioning/pem.ts';
import { checkPeer } from '#provisioning/peer-check.ts';
import { trustedRoot } from '#provisioning/trusted-authority.ts';
import { policies } from '#provisioning/object-identifiers.ts';
import { RevocationResponder } from '#provisioning/responder.ts';
import { badExtensions, type TestRequest, testCertificate, testNow } from '#provisioning/test-chain.ts';
import { debianPackage } from '../debian-packages.ts';

/** Not `spawnSync`: openssl asks a responder in this very process. */
async function openssl(...args: string[]): Promise<{ status: number | null; text: string }> {
  const child = spawn('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const texts: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => texts.push(chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, text: texts.join('') };
}

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function campus(t: TestContext) {
  const folder = await temporaryFolder(t);
  const ca = await CertificateAuthority.create(join(folder, 'ca'), { address: 'http://127.0.0.1:1' });
  const [good, bad] = await Promise.all(
    ['good', 'bad'].map((serial) => loadOrCreateIdentity(join(folder, serial), { ca, serial })),
  );
  await ca.revoke({ lfdi: bad!.lfdi }, 'keyCompromise');
  return { folder, ca, good: good!, bad: bad! };
}

test('openssl refuses whom the revocation lists name, on every level, and nobody else', async (t) => {
  if (!debianPackage(t, 'openssl')) return;
  const { folder, ca, good } = await campus(t);
  const verify = async (name: string) => {
    const lists = await Promise.all(ca.listNames().map(async (one) => pemOf('X509 CRL', await ca.revocationList(one))));
    await writeFile(join(folder, 'lists.pem'), lists.join(''));
    const [chain, root] = [join(folder, name, 'device.pem'), join(folder, name, 'ca.pem')];
    const strict = ['-x509_strict', '-crl_check_all', '-CRLfile', join(folder, 'lists.pem')];
    return await openssl('verify', ...strict, '-CAfile', root, '-untrusted', chain, chain);
  };
  assert.equal((await verify('good')).text, `${join(folder, 'good', 'device.pem')}: OK\n`);
  const refused = await verify('bad');
  assert.notEqual(refused.status, 0);
  assert.match(refused.text, /certificate revoked/);
  await ca.replaceIssuing();
  const below = await verify('good');
  assert.match(below.text, /error 23 at 1 depth lookup: certificate revoked/);
  assert.equal(certificatesOf(good.certificatePem).length, 3);
});

test('openssl asks our OCSP responder and believes its answers', async (t) => {
  if (!debianPackage(t, 'openssl')) return;
  const { folder, ca, good, bad } = await campus(t);
  const onError = (error: unknown): void => t.diagnostic(String(error));
  await using responder = new RevocationResponder(ca, { host: '127.0.0.1', port: 0, onError });
  const port = await responder.start();
  const ask = async (identity: DeviceIdentity, ...options: string[]) => {
    const [own, issuer] = certificatesOf(identity.certificatePem);
    const chain = join(folder, 'chain.pem');
    await writeFile(join(folder, 'own.pem'), own!.toString());
    await writeFile(join(folder, 'issuer.pem'), issuer!.toString());
    await writeFile(chain, identity.certificatePem + identity.caPem);
    const url = ['-url', `http://127.0.0.1:${port}/ocsp`];
    const which = ['-issuer', join(folder, 'issuer.pem'), '-cert', join(folder, 'own.pem'), '-CAfile', chain];
    return await openssl('ocsp', ...url, ...options, ...which);
  };
  const hashes = [[], ['-sha256'], ['-no_nonce']];
  for (const options of hashes) {
    const accepted = await ask(good, ...options);
    assert.match(accepted.text, /Response verify OK/);
    assert.match(accepted.text, /own\.pem: good/);
    assert.doesNotMatch(accepted.text, /WARNING: no nonce/);
  }
  const refused = await ask(bad);
  assert.match(refused.text, /Response verify OK/);
  assert.match(refused.text, /own\.pem: revoked[^]*Reason: keyCompromise/);
});

test('openssl reads where revocation is asked after in a certificate', async (t) => {
  if (!debianPackage(t, 'openssl')) return;
  const { folder } = await campus(t);
  const { text } = await openssl('x509', '-in', join(folder, 'good', 'device.pem'), '-noout', '-text');
  assert.match(text, /CRL Distribution Points:[^]*URI:http:\/\/127\.0\.0\.1:1\/crl\/issuing\.crl/);
  assert.match(text, /OCSP - URI:http:\/\/127\.0\.0\.1:1\/ocsp/);
});

test('openssl opens the keys that we encrypt, and we open those that openssl encrypts with scrypt', async (t) => {
  if (!debianPackage(t, 'openssl')) return;
  const folder = await temporaryFolder(t);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const [ours, theirs] = [join(folder, 'ours.key'), join(folder, 'theirs.key')];
  await writeFile(ours, await encryptedKeyPem(privateKey, 'a passphrase'));
  const opened = await openssl('pkey', '-in', ours, '-passin', 'pass:a passphrase', '-pubout');
  assert.ok(createPublicKey(opened.text).equals(publicKey), opened.text);
  const shown = await openssl('asn1parse', '-in', ours);
  for (const name of ['PBES2', 'scrypt', 'aes-256-cbc']) assert.match(shown.text, new RegExp(`:${name}\n`));
  assert.notEqual((await openssl('pkey', '-in', ours, '-passin', 'pass:another')).status, 0);
  const again = ['pkcs8', '-topk8', '-scrypt', '-in', ours, '-passin', 'pass:a passphrase', '-passout', 'pass:theirs'];
  assert.equal((await openssl(...again, '-out', theirs)).status, 0);
  const key = await openKeyPem(await readFile(theirs, 'utf8'), theirs, () => Promise.resolve('theirs'));
  assert.ok(createPublicKey(key).equals(publicKey));
});

test('a REST server is issued below an RSA-4096 root that openssl accepts for its name', async (t) => {
  if (!debianPackage(t, 'openssl')) return;
  const folder = await temporaryFolder(t);
  const ca = await CertificateAuthority.create(join(folder, 'ca'), { restRoot: 'rsa4096' });
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { chainPem } = await ca.issueServer(publicKey, ['grid.example', '127.0.0.1']);
  await writeFile(join(folder, 'chain.pem'), chainPem);
  await writeFile(join(folder, 'root.pem'), ca.restRootPem ?? '');
  assert.equal(new X509Certificate(ca.restRootPem ?? '').publicKey.asymmetricKeyDetails?.modulusLength, 4096);
  const files = [
    '-CAfile',
    join(folder, 'root.pem'),
    '-untrusted',
    join(folder, 'chain.pem'),
    join(folder, 'chain.pem'),
  ];
  const verify = (host: string) =>
    openssl('verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', host, ...files);
  assert.equal((await verify('grid.example')).status, 0);
  assert.match((await verify('other.example')).text, /hostname mismatch/);
});

/** Where both are asked the same. Policy mappings are not among them: openssl follows them, IEEE 2030.5 has none. */
const table: readonly {
  readonly why: string;
  readonly device?: TestRequest;
  readonly issuing?: TestRequest;
  readonly ok: boolean;
}[] = [
  { why: 'good', ok: true },
  { why: 'expired', device: { notAfter: testNow - 1 }, ok: false },
  { why: 'not valid yet', device: { notBefore: testNow + 60 }, ok: false },
  { why: 'below an expired authority', issuing: { notAfter: testNow - 1 }, ok: false },
  { why: 'for servers only', device: { more: [badExtensions.serverOnly] }, ok: false },
  { why: 'below an authority for code', issuing: { more: [badExtensions.codeSigning] }, ok: false },
  { why: 'with an unknown critical extension', device: { more: [badExtensions.unknown] }, ok: false },
  { why: 'of another policy', device: { policies: [policies.mobileDevice] }, ok: false },
  { why: 'below an authority that may not sign', issuing: { keyUsage: 0x80 }, ok: false },
];

test('our check of a peer and that of openssl agree on good and bad chains', async (t) => {
  if (!debianPackage(t, 'openssl')) return;
  const folder = await temporaryFolder(t);
  const root = await testCertificate({ name: 'root', pathLength: 1 });
  for (const { why, device, issuing, ok } of table) {
    const above = await testCertificate({ name: 'issuing', pathLength: 0, ...issuing }, root);
    const own = await testCertificate(device ?? {}, above);
    const files = { root, above, own };
    for (const [name, { certificate }] of Object.entries(files)) {
      await writeFile(join(folder, `${name}.pem`), certificatePem(certificate));
    }
    const rules = ['-purpose', 'sslclient', '-policy', policies.genericDevice, '-policy_check', '-explicit_policy'];
    const trust = ['-CAfile', join(folder, 'root.pem'), '-untrusted', join(folder, 'above.pem')];
    const judged = await openssl('verify', '-attime', String(testNow), ...rules, ...trust, join(folder, 'own.pem'));
    const answer = checkPeer([own.certificate, above.certificate], {
      trusted: [trustedRoot(root.certificate)],
      revocationLists: undefined,
      now: testNow,
      policies: [policies.genericDevice],
      as: 'client',
    });
    assert.deepEqual({ why, ours: answer.ok, openssl: judged.status === 0 }, { why, ours: ok, openssl: ok });
  }
});
