import type { KeyObject } from 'node:crypto';

/**
 * A TPM 2.0, a chip or an emulator, as far as it carries bytes: commands go in and responses come out. What they mean
 * is not known here.
 */
export interface TpmPort {
  /** How a person finds it: `tpm /dev/tpmrm0`, `tpm tcp 127.0.0.1:2321`. */
  readonly name: string;
  /** Opens it. Rejects with a `GridError` (`GTX-TPM-001`) that says what to check. */
  open(): Promise<TpmChannel>;
}

/** An open TPM. The caller sends one command at a time. */
export interface TpmChannel extends AsyncDisposable {
  /**
   * Sends a whole command and gives the response, of which no more is checked than that it is one: at least its header
   * of 10 octets, at most `largestResponse`, and as long as its header says. Rejects with `GTX-TPM-002` where the TPM
   * does not answer and `GTX-TPM-003` where the answer is no response.
   */
  transact(command: Uint8Array): Promise<Uint8Array>;
}

/** What a key is for; a store has one key for each. */
export type KeyRole =
  /** Proves the board itself, for ever: the birth certificate's key. */
  | 'birth'
  /** What TLS to the head-end uses: the operational certificate's key. */
  | 'operational';

/** A private key on P-256 that its holder can use and, where it lies in a TPM, nobody can copy. */
export interface SigningKey {
  readonly publicKey: KeyObject;
  /** ECDSA with SHA-256 over a message of any length; the signature is r ‖ s, 32 octets each (IEEE P1363). */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** Where the keys of an authority's issuing authorities live, the first, the second after a replacement, …: a TPM. */
export interface IssuingKeys {
  /** How a person finds it. */
  readonly name: string;
  /** The key of a generation, 1 and more; undefined where it has none. */
  issuingKey(generation: number): Promise<SigningKey | undefined>;
  /** The same, made at the first call. */
  makeIssuingKey(generation: number): Promise<SigningKey>;
}

/** Where a board's private keys live: a TPM, or files on a machine that has none. */
export interface KeyStore extends AsyncDisposable {
  /** How a person finds it. */
  readonly name: string;
  /** Which promise a key of this store carries; a key in a file is marked in its certificate. */
  readonly keyIn: 'tpm' | 'file';
  start(): Promise<void>;
  /** The key of a role, made at the first call and the same ever after. */
  signingKey(role: KeyRole): Promise<SigningKey>;
}
