import { constants, createECDH, createHash, createHmac, type KeyObject, publicEncrypt, randomBytes } from 'node:crypto';
import { pointOf, publicKeyOf } from './public-key.ts';
import { type HashAlgorithm, type PublicArea, point } from './structures.ts';

/** Octets of a digest. */
export const digestSize: Readonly<Record<HashAlgorithm, number>> = { sha256: 32, sha384: 48, sha512: 64 };

const counter = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** Labels are hashed with the zero octet that ends them. */
const label = (text: string): Buffer => Buffer.from(`${text}\0`, 'ascii');

/** Repeats `block(1)`, `block(2)`, … until there are so many octets. */
function stretch(octets: number, block: (count: Buffer) => Buffer): Buffer {
  const blocks: Buffer[] = [];
  for (let length = 0; length < octets; length += blocks.at(-1)!.length) blocks.push(block(counter(blocks.length + 1)));
  return Buffer.concat(blocks).subarray(0, octets);
}

export interface DerivationInput {
  readonly hash: HashAlgorithm;
  readonly label: string;
  readonly contextU?: Uint8Array;
  readonly contextV?: Uint8Array;
  /** A multiple of 8. */
  readonly bits: number;
}

/** KDFa: a key from a key, by HMAC in counter mode (TPM 2.0 part 1 §11.4.10.2, SP 800-108). */
export function kdfA(key: Uint8Array, input: DerivationInput): Buffer {
  const { contextU = new Uint8Array(), contextV = new Uint8Array(), bits } = input;
  return stretch(bits / 8, (count) =>
    createHmac(input.hash, key)
      .update(Buffer.concat([count, label(input.label), contextU, contextV, counter(bits)]))
      .digest(),
  );
}

/** KDFe: a key from an ECDH secret's x coordinate (TPM 2.0 part 1 §11.4.10.3, SP 800-56A). */
export function kdfE(sharedX: Uint8Array, input: DerivationInput): Buffer {
  const { contextU = new Uint8Array(), contextV = new Uint8Array() } = input;
  return stretch(input.bits / 8, (count) =>
    createHash(input.hash)
      .update(Buffer.concat([count, sharedX, label(input.label), contextU, contextV]))
      .digest(),
  );
}

/** What a seed is for: it goes into its protection, so that one cannot pass for the other. */
export type SeedPurpose = 'IDENTITY' | 'SECRET';

/** A fresh seed, and the form (TPM2B_ENCRYPTED_SECRET) in which only the TPM that holds the key can read it. */
export interface SealedSeed {
  readonly seed: Buffer;
  readonly sealed: Uint8Array;
}

const curveNames = { 'P-256': 'prime256v1', 'P-384': 'secp384r1' } as const;

/** Seals a seed to a storage key by its public area (TPM 2.0 part 1 annexes B.10 and C.6). */
export function sealSeed(area: PublicArea, purpose: SeedPurpose): SealedSeed {
  const hash = area.nameAlgorithm;
  if (area.type === 'rsa') {
    const seed = randomBytes(digestSize[hash]);
    return { seed, sealed: encryptOaep(publicKeyOf(area), hash, purpose, seed) };
  }
  const theirs = pointOf(area);
  const size = theirs.x.length;
  const ephemeral = createECDH(curveNames[area.curve]);
  const ours = ephemeral.generateKeys();
  const x = ours.subarray(1, 1 + size);
  const shared = ephemeral.computeSecret(Buffer.concat([Uint8Array.of(4), theirs.x, theirs.y]));
  const seed = kdfE(shared, { hash, label: purpose, contextU: x, contextV: theirs.x, bits: 8 * digestSize[hash] });
  return { seed, sealed: point.write({ x, y: ours.subarray(1 + size) }) };
}

const encryptOaep = (key: KeyObject, oaepHash: HashAlgorithm, purpose: SeedPurpose, seed: Buffer): Buffer =>
  publicEncrypt({ key, oaepHash, oaepLabel: label(purpose), padding: constants.RSA_PKCS1_OAEP_PADDING }, seed);
