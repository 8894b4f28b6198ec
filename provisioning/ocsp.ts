import { createHash } from 'node:crypto';
import type { UnixSeconds } from '#hal/units.ts';
import { publicKeyBits, readCertificate, readExtensions } from './certificate-fields.ts';
import { extension, type Issuer } from './certificates.ts';
import { type Der, generalizedTime, objectIdentifier, octetString, sequence, tlv } from './der.ts';
import { contentOf, type Element, elementOf, identifierOf, integerHex, within } from './der-reader.ts';
import { extensionIds } from './object-identifiers.ts';
import { type Revocation, revocationReasons } from './revocation-list.ts';
import { signed } from './signer.ts';

/** Hashes by which a request names an issuer; RFC 5019 asks for SHA-1, RFC 6960 allows others. */
const hashes: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
};

/** The certificate that is asked after. */
export interface OcspQuestion {
  /** Its number, in hexadecimal. */
  readonly number: string;
  /** CertID as it was asked, which the answer repeats. */
  readonly encoded: Uint8Array;
  /** Whether this authority issued what is asked after. */
  readonly isOf: (issuerCertificate: Uint8Array) => boolean;
}

export interface OcspRequest {
  readonly questions: readonly OcspQuestion[];
  /** An answer that repeats it is fresh; undefined where none is asked for. */
  readonly nonce: Uint8Array | undefined;
}

/** A request asks after so many certificates at most. */
const mostQuestions = 16;
/** RFC 8954 §2.1. */
const longestNonce = 32;

/** Reads a DER request (RFC 6960 §4.1). Undefined for one that is malformed, too long, or asks for what we do not do. */
export function readOcspRequest(encoded: Uint8Array): OcspRequest | undefined {
  try {
    const [body] = within(elementOf(encoded));
    const parts = within(body);
    const list = within(parts.find(({ tag }) => tag === 0x30));
    const last = parts.find(({ tag }) => tag === 0xa2);
    const extensions = last === undefined ? new Map<never, never>() : readExtensions(within(last, 0xa2)[0]);
    const asked = extensions.get(extensionIds.ocspNonce);
    const nonce = asked === undefined ? undefined : contentOf(elementOf(asked.value), 0x04);
    if (nonce !== undefined && (nonce.length < 1 || nonce.length > longestNonce)) return undefined;
    if (list.length < 1 || list.length > mostQuestions) return undefined;
    return { questions: list.map(readQuestion), nonce };
  } catch {
    // Whatever is wrong with it, the answer is the same: malformedRequest.
    return undefined;
  }
}

function readQuestion(request: Element): OcspQuestion {
  const [id] = within(request);
  const [algorithm, nameHash, keyHash, number] = within(id);
  const hash = hashes[identifierOf(within(algorithm)[0])];
  const [name, key] = [contentOf(nameHash, 0x04), contentOf(keyHash, 0x04)];
  return {
    number: integerHex(number),
    encoded: id!.encoded,
    isOf: (issuerCertificate) => {
      if (hash === undefined) return false;
      const { subject, spki } = readCertificate(issuerCertificate);
      const digest = (octets: Uint8Array): Buffer => createHash(hash).update(octets).digest();
      return digest(subject).equals(name) && digest(publicKeyBits(spki)).equals(key);
    },
  };
}

export type OcspStatus = 'good' | 'unknown' | Revocation;

export interface OcspAnswer {
  readonly question: OcspQuestion;
  readonly status: OcspStatus;
}

export interface OcspResponseTimes {
  readonly thisUpdate: UnixSeconds;
  readonly nextUpdate: UnixSeconds;
}

/** A response of the issuer itself about certificates that it issued (RFC 6960 §4.2). */
export async function ocspResponse(
  answers: readonly OcspAnswer[],
  issuer: Issuer,
  { thisUpdate, nextUpdate }: OcspResponseTimes,
  nonce?: Uint8Array,
): Promise<Der> {
  const { spki } = readCertificate(issuer.certificate);
  const byKey = tlv(0xa2, octetString(createHash('sha1').update(publicKeyBits(spki)).digest()));
  const responses = answers.map(({ question, status }) =>
    sequence(question.encoded, statusOf(status), generalizedTime(thisUpdate), tlv(0xa0, generalizedTime(nextUpdate))),
  );
  const data = sequence(
    byKey,
    generalizedTime(thisUpdate),
    sequence(...responses),
    ...(nonce === undefined ? [] : [tlv(0xa1, sequence(extension('ocspNonce', octetString(nonce))))]),
  );
  const basic = await signed(data, issuer.signer);
  const body = sequence(objectIdentifier('1.3.6.1.5.5.7.48.1.1'), octetString(basic));
  return sequence(tlv(0x0a, Uint8Array.of(0)), tlv(0xa0, body));
}

/** CertStatus: good [0], revoked [1], unknown [2]. */
function statusOf(status: OcspStatus): Der {
  if (status === 'good') return tlv(0x80);
  if (status === 'unknown') return tlv(0x82);
  const reason = tlv(0xa0, tlv(0x0a, Uint8Array.of(revocationReasons[status.reason])));
  return tlv(0xa1, generalizedTime(status.at), reason);
}

/** Responses that say no more than why there is no answer (RFC 6960 §4.2.1); they are not signed. */
const refusals = { malformedRequest: 1, internalError: 2, unauthorized: 6 } as const;

export const ocspRefusal = (why: keyof typeof refusals): Der => sequence(tlv(0x0a, Uint8Array.of(refusals[why])));
