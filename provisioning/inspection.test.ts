import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { assert as check, asyncProperty, uint8Array } from 'fast-check';
import { inspectFile } from './inspection.ts';
import { encryptedKeyPem } from './key-encryption.ts';
import { policies } from './object-identifiers.ts';
import { certificatePem, pemOf } from './pem.ts';
import { badExtensions, type TestRequest, testCertificate, testNow } from './test-chain.ts';

const problemsOf = async (content: Uint8Array | string): Promise<readonly string[]> =>
  (await inspectFile(Buffer.from(content), testNow)).flatMap(({ problems }) => problems);

const forEver = { notAfter: 253_402_300_799 };

test('each departure from the profile of IEEE 2030.5 is told in words', async () => {
  const root = await testCertificate({ name: 'root', pathLength: 2, ...forEver });
  const table: [TestRequest, RegExp][] = [
    [{ name: 'me', ...forEver }, /subject is not empty/],
    [{}, /it expires/],
    [{ ...forEver, keyUsage: 0x80 }, /keyUsage is not digitalSignature and keyAgreement/],
    [{ ...forEver, serial: null }, /no HardwareModuleName/],
    [{ ...forEver, policies: ['1.2.3'] }, /none of its policies/],
    [{ ...forEver, more: [badExtensions.serverOnly] }, /it has an extendedKeyUsage/],
    [{ ...forEver, more: [badExtensions.nameConstraints] }, /nameConstraints/],
    [{ ...forEver, more: [badExtensions.policyMappings] }, /policyMappings/],
    [{ policies: [policies.genericDevice, policies.operational], notAfter: testNow - 1 }, /it has expired/],
    [{ ...forEver, notBefore: testNow + 10 }, /not valid yet/],
    [{ name: 'ca', pathLength: 0, ...forEver, keyUsage: 0x80 }, /keyUsage is not keyCertSign/],
  ];
  for (const [request, expected] of table) {
    const { certificate } = await testCertificate(request, root);
    const problems = await problemsOf(certificate);
    assert.ok(
      problems.some((problem) => expected.test(problem)),
      `${expected}: ${problems.join('; ')}`,
    );
  }
});

test('a chain whose certificates do not follow one another is told', async () => {
  const root = await testCertificate({ name: 'root', pathLength: 2, ...forEver });
  const other = await testCertificate({ name: 'other', pathLength: 2, ...forEver });
  const device = await testCertificate(forEver, root);
  const pem = [device, other].map(({ certificate }) => certificatePem(certificate)).join('');
  assert.ok((await problemsOf(pem)).includes('it did not issue the certificate before it in the file'));
});

test('keys, encrypted or in a TPM, are told by their kind', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const kindOf = async (pem: string) => (await inspectFile(Buffer.from(pem), testNow)).map(({ kind }) => kind);
  const plain = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  assert.deepEqual(await kindOf(plain), ['private key']);
  assert.match((await problemsOf(plain)).join(), /P-384|secp384r1/);
  assert.deepEqual(await kindOf(await encryptedKeyPem(privateKey, 'passphrase')), ['encrypted private key']);
  const [tpm] = await inspectFile(Buffer.from(pemOf('TPM KEY', Buffer.from('/dev/tpmrm0|81000001|04'))), testNow);
  assert.deepEqual(tpm?.facts, { tpm: '/dev/tpmrm0', handle: '0x81000001' });
});

test('whatever a file holds, it is explained or refused with a code', async () => {
  const { certificate } = await testCertificate({});
  await check(
    asyncProperty(uint8Array({ maxLength: 60 }), async (noise) => {
      const changed = Uint8Array.from(certificate);
      changed.set(noise.subarray(0, 40), noise.length);
      for (const content of [noise, changed]) {
        await inspectFile(content, testNow).catch((error: unknown) => {
          assert.match(String((error as { code?: unknown }).code), /^GTX-PRV-/);
        });
      }
    }),
    { numRuns: 150 },
  );
});
