import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { type CertificateFields, readCertificate } from './certificate-fields.ts';
import { canonicalName } from './distinguished-name.ts';

/** An authority of a chain, with its key ready for use. */
export interface AuthorityKey {
  readonly fields: CertificateFields;
  /** The subject as names are compared; made when it is first asked for. */
  readonly name: () => string;
  readonly key: KeyObject;
}

/** An authority whose signature has been checked up to a trusted root. */
export interface TrustedAuthority extends AuthorityKey {
  /** Those above it, up to the root. */
  readonly above: readonly TrustedAuthority[];
}

export const trustedRoot = (certificate: Uint8Array): TrustedAuthority => ({
  ...authorityOf(readCertificate(certificate)),
  above: [],
});

/**
 * An authority below the one of some that issued it; undefined where none of them did. Whether it may issue, and is
 * revoked, is checked each time.
 */
export function authorityAmong(
  trusted: readonly TrustedAuthority[],
  fields: CertificateFields,
): TrustedAuthority | undefined {
  const issuer = issuerAmong(trusted, fields);
  return issuer && { ...authorityOf(fields), above: [issuer, ...issuer.above] };
}

export function authorityOf(fields: CertificateFields): AuthorityKey {
  let name: string | undefined;
  return {
    fields,
    name: () => (name ??= canonicalName(fields.subject)),
    key: createPublicKey({ key: Buffer.from(fields.spki), format: 'der', type: 'spki' }),
  };
}

/** Signature algorithms of certificates; IEEE 2030.5 has only the first. */
const signatureHashes: Readonly<Record<string, string>> = { '1.2.840.10045.4.3.2': 'sha256' };

/** The one of some that issued a certificate, by its name and key. */
export function issuerAmong<A extends AuthorityKey>(
  authorities: readonly A[],
  below: CertificateFields,
): A | undefined {
  // Names are nearly always written alike, and then need not be taken apart.
  const alike = authorities.find(
    ({ fields, key }) => Buffer.compare(fields.subject, below.issuer) === 0 && isSignedBy(below, key),
  );
  if (alike !== undefined) return alike;
  const name = canonicalName(below.issuer);
  return authorities.find((one) => one.name() === name && isSignedBy(below, one.key));
}

function isSignedBy({ toBeSigned, signature, signatureAlgorithm }: CertificateFields, key: KeyObject): boolean {
  const hash = signatureHashes[signatureAlgorithm];
  return hash !== undefined && key.asymmetricKeyType === 'ec' && verify(hash, toBeSigned, key, signature);
}
