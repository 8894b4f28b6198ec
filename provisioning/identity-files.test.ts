import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { lfdiOf, sfdiOf } from '#ieee2030_5/identity.ts';
import { CertificateAuthority } from './ca.ts';
import { identityFiles, loadIdentity, loadOrCreateIdentity } from './identity-files.ts';
import { certificatesOf } from './pem.ts';

async function campus(t: TestContext): Promise<{ folder: string; ca: CertificateAuthority }> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  return { folder, ca: await CertificateAuthority.create(join(folder, 'ca')) };
}

test('an identity is named by its own certificate and asked for again it is the same', async (t) => {
  const { folder, ca } = await campus(t);
  const board = join(folder, 'boards', 'AMI-1');
  const made = await loadOrCreateIdentity(board, { ca, serial: 'AMI-1' });
  assert.equal(made.lfdi, lfdiOf(certificatesOf(made.certificatePem)[0]!.raw));
  assert.equal(made.lfdi, lfdiOf(await readFile(join(board, identityFiles.certificate))));
  assert.equal(made.sfdi, sfdiOf(made.lfdi));
  assert.deepEqual(await loadOrCreateIdentity(board, { ca, serial: 'AMI-1' }), made);
  assert.deepEqual(await loadIdentity(board), made);
  assert.equal((await stat(join(board, identityFiles.key))).mode & 0o777, 0o600);
  assert.deepEqual((await readdir(board)).toSorted(), ['ca.pem', 'device.der', 'device.key', 'device.pem']);
});

test('a start that was killed half-way goes on with the key that it had made', async (t) => {
  const { folder, ca } = await campus(t);
  const board = join(folder, 'board');
  const before = await loadOrCreateIdentity(board, { ca, serial: 'A' });
  await rm(join(board, identityFiles.chain));
  await rm(join(board, identityFiles.certificate));
  await writeFile(join(board, `${identityFiles.chain}.new`), '-----BEGIN CERTIFI');
  await assert.rejects(loadIdentity(board), { code: 'GTX-PRV-010' });
  const after = await loadOrCreateIdentity(board, { ca, serial: 'A' });
  assert.equal(after.keyPem, before.keyPem);
  assert.deepEqual(await loadIdentity(board), after);
});

test('a server is reached under its hosts, and gets a new certificate for the same key when they change', async (t) => {
  const { folder, ca } = await campus(t);
  const server = join(folder, 'server');
  const request = (...hosts: string[]) => ({ ca, serial: 'head-end', hosts });
  const first = await loadOrCreateIdentity(server, request('localhost', '127.0.0.1', '::1'));
  const certificate = new X509Certificate(first.certificatePem);
  assert.equal(certificate.checkHost('localhost'), 'localhost');
  assert.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1');
  assert.equal(certificate.checkIP('::1'), '::1');
  assert.equal(certificate.checkHost('example.org'), undefined);
  assert.deepEqual(await loadOrCreateIdentity(server, request('127.0.0.1')), first);
  const second = await loadOrCreateIdentity(server, request('head-end.campus.example'));
  assert.equal(second.keyPem, first.keyPem);
  assert.notEqual(second.lfdi, first.lfdi);
});

test('an identity of another authority is refused and left as it is', async (t) => {
  const { folder, ca } = await campus(t);
  const board = join(folder, 'board');
  const made = await loadOrCreateIdentity(board, { ca, serial: 'A' });
  const other = await CertificateAuthority.create(join(folder, 'other'));
  await assert.rejects(loadOrCreateIdentity(board, { ca: other, serial: 'A' }), { code: 'GTX-PRV-011' });
  assert.deepEqual(await loadIdentity(board), made);
});

test('files that do not belong together are refused', async (t) => {
  const { folder, ca } = await campus(t);
  const one = join(folder, 'one');
  const two = join(folder, 'two');
  await loadOrCreateIdentity(one, { ca, serial: 'A' });
  const { keyPem } = await loadOrCreateIdentity(two, { ca, serial: 'B' });
  await writeFile(join(one, identityFiles.key), keyPem);
  await assert.rejects(loadIdentity(one), { code: 'GTX-PRV-011', message: /not the key/ });
  await writeFile(join(one, identityFiles.key), 'nonsense');
  await assert.rejects(loadIdentity(one), { code: 'GTX-PRV-011' });
  await rm(join(one, identityFiles.key));
  await assert.rejects(loadIdentity(one), { code: 'GTX-PRV-011', message: /missing/ });
});

test('a folder that cannot be written is told with what to check', async (t) => {
  const { folder, ca } = await campus(t);
  await writeFile(join(folder, 'file'), '');
  await assert.rejects(loadOrCreateIdentity(join(folder, 'file', 'board'), { ca, serial: 'A' }), {
    name: 'GridError',
    message: /file/,
  });
});

test('a campus of 25 boards has its identities for less than a second of CPU time', async (t) => {
  const { folder, ca } = await campus(t);
  await loadOrCreateIdentity(join(folder, 'warm'), { ca, serial: 'warm' });
  const started = process.cpuUsage();
  const made = await Promise.all(
    Array.from({ length: 25 }, (_, n) => loadOrCreateIdentity(join(folder, `b${n}`), { ca, serial: `B${n}` })),
  );
  const { user, system } = process.cpuUsage(started);
  const ms = (user + system) / 1000;
  assert.equal(new Set(made.map(({ lfdi }) => lfdi)).size, 25);
  t.diagnostic(`25 identities took ${ms.toFixed(0)} ms of CPU time`);
  assert.ok(ms < 1000, `${ms} ms`);
});
