import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { publicKeyOfRequest } from '../ca.ts';
import { certificateRequest } from './certificate-request.ts';

test('a request is accepted for its key, whatever octets its signature begins with', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = createPublicKey(privateKey);
  const lengths = new Set<number>();
  for (let tries = 0; tries < 40; tries++) {
    const request = await certificateRequest({
      publicKey,
      sign: (message) => Promise.resolve(sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
    });
    lengths.add(request.length);
    assert.ok((await publicKeyOfRequest(request)).equals(publicKey));
  }
  assert.ok(lengths.size > 1, 'numbers with and without their highest bit were tried');
});

test('a request whose signature is of another key is refused', async () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const request = await certificateRequest({
    publicKey,
    sign: (message) => Promise.resolve(sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
  });
  await assert.rejects(publicKeyOfRequest(request), { code: 'GTX-PRV-005' });
});
