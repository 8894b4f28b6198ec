import { createPublicKey, type JsonWebKey, type KeyObject, verify, X509Certificate } from 'node:crypto';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { SigningKey } from '#hal/key-store.ts';

/** JSON that says one thing in one way: the keys in order, no spaces, numbers as ECMAScript writes them (RFC 8785). */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`);
  return `{${members.join(',')}}`;
}

/** Who signs: a key, and the certificates that speak for it, its own first; none where the board has none yet. */
export interface ReportSigner {
  readonly key: SigningKey;
  readonly chain: readonly X509Certificate[];
}

/**
 * A report and its signature: a JWS with a detached payload (RFC 7515 appendix F), which is the canonical JSON of
 * `report`, signed with ES256.
 */
export interface SignedReport<Report = unknown> {
  readonly report: Report;
  /** The protected header, base64url. */
  readonly protected: string;
  readonly signature: string;
}

const base64url = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url');
const type = 'gridtokenx-report';

/** Signs a report as it will be read back. Rejects as the key does. */
export async function signReport<Report>(report: Report, { key, chain }: ReportSigner): Promise<SignedReport<Report>> {
  const who =
    chain.length > 0
      ? { x5c: chain.map(({ raw }) => raw.toString('base64')) }
      : { jwk: key.publicKey.export({ format: 'jwk' }) };
  const header = base64url(canonicalJson({ alg: 'ES256', typ: type, ...who }));
  const signature = await key.sign(signedBytes(header, report));
  return { report, protected: header, signature: base64url(signature) };
}

const signedBytes = (header: string, report: unknown): Buffer =>
  Buffer.from(`${header}.${base64url(canonicalJson(report))}`, 'ascii');

/** Whose signature a report bears. */
export interface ReportSignature {
  readonly publicKey: KeyObject;
  /** Of the signer, its own first; empty where no certificate speaks for the key. */
  readonly chain: readonly X509Certificate[];
}

const signedSchema = Type.Object({
  report: Type.Object({}),
  protected: Type.String({ pattern: '^[A-Za-z0-9_-]+$' }),
  signature: Type.String({ pattern: '^[A-Za-z0-9_-]{86}$' }),
});
const headerSchema = Type.Object({
  alg: Type.Literal('ES256'),
  typ: Type.Literal(type),
  x5c: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 5 })),
  jwk: Type.Optional(
    Type.Object({ kty: Type.Literal('EC'), crv: Type.Literal('P-256'), x: Type.String(), y: Type.String() }),
  ),
});

/**
 * Checks a signed report, as it was parsed from its file, and says who signed it; whether that is to be trusted is for
 * the caller. Throws GTX-RPT-001 for what is no signed report, GTX-RPT-002 for a signature that does not hold.
 */
export function checkSignedReport(file: unknown): ReportSignature {
  if (!Value.Check(signedSchema, file)) throw noReport('it lacks report, protected or signature');
  const signature = signerIn(file.protected);
  const bytes = signedBytes(file.protected, file.report);
  const key = { key: signature.publicKey, dsaEncoding: 'ieee-p1363' } as const;
  if (verify('sha256', bytes, key, Buffer.from(file.signature, 'base64url'))) return signature;
  throw new GridError('GTX-RPT-002', 'The signature does not hold: the report was changed after it was signed', {
    hint: 'Ask for the file as the board wrote it.',
  });
}

function signerIn(header: string): ReportSignature {
  try {
    const value: unknown = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
    if (!Value.Check(headerSchema, value)) throw noReport('its header is not that of a report');
    const chain = (value.x5c ?? []).map((der) => new X509Certificate(Buffer.from(der, 'base64')));
    const [own] = chain;
    if (own !== undefined) return { publicKey: onP256(own.publicKey), chain };
    if (value.jwk === undefined) throw noReport('its header names no key');
    const jwk: JsonWebKey = value.jwk;
    return { publicKey: createPublicKey({ key: jwk, format: 'jwk' }), chain };
  } catch (error) {
    throw error instanceof GridError ? error : noReport(reasonOf(error), error);
  }
}

function onP256(key: KeyObject): KeyObject {
  if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  throw noReport('its key is not on P-256');
}

const noReport = (reason: string, cause?: unknown): GridError =>
  new GridError('GTX-RPT-001', `This is no signed report: ${reason}`, {
    kind: 'input',
    hint: 'Give the JSON file that `gridtokenx commission ct` wrote.',
    cause,
  });
