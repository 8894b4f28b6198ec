import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import type { SigningKey } from '#hal/key-store.ts';
import { bitString, type Der, integer, nothing, objectIdentifier, sequence } from './der.ts';

/** The signature algorithms that an authority of ours uses (AlgorithmIdentifier, RFC 5758 §3.2 and RFC 4055 §5). */
const algorithms = {
  ec: sequence(objectIdentifier('1.2.840.10045.4.3.2')),
  rsa: sequence(objectIdentifier('1.2.840.113549.1.1.11'), nothing),
} as const;

/** Something that signs certificates, revocation lists and OCSP responses: a key in memory or one in a TPM. */
export interface Signer {
  readonly publicKey: KeyObject;
  /** ecdsa-with-SHA256 on P-256, or sha256WithRSAEncryption. */
  readonly algorithm: keyof typeof algorithms;
  /** The signature over SHA-256 of a message, as X.509 writes it. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** A private key in this process's memory: on P-256, or RSA. */
export const keySigner = (privateKey: KeyObject): Signer => ({
  publicKey: createPublicKey(privateKey),
  algorithm: privateKey.asymmetricKeyType === 'rsa' ? 'rsa' : 'ec',
  sign: (message) => Promise.resolve(sign('sha256', message, privateKey)),
});

/** A key of a key store, which it never leaves. */
export const storedSigner = (key: SigningKey): Signer => ({
  publicKey: key.publicKey,
  algorithm: 'ec',
  sign: async (message) => {
    const rs = await key.sign(message);
    return sequence(integer(rs.subarray(0, 32)), integer(rs.subarray(32)));
  },
});

export const algorithmOf = ({ algorithm }: Signer): Der => algorithms[algorithm];

/** A signed object of X.509: what is signed, with which algorithm, the signature. `rest` stands behind it (OCSP). */
export async function signed(toBeSigned: Uint8Array, signer: Signer, ...rest: readonly Uint8Array[]): Promise<Der> {
  return sequence(toBeSigned, algorithmOf(signer), bitString(await signer.sign(toBeSigned)), ...rest);
}
