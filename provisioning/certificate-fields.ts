import { GridError } from '#hal/errors.ts';
import {
  bitsOf,
  contentOf,
  type Element,
  elementOf,
  identifierOf,
  integerHex,
  smallInteger,
  timeOf,
  within,
} from './der-reader.ts';
import { extensionIds, hardwareModuleName } from './object-identifiers.ts';

/** A certificate taken apart (RFC 5280 §4.1); its signature is not checked here. */
export interface CertificateFields {
  readonly encoded: Uint8Array;
  readonly toBeSigned: Uint8Array;
  /** The certificate's own number, in hexadecimal. */
  readonly number: string;
  readonly signatureAlgorithm: string;
  /** Distinguished names, encoded. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** Unix seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo, encoded. */
  readonly spki: Uint8Array;
  readonly extensions: ReadonlyMap<string, CertificateExtension>;
  readonly signature: Uint8Array;
}

export interface CertificateExtension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** Takes a DER certificate apart. Throws GTX-PRV-030 for what is none. */
export function readCertificate(encoded: Uint8Array): CertificateFields {
  const [body, algorithm, signature, ...beyond] = within(elementOf(encoded));
  const fields = within(body);
  // Not covered by the signature: left unchecked, one certificate could be written in several ways, each with an LFDI
  // of its own.
  const isUnsigned = beyond.length > 0 || Buffer.compare(encodedSequence(fields[2]), encodedSequence(algorithm)) !== 0;
  if (isUnsigned) throw new GridError('GTX-PRV-030', 'This is not DER: a certificate with unsigned additions');
  // Version 1 certificates have none written: they have no extensions and cannot be ours.
  const version = smallInteger(within(fields[0], 0xa0)[0]);
  const [notBefore, notAfter] = within(fields[4]);
  const last = fields.slice(7).find(({ tag }) => tag === 0xa3);
  return {
    encoded,
    toBeSigned: body!.encoded,
    number: integerHex(fields[1]),
    signatureAlgorithm: identifierOf(within(algorithm)[0]),
    issuer: encodedSequence(fields[3]),
    subject: encodedSequence(fields[5]),
    notBefore: timeOf(notBefore),
    notAfter: timeOf(notAfter),
    spki: encodedSequence(fields[6]),
    extensions: version === 2 && last !== undefined ? readExtensions(within(last, 0xa3)[0]) : new Map(),
    signature: bitsOf(signature),
  };
}

function encodedSequence(element: Element | undefined): Uint8Array {
  contentOf(element, 0x30);
  return element!.encoded;
}

/** Extensions of a certificate, a revocation list or an OCSP request. Throws GTX-PRV-030 where one stands twice. */
export function readExtensions(list: Element | undefined): Map<string, CertificateExtension> {
  const extensions = new Map<string, CertificateExtension>();
  for (const item of within(list)) {
    const [id, ...rest] = within(item);
    const critical = rest[0]?.tag === 0x01 && contentOf(rest[0], 0x01)[0] !== 0;
    const name = identifierOf(id);
    // RFC 5280 §4.2: another reader may go by the one that this one passes over.
    if (extensions.has(name)) throw new GridError('GTX-PRV-030', `This is not DER: the extension ${name} stands twice`);
    extensions.set(name, { critical, value: contentOf(rest.at(-1), 0x04) });
  }
  return extensions;
}

/** The key itself within a SubjectPublicKeyInfo: what key identifiers are made of. */
export const publicKeyBits = (spki: Uint8Array): Uint8Array => bitsOf(within(elementOf(spki))[1]);

/** AlgorithmIdentifier of a key on P-256: id-ecPublicKey, prime256v1 (RFC 5480 §2.1.1). */
const onP256 = Buffer.from('301306072a8648ce3d020106082a8648ce3d030107', 'hex');

/** Whether a SubjectPublicKeyInfo is of a key on P-256. */
export const isOnP256 = (spki: Uint8Array): boolean => onP256.equals(within(elementOf(spki))[0]?.encoded ?? spki);

type Extensions = CertificateFields['extensions'];

/** basicConstraints; undefined where it is absent. */
export function basicConstraints(extensions: Extensions): { ca: boolean; pathLength: number } | undefined {
  const found = extensions.get(extensionIds.basicConstraints);
  if (found === undefined) return undefined;
  const [first, second] = within(elementOf(found.value));
  if (first?.tag !== 0x01) return { ca: false, pathLength: 0 };
  const ca = contentOf(first, 0x01)[0] !== 0;
  return { ca, pathLength: second === undefined ? Number.POSITIVE_INFINITY : smallInteger(second) };
}

/** Bits of keyUsage (RFC 5280 §4.2.1.3) in its first octet. */
export const keyUsageBits = { digitalSignature: 0x80, keyAgreement: 0x08, keyCertSign: 0x04, cRLSign: 0x02 } as const;

/** keyUsage's first octet; undefined where it is absent. */
export function keyUsage(extensions: Extensions): number | undefined {
  const found = extensions.get(extensionIds.keyUsage);
  // Named bits: the first octet counts those that are unused.
  return found === undefined ? undefined : (contentOf(elementOf(found.value), 0x03)[1] ?? 0);
}

/** The extended key usages; undefined where every use is allowed. */
export function extendedKeyUsage(extensions: Extensions): string[] | undefined {
  const found = extensions.get(extensionIds.extendedKeyUsage);
  return found === undefined ? undefined : within(elementOf(found.value)).map(identifierOf);
}

/** The policies that a certificate is issued under. */
export function certificatePolicies(extensions: Extensions): string[] {
  const found = extensions.get(extensionIds.certificatePolicies);
  return found === undefined ? [] : within(elementOf(found.value)).map((item) => identifierOf(within(item)[0]));
}

/** Who a subjectAltName says it is. */
export interface AlternativeNames {
  /** The hardware's type and serial number (RFC 4108 §5). */
  readonly hardware?: { readonly type: string; readonly serial: string };
  readonly hosts: readonly string[];
}

export function alternativeNames(extensions: Extensions): AlternativeNames {
  const found = extensions.get(extensionIds.subjectAlternativeName);
  let hardware: AlternativeNames['hardware'];
  const hosts: string[] = [];
  for (const name of found === undefined ? [] : within(elementOf(found.value))) {
    if (name.tag === 0x82) hosts.push(Buffer.from(name.content).toString('latin1'));
    else if (name.tag === 0x87) hosts.push(addressText(name.content));
    else if (name.tag === 0xa0) hardware ??= hardwareOf(name);
  }
  return { ...(hardware !== undefined && { hardware }), hosts };
}

function hardwareOf(name: Element): AlternativeNames['hardware'] {
  const [id, value] = within(name, 0xa0);
  if (identifierOf(id) !== hardwareModuleName) return undefined;
  const [type, serial] = within(within(value, 0xa0)[0]);
  return { type: identifierOf(type), serial: Buffer.from(contentOf(serial, 0x04)).toString('utf8') };
}

function addressText(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.');
  const groups = Buffer.from(octets).toString('hex').match(/.{4}/g) ?? [];
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
