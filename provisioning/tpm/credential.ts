import { createCipheriv, createHmac } from 'node:crypto';
import { digestSize, kdfA, sealSeed } from './key-derivation.ts';
import { unsupported } from './public-key.ts';
import { digest, type PublicArea, type Symmetric } from './structures.ts';
import type { Credential } from './objects.ts';
import { unfit } from './wire.ts';

/** The cipher of a storage key; only AES is used by the endorsement keys of the TCG's profile. */
function aesBits(symmetric: Symmetric): number {
  if (symmetric.algorithm === 'aes' && [128, 256].includes(symmetric.keyBits)) return symmetric.keyBits;
  throw unsupported('an endorsement key protects what is below it with AES of 128 or 256 bits');
}

/**
 * Seals a secret to an endorsement key, so that only its TPM can read it, and only as long as it holds the key of that
 * Name: what TPM2_MakeCredential does, without a TPM (TPM 2.0 part 1 §24). The secret has at most as many octets as the
 * endorsement key's name algorithm. Throws GTX-TPM-007 or 008 for what cannot be sealed.
 */
export function makeCredential(endorsementKey: PublicArea, name: Uint8Array, secret: Uint8Array): Credential {
  const hash = endorsementKey.nameAlgorithm;
  if (secret.length > digestSize[hash]) throw unfit(`a secret of ${secret.length} octets`);
  const bits = aesBits(endorsementKey.symmetric);
  const { seed, sealed } = sealSeed(endorsementKey, 'IDENTITY');
  const cipherKey = kdfA(seed, { hash, label: 'STORAGE', contextU: name, bits });
  const hmacKey = kdfA(seed, { hash, label: 'INTEGRITY', bits: 8 * digestSize[hash] });
  // The seed is used once, so a vector of zeros is.
  const encrypted = createCipheriv(`aes-${bits}-cfb`, cipherKey, Buffer.alloc(16)).update(digest.write(secret));
  const integrity = createHmac(hash, hmacKey).update(encrypted).update(name).digest();
  return { credential: Buffer.concat([digest.write(integrity), encrypted]), encryptedSecret: sealed };
}
