import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { GridError } from '#hal/errors.ts';
import { isoTime, UnixSeconds } from '#hal/units.ts';
import { lfdiOf, sfdiOf } from '#ieee2030_5/identity.ts';
import { isIssuedBy } from './authority-folder.ts';
import {
  alternativeNames,
  type CertificateFields,
  certificatePolicies,
  readCertificate,
} from './certificate-fields.ts';
import { never } from './certificates.ts';
import { within, elementOf, timeOf } from './der-reader.ts';
import { isEncrypted } from './key-encryption.ts';
import { policies } from './object-identifiers.ts';
import { problemsOf } from './profile-check.ts';
import { publicKeyOfRequest } from './request-key.ts';
import { daysLeft, expiryLevel, isProfile, type Profile, profiles } from './validity.ts';

/** What a file holds, in words. */
export interface Inspection {
  readonly kind:
    | 'certificate'
    | 'private key'
    | 'encrypted private key'
    | 'TPM key'
    | 'certificate request'
    | 'revocation list';
  readonly facts: Readonly<Record<string, string | number | readonly string[]>>;
  /** What is wrong with it: against the profile of IEEE 2030.5, or with the file. */
  readonly problems: readonly string[];
}

/**
 * Explains what a file holds, in its order: certificates, keys, requests, revocation lists, PEM or DER. Throws
 * GTX-PRV-032 for what is none of them, GTX-PRV-030 for a certificate or list and GTX-PRV-005 for a request that does not hold.
 */
export async function inspectFile(content: Uint8Array, now: UnixSeconds): Promise<Inspection[]> {
  try {
    return await inspectContent(content, now);
  } catch (error) {
    // OpenSSL's, of what stands between the right lines and is something else.
    throw error instanceof GridError ? error : unknown(error);
  }
}

async function inspectContent(content: Uint8Array, now: UnixSeconds): Promise<Inspection[]> {
  const text = Buffer.from(content).toString('latin1');
  const blocks = text.match(/-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g);
  if (blocks === null) return [await inspectDer(content, now)];
  const found: Inspection[] = [];
  let below: X509Certificate | undefined;
  for (const block of blocks) {
    const label = /BEGIN ([A-Z0-9 ]+)-/.exec(block)?.[1] ?? '';
    if (!label.endsWith('CERTIFICATE')) {
      found.push(await inspectBlock(label, block, now));
      continue;
    }
    const certificate = new X509Certificate(block);
    const one = inspectCertificate(certificate.raw, now);
    const isLinked = below === undefined || isIssuedBy(below, certificate);
    const broken = 'it did not issue the certificate before it in the file';
    found.push(isLinked ? one : { ...one, problems: [...one.problems, broken] });
    below = certificate;
  }
  return found;
}

async function inspectBlock(label: string, block: string, now: UnixSeconds): Promise<Inspection> {
  if (isEncrypted(block)) return { kind: 'encrypted private key', facts: {}, problems: [] };
  if (label === 'TPM KEY') {
    const [transport = '', handle = ''] = Buffer.from(bodyOf(block), 'base64').toString('latin1').split('|');
    return { kind: 'TPM key', facts: { tpm: transport, handle: `0x${handle}` }, problems: [] };
  }
  if (label.endsWith('PRIVATE KEY')) {
    const key = createPublicKey(block);
    return {
      kind: 'private key',
      facts: { key: keyName(key) },
      problems: ['it is not encrypted', ...keyProblems(key)],
    };
  }
  if (label.endsWith('REQUEST')) return await inspectRequest(Buffer.from(block));
  if (label === 'X509 CRL') return inspectList(Buffer.from(bodyOf(block), 'base64'), now);
  throw unknown();
}

const bodyOf = (block: string): string => block.split('\n').slice(1, -1).join('');

const unknown = (cause?: unknown): GridError =>
  new GridError('GTX-PRV-032', 'The file holds no certificate, key, request or revocation list', {
    kind: 'input',
    cause,
  });

async function inspectDer(content: Uint8Array, now: UnixSeconds): Promise<Inspection> {
  const attempts = [
    () => inspectCertificate(content, now),
    () => inspectList(content, now),
    () => inspectRequest(content),
  ];
  let cause: unknown;
  for (const attempt of attempts) {
    try {
      return await attempt();
    } catch (error) {
      cause = error;
    }
  }
  throw unknown(cause);
}

const keyName = (key: KeyObject): string => {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (namedCurve !== undefined) return namedCurve === 'prime256v1' ? 'P-256' : namedCurve;
  return modulusLength === undefined ? String(key.asymmetricKeyType) : `RSA ${modulusLength}`;
};

const keyProblems = (key: KeyObject): string[] =>
  keyName(key) === 'P-256' ? [] : [`its key is ${keyName(key)}: IEEE 2030.5 has P-256 only`];

async function inspectRequest(content: Uint8Array): Promise<Inspection> {
  const key = await publicKeyOfRequest(content);
  return { kind: 'certificate request', facts: { key: keyName(key), signature: 'holds' }, problems: keyProblems(key) };
}

function inspectList(content: Uint8Array, now: UnixSeconds): Inspection {
  const [, , , thisUpdate, nextUpdate, revoked] = within(within(elementOf(content))[0]);
  const until = timeOf(nextUpdate);
  const count = revoked?.tag === 0x30 ? within(revoked).length : 0;
  const facts = { made: timeText(timeOf(thisUpdate)), goodUntil: timeText(until), revoked: count };
  return { kind: 'revocation list', facts, problems: now >= until ? ['it is too old to say anything'] : [] };
}

const timeText = (seconds: number): string => isoTime(UnixSeconds(seconds));

function inspectCertificate(encoded: Uint8Array, now: UnixSeconds): Inspection {
  const certificate = new X509Certificate(encoded);
  const fields = readCertificate(encoded);
  const { hardware, hosts } = alternativeNames(fields.extensions);
  const lfdi = lfdiOf(encoded);
  const left = daysLeft(fields.notAfter, now);
  return {
    kind: 'certificate',
    facts: {
      of: certificate.ca ? authorityName(certificate) : 'a device',
      ...(certificate.ca ? {} : { profile: profileOf(fields), lfdi, sfdi: String(sfdiOf(lfdi)) }),
      ...(hardware !== undefined && { hardwareSerial: hardware.serial }),
      ...(hosts.length > 0 && { hosts }),
      number: fields.number,
      subject: oneLine(certificate.subject),
      issuer: oneLine(certificate.issuer),
      policies: certificatePolicies(fields.extensions).map(policyName),
      key: keyName(certificate.publicKey),
      validFrom: timeText(fields.notBefore),
      validUntil: fields.notAfter >= never ? 'no expiry' : timeText(fields.notAfter),
      ...(Number.isFinite(left) && { daysLeft: left, expiry: expiryLevel(fields.notAfter, now) }),
    },
    problems: problemsOf(fields, keyName(certificate.publicKey), now),
  };
}

const authorityName = (certificate: X509Certificate): string =>
  isIssuedBy(certificate, certificate) ? 'a root authority' : 'an authority';

/** A device's subject is empty, and Node gives nothing for it. */
const oneLine = (name: string | undefined): string => (name ?? '').trim().replaceAll('\n', ', ') || '(empty)';

const policyName = (identifier: string): string =>
  Object.entries(policies).find(([, known]) => known === identifier)?.[0] ?? identifier;

/** By its policies: `device` where it has none of ours, `none of IEEE 2030.5` where it has none of the standard's. */
export function profileOf({ extensions }: CertificateFields): Profile | 'none of IEEE 2030.5' {
  const issuedUnder = certificatePolicies(extensions);
  if (!issuedUnder.includes(policies.genericDevice) && alternativeNames(extensions).hardware === undefined) {
    return 'none of IEEE 2030.5';
  }
  const has = (name: Profile): boolean => profiles[name].policies.every((policy) => issuedUnder.includes(policy));
  return Object.keys(profiles).filter(isProfile).findLast(has) ?? 'device';
}
