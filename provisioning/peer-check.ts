import { isoTime, UnixSeconds } from '#hal/units.ts';
import { type Lfdi, lfdiOf } from '#ieee2030_5/identity.ts';
import {
  alternativeNames,
  basicConstraints,
  type CertificateFields,
  certificatePolicies,
  extendedKeyUsage,
  isOnP256,
  keyUsage,
  keyUsageBits,
  readCertificate,
} from './certificate-fields.ts';
import { canonicalName } from './distinguished-name.ts';
import { extendedKeyUsages, extensionIds, policies } from './object-identifiers.ts';
import type { RevocationList, RevocationReason } from './revocation-list.ts';
import {
  type AuthorityKey,
  authorityAmong,
  authorityOf,
  issuerAmong,
  type TrustedAuthority,
} from './trusted-authority.ts';

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
  /** A key on another curve than P-256, the only one of IEEE 2030.5. */
  | 'key'
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

/** What was found against a certificate. */
export interface Objection {
  readonly ok: false;
  readonly reason: PeerRefusal;
  readonly detail: string;
  readonly revoked?: RevocationReason;
}

export type PeerCheck =
  | { readonly ok: true; readonly lfdi: Lfdi; readonly serial: string; readonly policies: readonly string[] }
  | Objection;

export type AuthorityCheck = { readonly ok: true; readonly authority: TrustedAuthority } | Objection;

export interface PeerRules {
  /** The roots that are trusted, and authorities below them that need not be verified again each time. */
  readonly trusted: readonly TrustedAuthority[];
  /** Those whose signatures `readRevocationList` has checked; undefined where revocation is asked after elsewhere. */
  readonly revocationLists: readonly RevocationList[] | undefined;
  /** What is done below an issuer of which there is no list at all; refused unless told. */
  readonly unlisted?: 'refuse' | 'pass';
  readonly now: UnixSeconds;
  /** One of these policies must lead all the way down. */
  readonly policies: readonly string[];
  /** Devices with one of these policies are refused. */
  readonly refusedPolicies?: readonly string[];
  /** What the peer is, for extended key usages. */
  readonly as: 'client' | 'server';
}

/** The root included: root, policy authority, issuing authority, device (IEEE 2030.5-2018 §8.11). */
const longestChain = 4;

const understood: ReadonlySet<string> = new Set([
  extensionIds.keyUsage,
  extensionIds.subjectAlternativeName,
  extensionIds.basicConstraints,
  extensionIds.certificatePolicies,
  extensionIds.extendedKeyUsage,
]);

class Refused extends Error {
  readonly answer: Objection;

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
  return answered(() => checked(chain, rules));
}

/**
 * Whether an authority (DER) is issued by one of those that are trusted and may issue devices' certificates at `now`,
 * as `checkPeer` demands of those in a chain; and it has no extended key usage at all (IEEE 2030.5-2018 §6.11.8).
 * Revocation is not looked at.
 */
export function checkAuthorityBelow(
  certificate: Uint8Array,
  rules: Pick<PeerRules, 'trusted' | 'now' | 'policies'>,
): AuthorityCheck {
  return answered(() => {
    const fields = readCertificate(certificate);
    const authority = authorityAmong(rules.trusted, fields);
    if (authority === undefined) throw new Refused('unknown-issuer', 'no authority that is known here issued it');
    const upwards = [authority, ...authority.above];
    // A device stands below.
    if (upwards.length >= longestChain) throw new Refused('not-an-authority', 'it stands too deep below its root');
    for (const [depth, one] of upwards.entries()) checkAuthority(one.fields, depth, { ...rules, as: 'client' });
    if (extendedKeyUsage(fields.extensions) !== undefined) {
      throw new Refused('extended-key-usage', 'an authority has no extended key usage');
    }
    const issuedUnder = upwards.slice(0, -1).map((one) => certificatePolicies(one.fields.extensions));
    if (!rules.policies.some((policy) => isInAll(policy, issuedUnder))) {
      throw new Refused('policy', 'it may not issue under a policy that is asked for');
    }
    return { ok: true, authority };
  });
}

function answered<T>(check: () => T): T | Objection {
  try {
    return check();
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
  if (device.subject.length > 2 && canonicalName(device.subject) === canonicalName(device.issuer)) {
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
      checkRevocation(certificate, authorities[i]!.fields, rules.revocationLists, rules);
    }
  }
  return { ok: true, lfdi: lfdiOf(device.encoded), serial, policies: deviceIssuedUnder };
}

/** Those above the device, from its issuer to a trusted root, each signature checked. */
function authoritiesOf(fields: readonly CertificateFields[], { trusted }: Pick<PeerRules, 'trusted'>): AuthorityKey[] {
  const authorities: AuthorityKey[] = [];
  for (const [i, below] of fields.entries()) {
    const by = issuerAmong(trusted, below);
    if (by !== undefined) return [...authorities, by, ...by.above];
    const next = fields[i + 1];
    if (next === undefined) break;
    const above = authorityOf(next);
    if (issuerAmong([above], below) === undefined) {
      throw new Refused('unknown-issuer', `certificate ${i + 1} of the chain did not issue the one before it`);
    }
    authorities.push(above);
  }
  throw new Refused('unknown-issuer', 'its chain does not lead to a root that is trusted here');
}

/** `depth`: how many authorities stand below it. */
function checkAuthority(authority: CertificateFields, depth: number, rules: Pick<PeerRules, 'now' | 'as'>): void {
  const name = `the authority ${depth + 1} above it`;
  checkValidity(authority, rules.now, name);
  if (!isOnP256(authority.spki)) throw new Refused('key', `the key of ${name} is not on P-256`);
  const constraints = basicConstraints(authority.extensions);
  if (constraints?.ca !== true) throw new Refused('not-an-authority', `${name} is none`);
  if (constraints.pathLength < depth) throw new Refused('not-an-authority', `${name} stands too high above it`);
  if (((keyUsage(authority.extensions) ?? 0) & keyUsageBits.keyCertSign) === 0) {
    throw new Refused('key-usage', `the key of ${name} is not for signing certificates`);
  }
  checkExtensions(authority, rules, name);
}

function checkDevice({ extensions, spki }: CertificateFields): void {
  if (!isOnP256(spki)) throw new Refused('key', 'its key is not on P-256');
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

function checkExtensions({ extensions }: CertificateFields, { as }: Pick<PeerRules, 'as'>, name: string): void {
  if (extensions.has(extensionIds.nameConstraints))
    throw new Refused('name-constraints', `${name} has name constraints`);
  if (extensions.has(extensionIds.policyMappings)) throw new Refused('policy-mappings', `${name} has policy mappings`);
  const unknown = [...extensions].find(([id, { critical }]) => critical && !understood.has(id));
  if (unknown !== undefined) {
    throw new Refused('critical-extension', `the critical extension ${unknown[0]} of ${name} is not understood`);
  }
  const uses = extendedKeyUsage(extensions);
  if (uses !== undefined && !uses.includes(extendedKeyUsages.any) && !uses.includes(extendedKeyUsages[as])) {
    throw new Refused('extended-key-usage', `${name} is not for a TLS ${as}`);
  }
}

/** One of the policies in every certificate below the root, or any policy; gives those of the device. */
function checkPolicies(device: CertificateFields, authorities: readonly AuthorityKey[], rules: PeerRules): string[] {
  const own = certificatePolicies(device.extensions);
  const above = authorities.slice(0, -1).map(({ fields }) => certificatePolicies(fields.extensions));
  if (!rules.policies.some((policy) => own.includes(policy) && isInAll(policy, above)))
    throw new Refused('policy', 'it is not issued under a policy that is asked for');
  const refused = rules.refusedPolicies?.find((policy) => own.includes(policy));
  if (refused !== undefined) throw new Refused('policy-refused', `devices of the policy ${refused} are refused here`);
  return own;
}

const isInAll = (policy: string, lists: readonly (readonly string[])[]): boolean =>
  lists.every((list) => list.includes(policy) || list.includes(policies.any));

function checkRevocation(
  certificate: CertificateFields,
  issuer: CertificateFields,
  lists: readonly RevocationList[],
  { now, unlisted = 'refuse' }: Pick<PeerRules, 'now' | 'unlisted'>,
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
  if (mine.length === 0 && unlisted === 'pass') return;
  if (!mine.some(({ nextUpdate }) => now < nextUpdate)) {
    throw new Refused(
      'revocation-unknown',
      mine.length === 0 ? 'there is no revocation list of its issuer' : 'the revocation list of its issuer is too old',
    );
  }
}
