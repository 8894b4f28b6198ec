import { createHash, createPublicKey, verify } from 'node:crypto';
import { isoTime, UnixSeconds } from '#hal/units.ts';
import { publicKeyBits, readCertificate } from './certificate-fields.ts';
import { type Der, integer, nothing, objectIdentifier, octetString, sequence } from './der.ts';
import { bitsOf, contentOf, type Element, elementOf, identifierOf, integerHex, timeOf, within } from './der-reader.ts';

const sha1 = '1.3.14.3.2.26';
const basicResponse = '1.3.6.1.5.5.7.48.1.1';
const ecdsaWithSha256 = '1.2.840.10045.4.3.2';
const tags = { good: 0x80, revoked: 0xa1 } as const;

const hashed = (octets: Uint8Array): Buffer => createHash('sha1').update(octets).digest();

/** A question after one certificate (DER) of an issuer (RFC 6960 §4.1, with SHA-1 as RFC 5019 §2.1.1 asks for). */
export function ocspRequest(certificate: Uint8Array, issuer: Uint8Array): Der {
  const { subject, spki } = readCertificate(issuer);
  const algorithm = sequence(objectIdentifier(sha1), nothing);
  const number = integer(Buffer.from(readCertificate(certificate).number, 'hex'));
  const id = sequence(algorithm, octetString(hashed(subject)), octetString(hashed(publicKeyBits(spki))), number);
  return sequence(sequence(sequence(sequence(id))));
}

export type OcspVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

const refused = (reason: string): OcspVerdict => ({ ok: false, reason });

/**
 * What a response (RFC 6960 §4.2) that its issuer has signed itself says of a certificate at `now` (wall time); all
 * DER. Never throws: whatever is wrong with it, it does not say that the certificate is good.
 */
export function checkOcspResponse(
  response: Uint8Array,
  {
    certificate,
    issuer,
    now,
  }: { readonly certificate: Uint8Array; readonly issuer: Uint8Array; readonly now: UnixSeconds },
): OcspVerdict {
  try {
    const [status, bytes] = within(elementOf(response));
    if (contentOf(status, 0x0a)[0] !== 0) return refused('there is no answer in it');
    const [kind, basic] = within(within(bytes, 0xa0)[0]);
    if (identifierOf(kind) !== basicResponse) return refused('it is of a kind that is not known');
    const [data, algorithm, signature] = within(elementOf(contentOf(basic, 0x04)));
    const key = createPublicKey({ key: Buffer.from(readCertificate(issuer).spki), format: 'der', type: 'spki' });
    if (identifierOf(within(algorithm)[0]) !== ecdsaWithSha256) return refused('its signature is of another kind');
    if (data === undefined || !verify('sha256', data.encoded, key, bitsOf(signature))) {
      return refused('the issuer of the certificate has not signed it');
    }
    const asked = idOf(elementOf(ocspRequest(certificate, issuer)));
    const answer = within(within(data).find(({ tag }) => tag === 0x30)).find((one) => isOf(within(one)[0], asked));
    if (answer === undefined) return refused('it is of another certificate');
    return verdictOf(answer, now);
  } catch (error) {
    return refused(`it is malformed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The CertID of a request with one question. */
const idOf = (request: Element): Element | undefined => {
  const [body] = within(request);
  return within(within(within(body)[0])[0])[0];
};

const hasOctetsOf = (a: Element | undefined, b: Element | undefined): boolean =>
  Buffer.compare(contentOf(a, 0x04), contentOf(b, 0x04)) === 0;

/** Issuers and numbers are compared; the parameters of a hash may be written in two ways. */
function isOf(id: Element | undefined, asked: Element | undefined): boolean {
  const [, name, key, number] = within(id);
  const [, askedName, askedKey, askedNumber] = within(asked);
  return hasOctetsOf(name, askedName) && hasOctetsOf(key, askedKey) && integerHex(number) === integerHex(askedNumber);
}

function verdictOf(answer: Element, now: UnixSeconds): OcspVerdict {
  const [, status, thisUpdate, next] = within(answer);
  const until = next === undefined ? undefined : timeOf(within(next, 0xa0)[0]);
  // A revocation that was true once is true for ever.
  if (status?.tag === tags.revoked) return refused('the certificate is revoked');
  if (status?.tag !== tags.good) return refused('the issuer does not know the certificate');
  if (now < timeOf(thisUpdate)) return refused(`it is from ${isoTime(UnixSeconds(timeOf(thisUpdate)))}`);
  if (until === undefined || now >= until) return refused('it is too old');
  return { ok: true };
}
