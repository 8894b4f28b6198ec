import { X509Certificate } from 'node:crypto';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { checkOcspResponse, ocspRequest } from '#provisioning/ocsp-query.ts';
import { certificatesOf } from '#provisioning/pem.ts';
import type { RevocationResponder } from '#provisioning/responder.ts';

/** A staple is made anew after so many seconds: boards learn of a revocation no later. */
const keepSeconds = 300;

/**
 * The head-end's proof, from the authority in its folder, that its own certificate is not revoked (RFC 6066 §8): boards
 * need not reach anybody but the head-end to know.
 */
export class Staple {
  readonly #responder: Pick<RevocationResponder, 'answer'>;
  readonly #certificate: Uint8Array;
  readonly #issuer: Uint8Array | undefined;
  #made: { readonly at: UnixSeconds; readonly response: Promise<Uint8Array | undefined> } | undefined;

  /** `cert`: PEM of the head-end's certificate and those above it. */
  constructor(responder: Pick<RevocationResponder, 'answer'>, cert: string) {
    this.#responder = responder;
    const [own, issuer] = certificatesOf(cert);
    this.#certificate = own?.raw ?? new X509Certificate(cert).raw;
    this.#issuer = issuer?.raw;
  }

  /** The response, or undefined where the authority has nothing good to say: then nothing is stapled. */
  response(): Promise<Uint8Array | undefined> {
    const now = wallSeconds();
    if (this.#made !== undefined && now - this.#made.at < keepSeconds) return this.#made.response;
    const made = { at: now, response: this.#make() };
    this.#made = made;
    const forget = (): void => {
      if (this.#made === made) this.#made = undefined;
    };
    // What failed is tried again at the next handshake.
    made.response.then((response) => response ?? forget(), forget);
    return made.response;
  }

  /** Something was revoked: what was made before says nothing any more. */
  renew(): void {
    this.#made = undefined;
  }

  async #make(): Promise<Uint8Array | undefined> {
    const issuer = this.#issuer;
    if (issuer === undefined) return undefined;
    const response = await this.#responder.answer(ocspRequest(this.#certificate, issuer));
    const now = UnixSeconds(wallSeconds());
    const isGood = response && checkOcspResponse(response, { certificate: this.#certificate, issuer, now }).ok;
    return isGood === true ? response : undefined;
  }
}
