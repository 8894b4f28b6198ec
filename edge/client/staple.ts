import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { wallSeconds } from '#hal/wall.ts';
import { checkOcspResponse } from '#provisioning/ocsp-query.ts';

const staples = new WeakMap<TLSSocket, Uint8Array>();

/** Keeps what a server staples to the handshake that is about to begin (RFC 6066 §8). */
export function keepStaple(socket: TLSSocket): void {
  socket.once('OCSPResponse', (response: Buffer | null) => {
    if (response !== null && response.length > 0) staples.set(socket, response);
  });
}

/** What a client makes of the proof that a server staples, or does not. */
export interface StapleRule {
  /** Without a good proof there is no connection. */
  readonly isDemanded: boolean;
  /** Told of a good proof. */
  proved(): void;
}

/** Of a server that is known to staple. */
export const demandedStaple: StapleRule = { isDemanded: true, proved: () => undefined };

/**
 * What is wrong with the proof of a server that its certificate is not revoked, if something is that matters by the
 * rule. A session that is resumed has none: the server proved itself when it began.
 */
export function stapleFault(
  socket: Pick<TLSSocket, 'isSessionReused'>,
  certificate: X509Certificate | undefined,
  rule: StapleRule,
): string | undefined {
  const staple = staples.get(socket as TLSSocket);
  if (staple === undefined && socket.isSessionReused()) return undefined;
  const fault = faultOf(staple, certificate);
  if (fault === undefined) rule.proved();
  return rule.isDemanded ? fault : undefined;
}

function faultOf(staple: Uint8Array | undefined, certificate: X509Certificate | undefined): string | undefined {
  if (staple === undefined) return 'the server does not prove that its certificate is not revoked';
  const issuer = certificate?.issuerCertificate;
  if (certificate === undefined || issuer === undefined) return 'the server has no issuer';
  const verdict = checkOcspResponse(staple, { certificate: certificate.raw, issuer: issuer.raw, now: wallSeconds() });
  return verdict.ok ? undefined : `the server’s OCSP response is refused: ${verdict.reason}`;
}
