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

/**
 * What is wrong with the proof of a server that its certificate is not revoked, if something is. A session that is
 * resumed has none: the server proved itself when it began.
 */
export function stapleFault(
  socket: Pick<TLSSocket, 'isSessionReused'>,
  certificate: X509Certificate | undefined,
): string | undefined {
  const staple = staples.get(socket as TLSSocket);
  if (staple === undefined) {
    return socket.isSessionReused() ? undefined : 'the server does not prove that its certificate is not revoked';
  }
  const issuer = certificate?.issuerCertificate;
  if (certificate === undefined || issuer === undefined) return 'the server has no issuer';
  const verdict = checkOcspResponse(staple, { certificate: certificate.raw, issuer: issuer.raw, now: wallSeconds() });
  return verdict.ok ? undefined : `the server’s OCSP response is refused: ${verdict.reason}`;
}
