import type { Entity } from './exchange.ts';
import type { HmacSession } from './hmac-session.ts';
import type { PublicArea, Signature } from './structures.ts';

/** What a TPM holds and hands out. */

/** A key in the TPM. */
export interface TpmKey extends Entity {
  readonly area: PublicArea;
}
/** A key in one of the TPM's slots, which it leaves when it is disposed. */
export interface TransientKey extends TpmKey, AsyncDisposable {}
/** A session, which ends when it is disposed. */
export interface OpenSession extends AsyncDisposable {
  readonly hmac: HmacSession;
}

/** A key as it lies outside the TPM: the private part is encrypted for its parent. */
export interface WrappedKey {
  readonly privatePart: Uint8Array;
  readonly area: PublicArea;
}

/** What the TPM says of itself (TPMS_ATTEST as on the wire), signed. */
export interface Attestation {
  readonly attested: Uint8Array;
  readonly signature: Signature;
}

/** A secret that only one TPM can read, and only for the key of one Name. */
export interface Credential {
  /** The content of TPM2B_ID_OBJECT. */
  readonly credential: Uint8Array;
  /** The content of TPM2B_ENCRYPTED_SECRET. */
  readonly encryptedSecret: Uint8Array;
}
