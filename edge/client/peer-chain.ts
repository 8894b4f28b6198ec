import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** OBJECT IDENTIFIER 2.5.29.33, policyMappings (RFC 5280 §4.2.1.5). */
const policyMappings = Buffer.from('0603551d21', 'hex');
/** What may follow an extension's identifier: its value, or that it is critical. */
const octetString = 0x04;
const boolean = 0x01;
/** SERCA, MCA, MICA and device, and some room. */
const maxChain = 8;

/** Whether a certificate has the extension; its DER is read no further than that. */
function hasPolicyMappings({ raw }: X509Certificate): boolean {
  for (let at = raw.indexOf(policyMappings); at >= 0; at = raw.indexOf(policyMappings, at + 1)) {
    const next = raw[at + policyMappings.length];
    if (next === octetString || next === boolean) return true;
  }
  return false;
}

/**
 * What is wrong with the chain of a peer that OpenSSL has found valid, if something is: IEEE 2030.5-2018 §8.11.8
 * forbids policy mappings, which OpenSSL does not look at.
 */
export function chainFault(socket: Pick<TLSSocket, 'getPeerX509Certificate'>): string | undefined {
  let certificate: X509Certificate | undefined = socket.getPeerX509Certificate();
  for (let n = 0; n < maxChain && certificate !== undefined; n++) {
    if (hasPolicyMappings(certificate)) return 'a certificate of its chain maps policies';
    const issuer: X509Certificate | undefined = certificate.issuerCertificate;
    // A root is its own issuer.
    certificate = issuer?.fingerprint256 === certificate.fingerprint256 ? undefined : issuer;
  }
  return undefined;
}
