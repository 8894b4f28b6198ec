import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { makeCredential } from './credential.ts';
import { nameOf, publicKeyOf } from './public-key.ts';
import { attestationKey, endorsementArea, endorsementKeys } from './templates.ts';

// That a TPM opens what is sealed here: test/peers/tpm.test.ts; that only the right key does: enrolment-desk.test.ts.

const name = nameOf(attestationKey);
const keys: readonly (readonly [string, KeyObject, number])[] = [
  ['rsa2048', generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey, 32],
  ['p256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey, 32],
  ['p384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey, 48],
];

for (const [kind, key, longest] of keys) {
  test(`a secret as long as the digest of the endorsement key fits, a longer one is refused: ${kind}`, () => {
    const area = endorsementArea(key);
    assert.ok(publicKeyOf(area).equals(key));
    const { credential, encryptedSecret } = makeCredential(area, name, new Uint8Array(longest));
    assert.equal(credential.length, 2 + longest + 2 + longest);
    assert.notDeepEqual(makeCredential(area, name, new Uint8Array(longest)), { credential, encryptedSecret });
    assert.throws(() => makeCredential(area, name, new Uint8Array(longest + 1)), { code: 'GTX-TPM-007' });
  });
}

test('an endorsement key that no template makes is refused', () => {
  for (const key of [
    generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey,
    generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey,
    generateKeyPairSync('ed25519').publicKey,
  ]) {
    assert.throws(() => endorsementArea(key), { code: 'GTX-TPM-008' });
  }
  const { template } = endorsementKeys.p256;
  for (const symmetric of [{ algorithm: 'null' }, { algorithm: 'aes', keyBits: 192, mode: 'cfb' }] as const) {
    assert.throws(() => makeCredential({ ...template, symmetric }, name, new Uint8Array(1)), { code: 'GTX-TPM-008' });
  }
});
