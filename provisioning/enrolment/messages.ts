import type { KeyObject } from 'node:crypto';
import type { KeyRole } from '#hal/key-store.ts';
import type { Attestation, Credential } from '../tpm/objects.ts';

/**
 * The messages of an attested enrolment: the board starts, the authority challenges its TPM, the board finishes.
 * Octets are as TPM 2.0 writes them.
 */

/** Board to authority: who I am, and what my TPM's maker, and the TPM itself, have to say for it. */
export interface StartMessage {
  /** The board's serial number, and the building that it was flashed for. */
  readonly serial: string;
  readonly building: string;
  /** What the certificate is for: each role has a key of its own, and is enrolled by itself. */
  readonly role: KeyRole;
  /** The endorsement certificate as it lies in the TPM. */
  readonly endorsementCertificate: Uint8Array;
  /** TPMT_PUBLIC of the attestation key, and of the key for which a certificate is wanted. */
  readonly attestationKey: Uint8Array;
  readonly deviceKey: Uint8Array;
}

/** Authority to board: what only the TPM of that certificate and that attestation key can answer. */
export interface ChallengeMessage {
  /** Names this enrolment; it is good for one answer. */
  readonly enrolment: string;
  readonly credential: Credential;
  readonly nonce: Uint8Array;
  /** The registers that have to be quoted; none where the authority has no rule for them. */
  readonly pcrs: readonly number[];
}

/** Board to authority: the proofs. */
export interface FinishMessage {
  readonly enrolment: string;
  /** What the credential held. */
  readonly secret: Uint8Array;
  /** The TPM's word on the device key. */
  readonly certify: Attestation;
  /** The TPM's word on its registers, where it is asked for. */
  readonly quote?: Attestation;
  /** The key of the certificate request, whose own signature has been checked (`publicKeyOfRequest`). */
  readonly requestKey: KeyObject;
}
