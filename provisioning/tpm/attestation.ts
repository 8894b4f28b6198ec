import { createHash, type KeyObject, timingSafeEqual, verify } from 'node:crypto';
import { GridError, type GridErrorCode } from '#hal/errors.ts';
import { nameOf, p1363Of, publicKeyOf } from './public-key.ts';
import {
  type Attest,
  attest,
  attestMagic,
  hasAttribute,
  type ObjectAttribute,
  pcrSelection,
  type PublicArea,
  sha256Pcrs,
} from './structures.ts';
import type { Attestation } from './objects.ts';
import { parse } from './wire.ts';

/** What proves that a key lies in a TPM, checked by who has no TPM. Every refusal has a code and its reason in words. */

const refusal = (code: GridErrorCode, reason: string, hint?: string): GridError =>
  new GridError(code, reason, hint === undefined ? {} : { hint });

const rooted = ['fixedTPM', 'fixedParent', 'sensitiveDataOrigin'] as const;

interface Demand {
  readonly code: GridErrorCode;
  readonly what: string;
  readonly has: readonly ObjectAttribute[];
  readonly hasNot: readonly ObjectAttribute[];
}

const demands = {
  attestation: {
    code: 'GTX-TPM-024',
    what: 'attestation key',
    has: [...rooted, 'restricted', 'sign'],
    hasNot: ['decrypt'],
  },
  device: { code: 'GTX-TPM-025', what: 'device key', has: [...rooted, 'sign'], hasNot: ['restricted', 'decrypt'] },
} as const satisfies Readonly<Record<string, Demand>>;

function checkKey(area: PublicArea, { code, what, has, hasNot }: Demand): KeyObject {
  const missing = has.filter((attribute) => !hasAttribute(area, attribute));
  const extra = hasNot.filter((attribute) => hasAttribute(area, attribute));
  const wrong = [
    ...missing.map((attribute) => `it is not ${attribute}`),
    ...extra.map((attribute) => `it is ${attribute}`),
  ];
  if (area.type !== 'ecc' || area.curve !== 'P-256') wrong.push('it is not on P-256');
  if (area.nameAlgorithm !== 'sha256') wrong.push(`its Name is made with ${area.nameAlgorithm}`);
  if (area.scheme.scheme !== 'ecdsa' || area.scheme.hash !== 'sha256')
    wrong.push('it does not sign ECDSA with SHA-256');
  if (wrong.length > 0) throw refusal(code, `The ${what} is refused: ${wrong.join(', ')}`);
  return publicKeyOf(area);
}

/**
 * An attestation key signs only what its TPM says: restricted, sign, and neither drawn elsewhere nor copied
 * (fixedTPM, fixedParent, sensitiveDataOrigin); ECDSA on P-256 with SHA-256. Throws GTX-TPM-024 with what is wrong.
 */
export const checkAttestationKey = (area: PublicArea): KeyObject => checkKey(area, demands.attestation);

/** A device key signs what its board gives it, and has never been outside its TPM. Throws GTX-TPM-025. */
export const checkDeviceKey = (area: PublicArea): KeyObject => checkKey(area, demands.device);

const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b);

type AttestBody<T> = Extract<Attest['body'], { type: T }>;

/** Checks who signed, that a TPM made it, that it is of the kind asked for, and that it answers our nonce. */
function verifiedBody<const T extends Attest['body']['type']>(
  type: T,
  { attested, signature }: Attestation,
  key: KeyObject,
  nonce: Uint8Array,
): AttestBody<T> {
  if (!verify('sha256', attested, { key, dsaEncoding: 'ieee-p1363' }, p1363Of(signature))) {
    throw refusal('GTX-TPM-028', 'The attestation is not signed by the attestation key');
  }
  const { magic, body } = parse(attest, attested);
  if (magic !== attestMagic || body.type !== type) {
    throw refusal('GTX-TPM-026', `What was signed is no ${type} attestation of a TPM`);
  }
  if (!equal(body.extraData, nonce)) {
    throw refusal('GTX-TPM-027', 'The attestation answers another nonce', 'Start again: each nonce is used once.');
  }
  return body as AttestBody<T>;
}

export interface Certified {
  readonly attestation: Attestation;
  /**
   * The attestation key. That it lies in a TPM, with these attributes, is for a credential made to its Name to prove:
   * nothing here does.
   */
  readonly by: PublicArea;
  readonly nonce: Uint8Array;
  /** The key that is said to lie in the TPM, which `checkDeviceKey` has to let pass. */
  readonly key: PublicArea;
}

/**
 * That a device key lies in the TPM of an attestation key (TPM2_Certify): gives the device key. Throws GTX-TPM-003
 * (no attestation), 024, 025, 026 (not by a TPM, or of another kind), 027 (nonce), 028 (signature), 029 (another key).
 */
export function verifyCertify({ attestation, by, nonce, key }: Certified): KeyObject {
  const publicKey = checkDeviceKey(key);
  const { name } = verifiedBody('certify', attestation, checkAttestationKey(by), nonce);
  if (!equal(name, nameOf(key))) throw refusal('GTX-TPM-029', 'The TPM certified another key than the one presented');
  return publicKey;
}

export interface Quoted {
  readonly attestation: Attestation;
  readonly by: PublicArea;
  readonly nonce: Uint8Array;
  /** The expected digests of registers of the SHA-256 bank, by index. */
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
}

/**
 * That registers hold what is expected (TPM2_Quote). Throws GTX-TPM-003, 024, 026, 027, 028, and 030 where they were
 * other registers, or hold something else.
 */
export function verifyQuote({ attestation, by, nonce, pcrs }: Quoted): void {
  const body = verifiedBody('quote', attestation, checkAttestationKey(by), nonce);
  const indices = [...pcrs.keys()].toSorted((a, b) => a - b);
  if (!equal(pcrSelection.write(body.pcrSelect), pcrSelection.write(sha256Pcrs(indices)))) {
    throw refusal('GTX-TPM-030', 'The TPM quoted other registers than those asked for');
  }
  const expected = createHash('sha256');
  for (const index of indices) expected.update(pcrs.get(index)!);
  if (!equal(body.pcrDigest, expected.digest())) {
    throw refusal(
      'GTX-TPM-030',
      `The registers ${indices.join(', ')} do not hold what is expected: the board started with other software`,
    );
  }
}

/** The key of a certificate request must be the one that the TPM certified. Throws GTX-TPM-031. */
export function checkRequestKey(requested: KeyObject, certified: KeyObject): void {
  if (!requested.equals(certified)) {
    throw refusal('GTX-TPM-031', 'The certificate request is for another key than the one that the TPM certified');
  }
}
