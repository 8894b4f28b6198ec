import assert from 'node:assert/strict';
import { test } from 'node:test';
import { X509Certificate } from 'node:crypto';
import { lfdiOf } from '#ieee2030_5/identity.ts';
import { twinOf } from './certificate-twin.ts';
import { testCertificate } from './test-chain.ts';

test('the twin of a certificate holds as well, has another LFDI, and is the only one', async () => {
  const root = await testCertificate({ name: 'root', pathLength: 0 });
  for (let n = 0; n < 20; n++) {
    const { certificate } = await testCertificate({}, root);
    const twin = twinOf(certificate);
    assert.equal(new X509Certificate(twin).verify(new X509Certificate(root.certificate).publicKey), true);
    assert.notEqual(lfdiOf(twin), lfdiOf(certificate));
    assert.deepEqual(Buffer.from(twinOf(twin)), Buffer.from(certificate));
  }
});

test('what is no certificate has no twin', () => {
  for (const octets of [Uint8Array.of(), Uint8Array.of(0x30, 0), Uint8Array.of(1, 2, 3)]) {
    assert.throws(() => twinOf(octets), { code: 'GTX-PRV-030' });
  }
});
