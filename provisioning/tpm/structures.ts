import {
  buffer,
  fixed,
  list,
  named,
  shortBuffer,
  struct,
  tagged,
  u8,
  u16,
  u32,
  u64,
  unfit,
  type Value,
} from './wire.ts';

/**
 * The structures of TPM 2.0 part 2 that the boards need, as tables: signing and storage keys on P-256 and P-384,
 * endorsement keys also RSA. What stands in no table here is refused when it is read.
 */

const sha = { sha1: 0x0004, sha256: 0x000b, sha384: 0x000c, sha512: 0x000d } as const;

/** Hashes that names, policies and signatures may use here: SHA-256 and above. */
export const hashAlgorithm = named('hash algorithm', u16, {
  sha256: sha.sha256,
  sha384: sha.sha384,
  sha512: sha.sha512,
});
export type HashAlgorithm = Value<typeof hashAlgorithm>;

/** Banks of PCRs: chips keep others besides, which are listed but not used. */
const bankAlgorithm = named('bank of PCRs', u16, { ...sha, sm3_256: 0x0012, sha3_256: 0x0027, sha3_384: 0x0028 });

export const curve = named('curve', u16, { 'P-256': 0x0003, 'P-384': 0x0004 });
export type Curve = Value<typeof curve>;

/** Octets of the largest digest, name, RSA key and curve's coordinate. */
export const limits = { digest: 64, name: 66, rsa: 512, coordinate: 66, nvBuffer: 2048 } as const;

export const digest = buffer(limits.digest);
export const name = buffer(limits.name);
export const nonce = digest;
/** TPM2B_DATA: what a verifier adds to be signed along. */
export const qualifyingData = buffer(limits.name);

const algorithm = {
  rsa: 0x0001,
  aes: 0x0006,
  null: 0x0010,
  rsassa: 0x0014,
  rsapss: 0x0016,
  ecdsa: 0x0018,
  ecc: 0x0023,
  cfb: 0x0043,
} as const;
const { rsa, aes, rsassa, rsapss, ecdsa, ecc } = algorithm;
const none = { null: algorithm.null } as const;

const mode = named('mode of a cipher', u16, { cfb: algorithm.cfb });

/** TPMT_SYM_DEF: how a storage key protects what lies below it, or a session its parameters. */
export const symmetric = tagged('algorithm', named('symmetric cipher', u16, { aes, ...none }), {
  aes: { keyBits: u16, mode },
  null: {},
});
export type Symmetric = Value<typeof symmetric>;

/** TPMT_RSA_SCHEME, TPMT_ECC_SCHEME and TPMT_SIG_SCHEME: what a key signs with. */
export const signatureScheme = tagged('scheme', named('signature scheme', u16, { rsassa, rsapss, ecdsa, ...none }), {
  rsassa: { hash: hashAlgorithm },
  rsapss: { hash: hashAlgorithm },
  ecdsa: { hash: hashAlgorithm },
  null: {},
});
export type SignatureScheme = Value<typeof signatureScheme>;

/** TPMT_SIGNATURE. */
export const signature = tagged('scheme', named('kind of signature', u16, { rsassa, rsapss, ecdsa }), {
  rsassa: { hash: hashAlgorithm, signature: buffer(limits.rsa) },
  rsapss: { hash: hashAlgorithm, signature: buffer(limits.rsa) },
  ecdsa: { hash: hashAlgorithm, r: buffer(limits.coordinate), s: buffer(limits.coordinate) },
});
export type Signature = Value<typeof signature>;

/** TPMS_ECC_POINT. */
export const point = struct({ x: buffer(limits.coordinate), y: buffer(limits.coordinate) });

const common = {
  nameAlgorithm: hashAlgorithm,
  attributes: u32,
  authPolicy: digest,
  symmetric,
  scheme: signatureScheme,
};
const keyDerivation = named('key derivation scheme', u16, none);

/** TPMT_PUBLIC: all that a key shows of itself, and, with an empty `unique`, the template to make one. */
export const publicArea = tagged('type', named('type of key', u16, { rsa, ecc }), {
  rsa: { ...common, keyBits: u16, exponent: u32, unique: buffer(limits.rsa) },
  ecc: { ...common, curve, keyDerivation, unique: point },
});
export type PublicArea = Value<typeof publicArea>;
export type EccPublicArea = Extract<PublicArea, { type: 'ecc' }>;

/** TPMA_OBJECT (part 2 §8.3.2): what a key is allowed to do, as the bits of `attributes`. */
const attributeBits = {
  fixedTPM: 1,
  stClear: 2,
  fixedParent: 4,
  sensitiveDataOrigin: 5,
  userWithAuth: 6,
  adminWithPolicy: 7,
  noDA: 10,
  encryptedDuplication: 11,
  restricted: 16,
  decrypt: 17,
  sign: 18,
} as const;
export type ObjectAttribute = keyof typeof attributeBits;

export const attributes = (...wanted: readonly ObjectAttribute[]): number =>
  wanted.reduce((bits, attribute) => bits | (1 << attributeBits[attribute]), 0);

export const hasAttribute = (area: PublicArea, attribute: ObjectAttribute): boolean =>
  (area.attributes & (1 << attributeBits[attribute])) !== 0;

/** TPMS_SENSITIVE_CREATE: no password and no data, for keys that the TPM draws itself. */
export const sensitiveCreate = struct({ userAuth: digest, data: buffer(256) });

/** TPML_PCR_SELECTION: which PCRs of which banks, as bitmaps. */
export const pcrSelection = list(struct({ hash: bankAlgorithm, select: shortBuffer(4) }), 16);
export type PcrSelection = Value<typeof pcrSelection>;

/** Registers count from 0 to this. */
export const lastPcr = 23;

/** The registers `indices` of the SHA-256 bank. Throws GTX-TPM-007 for one that does not exist. */
export function sha256Pcrs(indices: readonly number[]): PcrSelection {
  const select = new Uint8Array(3);
  for (const index of indices) {
    if (!Number.isInteger(index) || index < 0 || index > lastPcr) throw unfit(`register ${index}`);
    select[index >> 3]! |= 1 << (index & 7);
  }
  return [{ hash: 'sha256', select }];
}

/** TPML_DIGEST: PCR_Read gives eight at a time. */
export const digests = list(digest, 8);

/** TPML_DIGEST_VALUES, of SHA-256 only. */
export const sha256Values = list(
  struct({ hash: named('hash algorithm', u16, { sha256: sha.sha256 }), digest: fixed(32) }),
  1,
);

/** A ticket (TPMT_TK_CREATION, TPMT_TK_HASHCHECK, TPMT_TK_AUTH): the TPM's own proof to itself. */
export const ticket = struct({ tag: u16, hierarchy: u32, digest });

const clockInfo = { clock: u64, resetCount: u32, restartCount: u32, safe: u8 } as const;

/** What only a TPM writes at the beginning of what it attests: 0xff "TCG" (TPM_GENERATED_VALUE). */
export const attestMagic = 0xff544347;
const attestHeader = {
  qualifiedSigner: name,
  extraData: qualifyingData,
  ...clockInfo,
  firmwareVersion: u64,
} as const;

/** TPMS_ATTEST. */
export const attest = struct({
  magic: u32,
  body: tagged('type', named('kind of attestation', u16, { certify: 0x8017, quote: 0x8018 }), {
    certify: { ...attestHeader, name, qualifiedName: name },
    quote: { ...attestHeader, pcrSelect: pcrSelection, pcrDigest: digest },
  }),
});
export type Attest = Value<typeof attest>;

/** TPMS_NV_PUBLIC. */
export const nvPublic = struct({
  index: u32,
  nameAlgorithm: hashAlgorithm,
  attributes: u32,
  authPolicy: digest,
  dataSize: u16,
});

export const capability = named('capability', u32, { handles: 1 });

/** TPMS_CAPABILITY_DATA, as far as it is asked for. */
export const capabilityData = tagged('capability', capability, { handles: { handles: list(u32, 254) } });
