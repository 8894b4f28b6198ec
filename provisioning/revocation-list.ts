import { createPublicKey, verify } from 'node:crypto';
import { GridError } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { readCertificate, readExtensions } from './certificate-fields.ts';
import { extension, type Issuer } from './certificates.ts';
import { type Der, integer, sequence, time, tlv } from './der.ts';
import { bitsOf, elementOf, integerHex, smallInteger, timeOf, within } from './der-reader.ts';
import { extensionIds } from './object-identifiers.ts';
import { algorithmOf, signed } from './signer.ts';

/** Why a certificate is revoked (CRLReason, RFC 5280 §5.3.1). A hold is not among them: it would have to be ended. */
export const revocationReasons = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  privilegeWithdrawn: 9,
} as const;

export type RevocationReason = keyof typeof revocationReasons;

export const isRevocationReason = (name: string): name is RevocationReason => Object.hasOwn(revocationReasons, name);

export const reasonNamed = (code: number): RevocationReason =>
  (Object.keys(revocationReasons) as RevocationReason[]).find((name) => revocationReasons[name] === code) ??
  'unspecified';

export interface Revocation {
  /** The certificate's own number, in hexadecimal. */
  readonly number: string;
  readonly at: UnixSeconds;
  readonly reason: RevocationReason;
}

export interface RevocationListRequest {
  /** Higher than that of any list before of this issuer. */
  readonly number: number;
  readonly thisUpdate: UnixSeconds;
  readonly nextUpdate: UnixSeconds;
  readonly revoked: readonly Revocation[];
}

/** A certificate revocation list, version 2 with its number, signed (RFC 5280 §5). */
export function issueRevocationList(request: RevocationListRequest, issuer: Issuer): Promise<Der> {
  const { number, thisUpdate, nextUpdate, revoked } = request;
  const parent = readCertificate(issuer.certificate);
  const entries = revoked.map(({ number: serial, at, reason }) => {
    const code = tlv(0x0a, Uint8Array.of(revocationReasons[reason]));
    // An unspecified reason is left out (RFC 5280 §5.3.1).
    const why = reason === 'unspecified' ? [] : [sequence(extension('reasonCode', code))];
    return sequence(integer(Buffer.from(serial, 'hex')), time(at), ...why);
  });
  const toBeSigned = sequence(
    integer(1),
    algorithmOf(issuer.signer),
    parent.subject,
    time(thisUpdate),
    time(nextUpdate),
    ...(entries.length > 0 ? [sequence(...entries)] : []),
    tlv(0xa0, sequence(authorityKeyOf(parent.extensions), extension('crlNumber', integer(number)))),
  );
  return signed(toBeSigned, issuer.signer);
}

function authorityKeyOf(
  extensions: ReturnType<typeof readExtensions> | ReadonlyMap<string, { value: Uint8Array }>,
): Der {
  const identifier = elementOf(extensions.get(extensionIds.subjectKeyIdentifier)!.value).content;
  return extension('authorityKeyIdentifier', sequence(tlv(0x80, identifier)));
}

/** A revocation list whose signature holds. */
export interface RevocationList {
  /** The key that signed it (SubjectPublicKeyInfo, encoded, in hexadecimal): whose certificates it speaks of. */
  readonly issuerKey: string;
  readonly number: number;
  /** Unix seconds. */
  readonly thisUpdate: number;
  /** Unix seconds; from then on it says nothing any more. */
  readonly nextUpdate: number;
  readonly revoked: ReadonlyMap<string, Revocation>;
}

const refused = (reason: string): GridError =>
  new GridError('GTX-PRV-031', `The revocation list is refused: ${reason}`, {
    hint: 'Fetch it again from its authority.',
  });

/** Reads a DER revocation list of an issuer. Throws GTX-PRV-030 for what is none, GTX-PRV-031 for a forged one. */
export function readRevocationList(encoded: Uint8Array, issuerCertificate: Uint8Array): RevocationList {
  const [body, , signature] = within(elementOf(encoded));
  const issuer = readCertificate(issuerCertificate);
  const key = createPublicKey({ key: Buffer.from(issuer.spki), format: 'der', type: 'spki' });
  const fields = within(body);
  if (smallInteger(fields[0]) !== 1) throw refused('it is not of version 2');
  const [, , name, thisUpdate, nextUpdate, ...rest] = fields;
  if (body === undefined || name === undefined || Buffer.compare(name.encoded, issuer.subject) !== 0) {
    throw refused('it is of another issuer');
  }
  if (!verify('sha256', body.encoded, key, bitsOf(signature))) throw refused('its signature does not hold');
  const last = rest.find(({ tag }) => tag === 0xa0);
  const extensions = last === undefined ? new Map<never, never>() : readExtensions(within(last, 0xa0)[0]);
  const unknown = [...extensions].find(([, { critical }]) => critical);
  // A critical extension narrows the list (RFC 5280 §5.2): read without it, revoked certificates would pass.
  if (unknown !== undefined) throw refused(`its critical extension ${unknown[0]} is not understood`);
  const number = extensions.get(extensionIds.crlNumber);
  if (number === undefined) throw refused('it has no number');
  const entries = rest.find(({ tag }) => tag === 0x30);
  return {
    issuerKey: Buffer.from(issuer.spki).toString('hex'),
    number: smallInteger(elementOf(number.value)),
    thisUpdate: timeOf(thisUpdate),
    nextUpdate: timeOf(nextUpdate),
    revoked: new Map(
      (entries === undefined ? [] : within(entries)).map(readEntry).map((entry) => [entry.number, entry]),
    ),
  };
}

function readEntry(entry: Parameters<typeof within>[0]): Revocation {
  const [number, at, more] = within(entry);
  const reason = more === undefined ? undefined : readExtensions(more).get(extensionIds.reasonCode);
  return {
    number: integerHex(number),
    at: timeOf(at) as UnixSeconds,
    reason: reason === undefined ? 'unspecified' : reasonNamed(smallInteger(elementOf(reason.value), 0x0a)),
  };
}
