import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SwtpmFactory } from '#hal/emulated/swtpm-factory.ts';
import { debianPackage } from '../debian-packages.ts';

test('a TPM is made once, with a certificate of its maker; one that was broken off is made anew', async (t) => {
  if (!debianPackage(t, 'swtpm-tools')) return;
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  const factory = new SwtpmFactory(join(folder, 'maker'));
  const states = ['a', 'b'].map((name) => join(folder, name));
  await mkdir(join(folder, 'b.new'));
  await writeFile(join(folder, 'b.new', 'tpm2-00.permall'), 'half of a state');
  const made = await factory.make(states);
  assert.deepEqual(await factory.make(states), made);
  const [a, b] = made.map(({ endorsementCertificate }) => new X509Certificate(endorsementCertificate));
  assert.ok(!a?.publicKey.equals(b!.publicKey));
  const issuer = (await factory.certificates()).match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----/g)?.[1];
  for (const certificate of [a, b]) assert.ok(certificate?.verify(new X509Certificate(issuer!).publicKey));
  assert.deepEqual((await readdir(folder)).toSorted(), ['a', 'b', 'maker']);
});
