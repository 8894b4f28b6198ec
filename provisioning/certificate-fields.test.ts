import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCertificate } from './certificate-fields.ts';
import { extension } from './certificates.ts';
import { bitString, boolean, integer, sequence } from './der.ts';
import { testCertificate } from './test-chain.ts';

test('an extension stands once: of two, readers would go by one or the other', async () => {
  const twice = [
    extension('keyUsage', bitString(Uint8Array.of(0x04)), true),
    extension('basicConstraints', sequence(boolean(true), integer(3)), true),
  ];
  const root = await testCertificate({ name: 'root', pathLength: 1 });
  for (const more of twice) {
    const { certificate } = await testCertificate({ name: 'below', pathLength: 0, more: [more] }, root);
    assert.throws(() => readCertificate(certificate), { code: 'GTX-PRV-030', message: /twice/ });
  }
  assert.equal(readCertificate(root.certificate).extensions.size, 4);
});
