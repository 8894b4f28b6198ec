import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CertificateAuthority, publicKeyOfRequest } from '#provisioning/ca.ts';
import { loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { debianPackage } from '../debian-packages.ts';

async function campus(t: TestContext): Promise<{ folder: string; ca: CertificateAuthority }> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  return { folder, ca: await CertificateAuthority.create(join(folder, 'ca')) };
}

function openssl(...args: string[]): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

test('openssl accepts the chain of a device under the strict rules and the generic device policy', async (t) => {
  if (!debianPackage(t, 'openssl')) return;
  const { folder, ca } = await campus(t);
  const board = join(folder, 'board');
  await loadOrCreateIdentity(board, { ca, serial: 'AMI-1' });
  const chain = join(board, 'device.pem');
  const strict = ['-x509_strict', '-policy_check', '-explicit_policy'];
  const verify = (policy: string) =>
    openssl('verify', ...strict, '-policy', policy, '-CAfile', join(board, 'ca.pem'), '-untrusted', chain, chain);
  assert.deepEqual(verify('1.3.6.1.4.1.40732.1.1'), { status: 0, text: `${chain}: OK\n` });
  assert.notEqual(verify('1.3.6.1.4.1.40732.2.3').status, 0);
});

test("openssl reads a device's profile as IEEE 2030.5 asks for it", async (t) => {
  if (!debianPackage(t, 'openssl')) return;
  const { folder, ca } = await campus(t);
  const board = join(folder, 'board');
  await loadOrCreateIdentity(board, { ca, serial: 'AMI-1' });
  const { text } = openssl('x509', '-in', join(board, 'device.pem'), '-noout', '-text');
  for (const expected of [
    /Signature Algorithm: ecdsa-with-SHA256/,
    /Not After : Dec 31 23:59:59 9999 GMT/,
    /Subject: *\n/,
    /NIST CURVE: P-256/,
    /Key Usage: critical\n *Digital Signature, Key Agreement\n/,
    /Subject Alternative Name: critical\n *othername: 1\.3\.6\.1\.5\.5\.7\.8\.4/,
    /Certificate Policies: critical\n *Policy: 1\.3\.6\.1\.4\.1\.40732\.1\.1\n/,
    /Authority Key Identifier:/,
  ]) {
    assert.match(text, expected);
  }
});

test('a certificate request of openssl is accepted, one whose signature does not hold is refused', async (t) => {
  if (!debianPackage(t, 'openssl')) return;
  const { folder } = await campus(t);
  const csr = join(folder, 'device.csr');
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const made = openssl(
    'req',
    '-new',
    ...curve,
    '-subj',
    '/CN=x',
    '-keyout',
    join(folder, 'key'),
    '-out',
    csr,
    '-outform',
    'DER',
  );
  assert.equal(made.status, 0, made.text);
  const out = join(folder, 'device');
  const main = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
  const args = [main, 'provision', 'issue', '--ca', join(folder, 'ca'), '--out', out, '--csr', csr];
  const issued = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(issued.status, 0, issued.stderr);
  assert.match(issued.stdout, /^lfdi {4}[0-9A-F]{40}\nsfdi {4}\d+\npin {5}\d{6}\nserial {2}gtx-[0-9a-f]{10}\n$/);
  assert.deepEqual((await readdir(out)).toSorted(), ['ca.pem', 'device.der', 'device.pem']);
  const publicKeyOf = (...from: string[]): string => openssl(...from, '-noout', '-pubkey').text;
  assert.equal(publicKeyOf('x509', '-in', join(out, 'device.pem')), publicKeyOf('req', '-inform', 'DER', '-in', csr));

  const request = await readFile(csr);
  assert.equal((await publicKeyOfRequest(request)).asymmetricKeyDetails?.namedCurve, 'prime256v1');
  const name = request.indexOf('x', request.indexOf(Buffer.from('0603550403', 'hex')));
  request[name] = 'y'.charCodeAt(0);
  await assert.rejects(publicKeyOfRequest(request), { code: 'GTX-PRV-005', message: /signature/ });
});
