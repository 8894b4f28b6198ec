import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** OBJECT IDENTIFIERs of extensions that no certificate of IEEE 2030.5 has, and what they do (RFC 5280 §4.2.1). */
const forbidden: readonly (readonly [identifier: Buffer, what: string])[] = [
  // 2.5.29.33
  [Buffer.from('0603551d21', 'hex'), 'maps policies'],
  // 2.5.29.30
  [Buffer.from('0603551d1e', 'hex'), 'constrains names'],
];
/** What may follow an extension's identifier: its value, or that it is critical. */
const octetString = 0x04;
const boolean = 0x01;
/** SERCA, MCA, MICA and device, and some room. */
const maxChain = 8;

/** Whether a certificate has the extension; its DER is read no further than that. */
function has({ raw }: X509Certificate, identifier: Buffer): boolean {
  for (let at = raw.indexOf(identifier); at >= 0; at = raw.indexOf(identifier, at + 1)) {
    const next = raw[at + identifier.length];
    if (next === octetString || next === boolean) return true;
  }
  return false;
}

/**
 * What is wrong with the chain of a peer that OpenSSL has found valid, if something is: IEEE 2030.5-2018 §8.11.8
 * forbids policy mappings and name constraints, of which OpenSSL overlooks the first and obeys the others.
 */
export function chainFault(socket: Pick<TLSSocket, 'getPeerX509Certificate'>): string | undefined {
  let certificate: X509Certificate | undefined = socket.getPeerX509Certificate();
  for (let n = 0; n < maxChain && certificate !== undefined; n++) {
    const at = certificate;
    const fault = forbidden.find(([identifier]) => has(at, identifier));
    if (fault !== undefined) return `a certificate of its chain ${fault[1]}`;
    const issuer: X509Certificate | undefined = certificate.issuerCertificate;
    // A root is its own issuer.
    certificate = issuer?.fingerprint256 === certificate.fingerprint256 ? undefined : issuer;
  }
  return undefined;
}
