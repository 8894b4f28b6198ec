import { X509Certificate } from 'node:crypto';
import { GridError } from '#hal/errors.ts';
import { type Lfdi, lfdiOf } from '#ieee2030_5/identity.ts';
import { type Authority, isIssuedBy, numberOf } from './authority-folder.ts';
import { readCertificate } from './certificate-fields.ts';
import type { Issuance, Issuances } from './issuances.ts';
import type { RevocationReason } from './revocation-list.ts';

/** How a certificate is named: by its LFDI where the log has it, or by itself. */
export type KnownBy = { readonly lfdi: Lfdi } | { readonly certificate: Uint8Array };

type Revocable = Pick<Issuance, 'number' | 'lfdi' | 'issuer'>;

/**
 * What is revoked with a certificate: itself, and but for `superseded` all others for the same key. Throws GTX-PRV-023
 * for one that none of the authorities knows, GTX-PRV-026 for one that is revoked.
 */
export function toRevoke(
  which: KnownBy,
  reason: RevocationReason,
  issuances: Issuances,
  authorities: readonly Authority[],
): readonly [Revocable, ...Revocable[]] {
  const one = knownBy(which, issuances, authorities);
  if (issuances.revocationOf(one.number) !== undefined) {
    throw new GridError('GTX-PRV-026', `The certificate ${one.lfdi} is revoked already`, { kind: 'input' });
  }
  return [one, ...(reason === 'superseded' ? [] : ofSameKey(one.number, issuances))];
}

/** Other certificates for the key of one: whoever has lost it, or must not use it, has none of them. */
function ofSameKey(number: string, issuances: Issuances): readonly Issuance[] {
  const certificate = issuances.find({ number })?.certificate;
  if (certificate === undefined) return [];
  const { spki } = readCertificate(certificate);
  return issuances
    .all()
    .filter((one) => one.number !== number && one.revocation === undefined)
    .filter((one) => Buffer.compare(readCertificate(one.certificate).spki, spki) === 0);
}

function knownBy(which: KnownBy, issuances: Issuances, authorities: readonly Authority[]): Revocable {
  if ('lfdi' in which) {
    const known = issuances.find(which);
    if (known !== undefined) return known;
    const hint = 'Give the certificate file itself where it was issued before there was a log.';
    throw unknownCertificate(which.lfdi, hint);
  }
  const certificate = new X509Certificate(which.certificate);
  const lfdi = lfdiOf(which.certificate);
  const by = authorities.find((authority) => isIssuedBy(certificate, authority.certificate));
  if (by === undefined) throw unknownCertificate(lfdi, 'Another authority issued it.');
  return { number: numberOf(certificate), lfdi, issuer: numberOf(by.certificate) };
}

export const unknownCertificate = (name: string, hint: string): GridError =>
  new GridError('GTX-PRV-023', `The authority knows no certificate ${name}`, { kind: 'input', hint });
