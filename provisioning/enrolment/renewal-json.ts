import { type Static, Type } from '#hal/schema.ts';
import type { Attestation } from '../tpm/objects.ts';
import { attestationJson, AttestationSchema, attestationOf, base64Of, bytesOf, octets } from './message-json.ts';

/**
 * The messages of a renewal as JSON over the mutual TLS of IEEE 2030.5, whose client certificate says who asks and
 * proves its key: start → challenge, finish → certificate; and confirm, over the new certificate.
 */

const closed = { additionalProperties: false } as const;

/** Below which path the head-end's 2030.5 server renews. */
export const renewalPath = '/gtx/renewal';

/** The answer to start. */
export const RenewalChallengeSchema = Type.Object(
  { nonce: Type.Optional(octets(64, 'qualifyingData of TPM2_Certify; absent for a key in a file')) },
  closed,
);

/** What a board whose key is in a TPM has to show: the key is still there. */
export const RenewalFinishSchema = Type.Object(
  {
    proof: Type.Optional(
      Type.Object(
        { deviceKey: octets(1024, 'TPMT_PUBLIC of the certificate’s key'), certify: AttestationSchema },
        closed,
      ),
    ),
  },
  closed,
);

export type RenewalChallengeJson = Static<typeof RenewalChallengeSchema>;
export type RenewalFinishJson = Static<typeof RenewalFinishSchema>;

/** The TPM's word that a key lies in it. */
export interface KeyProof {
  /** TPMT_PUBLIC. */
  readonly deviceKey: Uint8Array;
  readonly certify: Attestation;
}

export const proofJson = ({ deviceKey, certify }: KeyProof): NonNullable<RenewalFinishJson['proof']> => ({
  deviceKey: base64Of(deviceKey),
  certify: attestationJson(certify),
});

/** Throws GTX-TPM-003 for a signature that is none. */
export const proofOf = ({ deviceKey, certify }: NonNullable<RenewalFinishJson['proof']>): KeyProof => ({
  deviceKey: bytesOf(deviceKey),
  certify: attestationOf(certify),
});
