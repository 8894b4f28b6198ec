import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CertificateAuthority, publicKeyOfRequest } from './ca.ts';
import { certificatesOf } from './pem.ts';

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

const key = (namedCurve = 'P-256') => generateKeyPairSync('ec', { namedCurve }).publicKey;

test('a device certificate has the profile of IEEE 2030.5', async (t) => {
  const ca = await CertificateAuthority.create(join(await temporaryFolder(t), 'ca'));
  const publicKey = key();
  const { der } = await ca.issueDevice({ serial: 'AMI-1', publicKey, keyIn: 'file' });
  const certificate = new X509Certificate(der);
  assert.equal(certificate.subject, undefined);
  assert.equal(certificate.validTo, 'Dec 31 23:59:59 9999 GMT');
  assert.equal(certificate.ca, false);
  assert.equal(certificate.publicKey.equals(publicKey), true);
  const hex = Buffer.from(der).toString('hex');
  const critical = '0101ff';
  const expected = {
    'ecdsa-with-SHA256': '300a06082a8648ce3d040302',
    'notAfter as a GeneralizedTime': `180f${Buffer.from('99991231235959Z').toString('hex')}`,
    'keyUsage digitalSignature and keyAgreement': `0603551d0f${critical}040403020388`,
    subjectAltName: `0603551d11${critical}`,
    HardwareModuleName: '06082b06010505070804',
    hwSerialNum: `0405${Buffer.from('AMI-1').toString('hex')}`,
    certificatePolicies: `0603551d20${critical}`,
    'the generic device policy': '060a2b0601040182be1c0101',
    authorityKeyIdentifier: '0603551d23',
  };
  for (const [what, encoded] of Object.entries(expected)) assert.ok(hex.includes(encoded), what);
});

test('only a certificate whose key lies in a file bears the software key policy', async (t) => {
  const ca = await CertificateAuthority.create(join(await temporaryFolder(t), 'ca'));
  for (const [keyIn, count] of [
    ['file', 3],
    ['elsewhere', 2],
  ] as const) {
    const { der } = await ca.issueDevice({ serial: 'A', publicKey: key(), keyIn });
    assert.equal(policyCount(der), count);
  }
});

/** How many policies a certificate's certificatePolicies extension holds. */
function policyCount(der: Uint8Array): number {
  const bytes = Buffer.from(der);
  const at = bytes.indexOf(Buffer.from('0603551d200101ff04', 'hex')) + 9;
  // OCTET STRING length, then SEQUENCE OF SEQUENCE { policyIdentifier }: all below 128 bytes.
  const end = at + 1 + bytes[at]!;
  let count = 0;
  for (let item = at + 3; item < end; item += 2 + bytes[item + 1]!) count++;
  return count;
}

test('the chain leads from the device over issuing and policy to the root', async (t) => {
  const ca = await CertificateAuthority.create(join(await temporaryFolder(t), 'ca'));
  const { chainPem } = await ca.issueDevice({ serial: 'A', publicKey: key(), keyIn: 'file' });
  const chain = certificatesOf(chainPem + ca.rootPem);
  assert.equal(chain.length, 4);
  for (const [index, above] of chain.slice(1).entries()) {
    assert.ok(chain[index]!.checkIssued(above) && chain[index]!.verify(above.publicKey));
    assert.equal(above.ca, true);
  }
});

test('a second start opens the same authority', async (t) => {
  const folder = join(await temporaryFolder(t), 'data', 'ca');
  const first = await CertificateAuthority.openOrCreate(folder);
  const second = await CertificateAuthority.openOrCreate(folder);
  assert.equal(second.rootPem, first.rootPem);
  const { der } = await second.issueDevice({ serial: 'A', publicKey: key(), keyIn: 'file' });
  assert.equal(first.issued(new X509Certificate(der)), true);
  await assert.rejects(CertificateAuthority.create(folder), { code: 'GTX-PRV-003', kind: 'input' });
});

test('a first start that was killed leaves nothing that the next one trips over', async (t) => {
  const folder = join(await temporaryFolder(t), 'ca');
  await mkdir(`${folder}.new`);
  await writeFile(join(`${folder}.new`, 'root.pem'), 'half a certif');
  await writeFile(join(`${folder}.new`, 'root.key.new'), 'half');
  await CertificateAuthority.openOrCreate(folder);
  assert.deepEqual(await readdir(join(folder, '..')), ['ca']);
  assert.deepEqual((await readdir(folder)).toSorted(), [
    'issuing.key',
    'issuing.pem',
    'policy.key',
    'policy.pem',
    'root.key',
    'root.pem',
  ]);
});

test('an empty folder made beforehand is used', async (t) => {
  const folder = await temporaryFolder(t);
  await CertificateAuthority.create(folder);
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
});

test('only the owner reads the keys', async (t) => {
  const folder = join(await temporaryFolder(t), 'ca');
  await CertificateAuthority.create(folder);
  for (const name of await readdir(folder)) {
    const { mode } = await stat(join(folder, name));
    assert.equal(mode & 0o777, name.endsWith('.key') ? 0o600 : 0o644, name);
  }
});

test('a folder without an authority is an input error, a damaged one is told by its file', async (t) => {
  const folder = join(await temporaryFolder(t), 'ca');
  await assert.rejects(CertificateAuthority.open(folder), { code: 'GTX-PRV-001', kind: 'input' });
  await CertificateAuthority.create(folder);
  await writeFile(join(folder, 'policy.pem'), 'nonsense');
  await assert.rejects(CertificateAuthority.open(folder), { code: 'GTX-PRV-002', message: /policy\.pem/ });
});

test('certificates of two authorities in one folder are not a chain', async (t) => {
  const folder = await temporaryFolder(t);
  const [one, other] = [join(folder, 'one'), join(folder, 'other')];
  await CertificateAuthority.create(one);
  const { rootPem } = await CertificateAuthority.create(other);
  await writeFile(join(one, 'root.pem'), rootPem);
  await assert.rejects(CertificateAuthority.open(one), { code: 'GTX-PRV-002', message: /not a chain/ });
});

test('an issuing key that is not the one of its certificate is refused', async (t) => {
  const folder = join(await temporaryFolder(t), 'ca');
  const ca = await CertificateAuthority.create(folder);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(join(folder, 'issuing.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await assert.rejects(ca.issueDevice({ serial: 'A', publicKey: key(), keyIn: 'file' }), { code: 'GTX-PRV-002' });
});

test('a key on another curve or a serial number of no length is refused', async (t) => {
  const ca = await CertificateAuthority.create(join(await temporaryFolder(t), 'ca'));
  for (const order of [
    { serial: 'A', publicKey: key('P-384') },
    { serial: 'A', publicKey: generateKeyPairSync('ed25519').publicKey },
    { serial: '', publicKey: key() },
    { serial: 'A'.repeat(65), publicKey: key() },
  ]) {
    await assert.rejects(ca.issueDevice({ ...order, keyIn: 'file' }), { code: 'GTX-PRV-004', kind: 'input' });
  }
});

test('what is not a certificate request is refused', async () => {
  for (const csr of [
    '',
    'nonsense',
    '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n',
  ]) {
    await assert.rejects(publicKeyOfRequest(Buffer.from(csr)), { code: 'GTX-PRV-005', kind: 'input' });
  }
});
