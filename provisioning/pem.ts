import { type KeyObject, X509Certificate } from 'node:crypto';

/** One certificate in PEM. */
export const certificatePem = (der: Uint8Array): string => new X509Certificate(der).toString();

/** The certificates of a PEM text, in their order. */
export const certificatesOf = (pem: string): X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []).map(
    (one) => new X509Certificate(one),
  );

/** A private key in PEM (PKCS#8), not encrypted. */
export const privateKeyPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** One block of PEM (RFC 7468 §2). */
export const pemOf = (label: string, bytes: Uint8Array): string => {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
};
