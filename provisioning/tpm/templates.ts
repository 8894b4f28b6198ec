import type { KeyObject } from 'node:crypto';
import {
  type Curve,
  attributes,
  type EccPublicArea,
  hasAttribute,
  type PublicArea,
  type Symmetric,
} from './structures.ts';
import { unsupported } from './public-key.ts';

/**
 * The keys of a board as templates (TPMT_PUBLIC with an empty `unique`): a TPM asked twice for a primary key with the
 * same template makes the same key.
 */

const none = new Uint8Array();
const aes = (keyBits: number): Symmetric => ({ algorithm: 'aes', keyBits, mode: 'cfb' });
const noCipher: Symmetric = { algorithm: 'null' };

/** Never leaves this TPM, and was drawn in it. */
const rooted = ['fixedTPM', 'fixedParent', 'sensitiveDataOrigin'] as const;

const onP256 = (area: Pick<EccPublicArea, 'attributes' | 'symmetric' | 'scheme'>): EccPublicArea => ({
  type: 'ecc',
  nameAlgorithm: 'sha256',
  authPolicy: none,
  curve: 'P-256',
  keyDerivation: 'null',
  unique: { x: none, y: none },
  ...area,
});

/** The storage root key (TCG TPM v2.0 Provisioning Guidance §7.5.1): parent of the board's other keys. */
export const storageRootKey = onP256({
  attributes: attributes(...rooted, 'userWithAuth', 'noDA', 'restricted', 'decrypt'),
  symmetric: aes(128),
  scheme: { scheme: 'null' },
});

/** The attestation key: it signs only what the TPM itself says (restricted). */
export const attestationKey = onP256({
  attributes: attributes(...rooted, 'userWithAuth', 'noDA', 'restricted', 'sign'),
  symmetric: noCipher,
  scheme: { scheme: 'ecdsa', hash: 'sha256' },
});

/** A key that signs what its board gives it, TLS handshakes above all: SHA-256 only. */
export const signingKey = onP256({
  attributes: attributes(...rooted, 'userWithAuth', 'noDA', 'sign'),
  symmetric: noCipher,
  scheme: { scheme: 'ecdsa', hash: 'sha256' },
});

/** PolicySecret(endorsement hierarchy): PolicyA of the EK credential profile. */
const policyA = Buffer.from('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa', 'hex');
/** PolicyB of the EK credential profile for SHA-384. */
const policyB384 = Buffer.from(
  'b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12',
  'hex',
);

export interface EndorsementKeyKind {
  readonly template: PublicArea;
  /** Where its maker puts its certificate (NV index) and, where it does, the key itself (persistent handle). */
  readonly certificateAt: number;
  readonly handle: number;
}

const endorsement = [...rooted, 'adminWithPolicy', 'restricted', 'decrypt'] as const;

/**
 * The endorsement keys of the TCG EK Credential Profile 2.5 (annex B.3 and B.4): the low-range templates that discrete
 * chips have, and the high-range one that swtpm has.
 */
export const endorsementKeys = {
  /** L-1. */
  rsa2048: {
    template: {
      type: 'rsa',
      nameAlgorithm: 'sha256',
      attributes: attributes(...endorsement),
      authPolicy: policyA,
      symmetric: aes(128),
      scheme: { scheme: 'null' },
      keyBits: 2048,
      exponent: 0,
      unique: new Uint8Array(256),
    },
    certificateAt: 0x01c00002,
    handle: 0x81010001,
  },
  /** L-2. */
  p256: {
    template: {
      ...onP256({ attributes: attributes(...endorsement), symmetric: aes(128), scheme: { scheme: 'null' } }),
      authPolicy: policyA,
      unique: { x: new Uint8Array(32), y: new Uint8Array(32) },
    },
    certificateAt: 0x01c0000a,
    handle: 0x81010002,
  },
  /** H-3. */
  p384: {
    template: {
      ...onP256({
        attributes: attributes(...endorsement, 'userWithAuth'),
        symmetric: aes(256),
        scheme: { scheme: 'null' },
      }),
      nameAlgorithm: 'sha384',
      authPolicy: policyB384,
      curve: 'P-384',
    },
    certificateAt: 0x01c00016,
    handle: 0x81010016,
  },
} as const satisfies Readonly<Record<string, EndorsementKeyKind>>;

/** Whether the owner of the key may use it with its (empty) password; otherwise its policy must be met. */
export const usableByPassword = (area: PublicArea): boolean => hasAttribute(area, 'userWithAuth');

const curveKinds: Readonly<Record<Curve, EndorsementKeyKind>> = {
  'P-256': endorsementKeys.p256,
  'P-384': endorsementKeys.p384,
};

/**
 * The public area of an endorsement key of which one has the certificate: its key put into the template that goes with
 * it. Throws GTX-TPM-008 for a key of another kind.
 */
export function endorsementArea(key: KeyObject): PublicArea {
  const jwk = key.export({ format: 'jwk' });
  if (jwk.kty === 'RSA' && key.asymmetricKeyDetails?.modulusLength === 2048) {
    return { ...endorsementKeys.rsa2048.template, unique: Buffer.from(String(jwk.n), 'base64url') };
  }
  const kind = jwk.crv === 'P-256' || jwk.crv === 'P-384' ? curveKinds[jwk.crv] : undefined;
  if (jwk.kty !== 'EC' || kind?.template.type !== 'ecc') {
    throw unsupported('endorsement keys are RSA of 2048 bits, or on P-256 or P-384');
  }
  const unique = { x: Buffer.from(String(jwk.x), 'base64url'), y: Buffer.from(String(jwk.y), 'base64url') };
  return { ...kind.template, unique };
}
