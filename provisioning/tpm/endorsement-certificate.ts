// Must come first: @peculiar/x509 registers its types through it.
import 'reflect-metadata';
import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { certificatesOf } from '../pem.ts';
import { nvCertificate, refused } from './nv-certificate.ts';

/** Extended key usage of an endorsement certificate: tcg-kp-EKCertificate. */
const endorsementUsage = '2.23.133.8.1';
/** Certificates above an endorsement certificate, the root included. */
const longestChain = 6;

const extensions = {
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  certificatePolicies: '2.5.29.32',
  extendedKeyUsage: '2.5.29.37',
} as const;
/** A critical extension that is not understood forbids the use of its certificate (RFC 5280 §4.2). */
const understood: readonly string[] = Object.values(extensions);

/** The makers of TPMs that a campus trusts. */
export interface TrustedMakers {
  readonly roots: readonly X509Certificate[];
  readonly intermediates: readonly X509Certificate[];
}

/**
 * The makers whose certificates stand in a PEM text: those that issued themselves are roots. Throws GTX-TPM-032 where
 * there is no root, or something that is no certificate.
 */
export function trustedMakers(pem: string): TrustedMakers {
  let all: X509Certificate[];
  try {
    all = certificatesOf(pem);
  } catch (error) {
    throw noMakers(reasonOf(error), error);
  }
  const roots = all.filter(isRoot);
  if (roots.length === 0) throw noMakers('there is no root among them');
  return { roots, intermediates: all.filter((one) => !isRoot(one)) };
}

const isRoot = (one: X509Certificate): boolean => one.checkIssued(one);

const noMakers = (reason: string, cause?: unknown): GridError =>
  new GridError('GTX-TPM-032', `The certificates of TPM makers cannot be used: ${reason}`, {
    kind: 'input',
    hint: "Give the makers' root certificates, and those below them, in one PEM file.",
    cause,
  });

export interface Endorsement {
  readonly key: KeyObject;
  /** SHA-256 of the key (SubjectPublicKeyInfo), in hex: what the list of a campus's boards knows a TPM by. */
  readonly hash: string;
}

/** SHA-256 of a key's SubjectPublicKeyInfo, in hex. */
export const endorsementHash = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');

/**
 * Checks that a maker whom the campus trusts vouches for a TPM: chain, validity at `now` (wall time), and that the
 * certificate is one for endorsement keys (TCG EK Credential Profile §3). Throws GTX-TPM-020 (no certificate), 021
 * (unknown maker), 022 (not valid now), 023 (not for an endorsement key).
 */
export function checkEndorsement(content: Uint8Array, makers: TrustedMakers, now: UnixSeconds): Endorsement {
  const certificate = nvCertificate(content);
  try {
    checkValidity(certificate, now);
    checkUsage(certificate);
    for (const above of chainOf(certificate, makers)) checkValidity(above, now);
    return { key: certificate.publicKey, hash: endorsementHash(certificate.publicKey) };
  } catch (error) {
    // Keys and extensions are decoded when they are asked for, and damage shows only then.
    throw error instanceof GridError ? error : refused('GTX-TPM-020', reasonOf(error), error);
  }
}

function checkValidity(certificate: X509Certificate, now: UnixSeconds): void {
  const from = certificate.validFromDate;
  const to = certificate.validToDate;
  if (now * 1000 < from.getTime()) throw refused('GTX-TPM-022', `it is valid from ${from.toISOString()}`);
  if (now * 1000 > to.getTime()) throw refused('GTX-TPM-022', `it was valid until ${to.toISOString()}`);
}

function checkUsage(certificate: X509Certificate): void {
  if (certificate.ca) throw refused('GTX-TPM-023', "it is an authority's");
  const parsed = parsedOf(certificate);
  const unknown = parsed.extensions.find(({ critical, type }) => critical && !understood.includes(type));
  if (unknown !== undefined) throw refused('GTX-TPM-023', `its critical extension ${unknown.type} is not understood`);
  const rsa = certificate.publicKey.asymmetricKeyType === 'rsa';
  const needed = rsa ? x509.KeyUsageFlags.keyEncipherment : x509.KeyUsageFlags.keyAgreement;
  if ((keyUsageOf(parsed) & needed) === 0) {
    throw refused('GTX-TPM-023', `its key is not for ${rsa ? 'key encipherment' : 'key agreement'}`);
  }
  const uses = parsed.getExtension<x509.ExtendedKeyUsageExtension>(extensions.extendedKeyUsage)?.usages;
  if (uses !== undefined && !uses.includes(endorsementUsage)) {
    throw refused('GTX-TPM-023', `its extended key usage lacks ${endorsementUsage}`);
  }
}

/** The certificates above, up to a trusted root. Throws GTX-TPM-021 where there is no way up. */
function chainOf(certificate: X509Certificate, { roots, intermediates }: TrustedMakers): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let below = certificate;
  while (chain.length < longestChain) {
    const at = below;
    const depth = chain.length;
    const issued = (by: X509Certificate): boolean =>
      mayIssue(by, depth) && at.checkIssued(by) && at.verify(by.publicKey);
    const root = roots.find(issued);
    if (root !== undefined) return [...chain, root];
    const next = intermediates.find((candidate) => !chain.includes(candidate) && issued(candidate));
    if (next === undefined) break;
    chain.push(next);
    below = next;
  }
  const issuer = (chain.at(-1) ?? certificate).issuer.replaceAll('\n', ', ');
  throw refused('GTX-TPM-021', `its maker is unknown (issued by ${issuer})`);
}

/** An authority with so many authorities between it and the endorsement certificate. */
function mayIssue(certificate: X509Certificate, depth: number): boolean {
  if (!certificate.ca) return false;
  const parsed = parsedOf(certificate);
  const constraints = parsed.getExtension<x509.BasicConstraintsExtension>(extensions.basicConstraints);
  const deepEnough = constraints?.pathLength === undefined || constraints.pathLength >= depth;
  return deepEnough && (keyUsageOf(parsed) & x509.KeyUsageFlags.keyCertSign) !== 0;
}

const parsedOf = (certificate: X509Certificate): x509.X509Certificate =>
  new x509.X509Certificate(Uint8Array.from(certificate.raw));

const keyUsageOf = (parsed: x509.X509Certificate): number =>
  parsed.getExtension<x509.KeyUsagesExtension>(extensions.keyUsage)?.usages ?? 0;
