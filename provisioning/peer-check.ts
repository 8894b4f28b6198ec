import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { GridError } from '#hal/errors.ts';
import { isoTime, UnixSeconds } from '#hal/units.ts';
import { type Lfdi, lfdiOf } from '#ieee2030_5/identity.ts';
import {
  alternativeNames,
  basicConstraints,
  type CertificateFields,
  certificatePolicies,
  extendedKeyUsage,
  keyUsage,
  keyUsageBits,
  readCertificate,
} from './certificate-fields.ts';
import { extendedKeyUsages, extensionIds, policies } from './object-identifiers.ts';
import type { RevocationList, RevocationReason } from './revocation-list.ts';

/** Why a peer is not let in. */
export type PeerRefusal =
  /** The chain is empty, too long, or holds what is no certificate. */
  | 'malformed'
  /** A certificate that is its own issuer stands where a device's should. */
  | 'self-signed'
  /** No way up to a root that is trusted: unknown issuer, or a signature that does not hold. */
  | 'unknown-issuer'
  | 'not-yet-valid'
  | 'expired'
  /** An authority's certificate that is none, or stands deeper than it may, or a device's that is an authority's. */
  | 'not-an-authority'
  | 'key-usage'
  | 'extended-key-usage'
  /** IEEE 2030.5 has no name constraints and no policy mappings (COMM-004). */
  | 'name-constraints'
  | 'policy-mappings'
  | 'critical-extension'
  /** None of the policies that are asked for is in the whole chain. */
  | 'policy'
  /** A policy that is not accepted here, such as the one of software keys. */
  | 'policy-refused'
  /** It does not say which hardware it is. */
  | 'no-hardware-name'
  | 'revoked'
  /** There is no revocation list of an issuer in the chain, or it is too old to say anything. */
  | 'revocation-unknown';

export type PeerCheck =
  | { readonly ok: true; readonly lfdi: Lfdi; readonly serial: string; readonly policies: readonly string[] }
  | { readonly ok: false; readonly reason: PeerRefusal; readonly detail: string; readonly revoked?: RevocationReason };

export interface PeerRules {
  /** The roots that are trusted, and authorities below them that need not be verified again each time. */
  readonly trusted: readonly TrustedAuthority[];
  /** Those whose signatures `readRevocationList` has checked; undefined where revocation is asked after elsewhere. */
  readonly revocationLists: readonly RevocationList[] | undefined;
  readonly now: UnixSeconds;
  /** One of these policies must lead all the way down. */
  readonly policies: readonly string[];
  /** Devices with one of these policies are refused. */
  readonly refusedPolicies?: readonly string[];
  /** What the peer is, for extended key usages. */
  readonly as: 'client' | 'server';
}

interface AuthorityKey {
  readonly fields: CertificateFields;
  readonly key: KeyObject;
}

/** An authority whose signature has been checked up to a trusted root, with its key ready for use. */
export interface TrustedAuthority extends AuthorityKey {
  /** Those above it, up to the root. */
  readonly above: readonly TrustedAuthority[];
}

export const trustedRoot = (certificate: Uint8Array): TrustedAuthority => {
  const fields = readCertificate(certificate);
  return { fields, key: keyOf(fields), above: [] };
};

/**
 * An authority below a trusted one; whether it may issue, and is revoked, is checked each time. Throws GTX-PRV-033
 * where the other did not issue it.
 */
export function trustedBelow(certificate: Uint8Array, issuer: TrustedAuthority): TrustedAuthority {
  const fields = readCertificate(certificate);
  if (!equal(fields.issuer, issuer.fields.subject) || !isSignedBy(fields, issuer.key)) {
    throw new GridError('GTX-PRV-033', 'An authority is not issued by the one above it', {
      hint: 'The certificates of the authority do not belong together.',
    });
  }
  return { fields, key: keyOf(fields), above: [issuer, ...issuer.above] };
}

const keyOf = ({ spki }: CertificateFields): KeyObject =>
  createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });

/** The root included: root, policy authority, issuing authority, device (IEEE 2030.5-2018 §8.11). */
const longestChain = 4;

/** Signature algorithms of certificates; IEEE 2030.5 has only the first. */
const signatureHashes: Readonly<Record<string, string>> = { '1.2.840.10045.4.3.2': 'sha256' };

const understood: ReadonlySet<string> = new Set([
  extensionIds.keyUsage,
  extensionIds.subjectAlternativeName,
  extensionIds.basicConstraints,
  extensionIds.certificatePolicies,
  extensionIds.extendedKeyUsage,
]);

class Refused extends Error {
  readonly answer: Extract<PeerCheck, { ok: false }>;

  constructor(reason: PeerRefusal, detail: string, revoked?: RevocationReason) {
    super(detail);
    this.answer = { ok: false, reason, detail, ...(revoked !== undefined && { revoked }) };
  }
}

/**
 * Whether a peer is who it says: its chain (DER, its own certificate first, each next the issuer of the one before;
 * the root may be left out), validity, usages, policies and revocation at `now` (wall time). Pure; RFC 5280 §6 as far
 * as the profile of IEEE 2030.5 has need of it, and what that profile has not is refused. A revocation list that is
 * missing or too old refuses, too.
 */
export function checkPeer(chain: readonly Uint8Array[], rules: PeerRules): PeerCheck {
  try {
    return checked(chain, rules);
  } catch (error) {
    if (error instanceof Refused) return error.answer;
    // What the readers throw: something in the chain is no certificate.
    return { ok: false, reason: 'malformed', detail: error instanceof Error ? error.message : String(error) };
  }
}

function checked(chain: readonly Uint8Array[], rules: PeerRules): PeerCheck {
  if (chain.length < 1 || chain.length > longestChain) {
    throw new Refused('malformed', `a chain has 1 to ${longestChain} certificates, this one ${chain.length}`);
  }
  const fields = chain.map(readCertificate);
  const device = fields[0]!;
  if (equal(device.subject, device.issuer) && device.subject.length > 2) {
    throw new Refused('self-signed', 'its certificate is its own issuer');
  }
  const authorities = authoritiesOf(fields, rules);
  for (const [depth, { fields: authority }] of authorities.entries()) checkAuthority(authority, depth, rules);
  checkValidity(device, rules.now, 'its certificate');
  checkExtensions(device, rules, 'its certificate');
  checkDevice(device);
  const serial = alternativeNames(device.extensions).hardware?.serial;
  if (serial === undefined) throw new Refused('no-hardware-name', 'its certificate names no hardware');
  const deviceIssuedUnder = checkPolicies(device, authorities, rules);
  if (rules.revocationLists !== undefined) {
    const below = [device, ...authorities.slice(0, -1).map((one) => one.fields)];
    // From the root down: a revoked authority is told before what it says of others.
    for (const [i, certificate] of [...below.entries()].toReversed()) {
      checkRevocation(certificate, authorities[i]!.fields, rules.revocationLists, rules.now);
    }
  }
  return { ok: true, lfdi: lfdiOf(device.encoded), serial, policies: deviceIssuedUnder };
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Those above the device, from its issuer to a trusted root, each signature checked. */
function authoritiesOf(fields: readonly CertificateFields[], { trusted }: PeerRules): AuthorityKey[] {
  const authorities: AuthorityKey[] = [];
  for (const [i, below] of fields.entries()) {
    const by = trusted.find((one) => equal(one.fields.subject, below.issuer) && isSignedBy(below, one.key));
    if (by !== undefined) return [...authorities, by, ...by.above];
    const next = fields[i + 1];
    if (next === undefined) break;
    const above = { fields: next, key: keyOf(next) };
    if (!equal(next.subject, below.issuer) || !isSignedBy(below, above.key)) {
      throw new Refused('unknown-issuer', `certificate ${i + 1} of the chain did not issue the one before it`);
    }
    authorities.push(above);
  }
  throw new Refused('unknown-issuer', 'its chain does not lead to a root that is trusted here');
}

function isSignedBy({ toBeSigned, signature, signatureAlgorithm }: CertificateFields, key: KeyObject): boolean {
  const hash = signatureHashes[signatureAlgorithm];
  return hash !== undefined && key.asymmetricKeyType === 'ec' && verify(hash, toBeSigned, key, signature);
}

/** `depth`: how many authorities stand below it. */
function checkAuthority(authority: CertificateFields, depth: number, rules: PeerRules): void {
  const name = `the authority ${depth + 1} above it`;
  checkValidity(authority, rules.now, name);
  const constraints = basicConstraints(authority.extensions);
  if (constraints?.ca !== true) throw new Refused('not-an-authority', `${name} is none`);
  if (constraints.pathLength < depth) throw new Refused('not-an-authority', `${name} stands too high above it`);
  if (((keyUsage(authority.extensions) ?? 0) & keyUsageBits.keyCertSign) === 0) {
    throw new Refused('key-usage', `the key of ${name} is not for signing certificates`);
  }
  checkExtensions(authority, rules, name);
}

function checkDevice({ extensions }: CertificateFields): void {
  if (basicConstraints(extensions)?.ca === true)
    throw new Refused('not-an-authority', "its certificate is an authority's");
  if (((keyUsage(extensions) ?? 0) & keyUsageBits.digitalSignature) === 0) {
    throw new Refused('key-usage', 'its key is not for signatures');
  }
}

function checkValidity({ notBefore, notAfter }: CertificateFields, now: UnixSeconds, name: string): void {
  if (now < notBefore) throw new Refused('not-yet-valid', `${name} is valid from ${isoTime(UnixSeconds(notBefore))}`);
  if (now > notAfter) throw new Refused('expired', `${name} was valid until ${isoTime(UnixSeconds(notAfter))}`);
}

function checkExtensions({ extensions }: CertificateFields, rules: PeerRules, name: string): void {
  if (extensions.has(extensionIds.nameConstraints))
    throw new Refused('name-constraints', `${name} has name constraints`);
  if (extensions.has(extensionIds.policyMappings)) throw new Refused('policy-mappings', `${name} has policy mappings`);
  const unknown = [...extensions].find(([id, { critical }]) => critical && !understood.has(id));
  if (unknown !== undefined) {
    throw new Refused('critical-extension', `the critical extension ${unknown[0]} of ${name} is not understood`);
  }
  const uses = extendedKeyUsage(extensions);
  if (uses !== undefined && !uses.includes(extendedKeyUsages.any) && !uses.includes(extendedKeyUsages[rules.as])) {
    throw new Refused('extended-key-usage', `${name} is not for a TLS ${rules.as}`);
  }
}

/** One of the policies in every certificate below the root, or any policy; gives those of the device. */
function checkPolicies(device: CertificateFields, authorities: readonly AuthorityKey[], rules: PeerRules): string[] {
  const own = certificatePolicies(device.extensions);
  const above = authorities.slice(0, -1).map(({ fields }) => certificatePolicies(fields.extensions));
  const isAllTheWay = (policy: string): boolean =>
    own.includes(policy) && above.every((list) => list.includes(policy) || list.includes(policies.any));
  if (!rules.policies.some(isAllTheWay))
    throw new Refused('policy', 'it is not issued under a policy that is asked for');
  const refused = rules.refusedPolicies?.find((policy) => own.includes(policy));
  if (refused !== undefined) throw new Refused('policy-refused', `devices of the policy ${refused} are refused here`);
  return own;
}

function checkRevocation(
  certificate: CertificateFields,
  issuer: CertificateFields,
  lists: readonly RevocationList[],
  now: UnixSeconds,
): void {
  const issuerKey = Buffer.from(issuer.spki).toString('hex');
  const mine = lists.filter((list) => list.issuerKey === issuerKey);
  const revoked = mine.map(({ revoked: all }) => all.get(certificate.number)).find((one) => one !== undefined);
  // A list that is too old still knows who was revoked.
  if (revoked !== undefined) {
    throw new Refused(
      'revoked',
      `certificate ${certificate.number} was revoked at ${isoTime(revoked.at)}`,
      revoked.reason,
    );
  }
  if (!mine.some(({ nextUpdate }) => now < nextUpdate)) {
    throw new Refused(
      'revocation-unknown',
      mine.length === 0 ? 'there is no revocation list of its issuer' : 'the revocation list of its issuer is too old',
    );
  }
}
