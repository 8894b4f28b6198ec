import { createHash, type KeyObject, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import type { UnixSeconds } from '#hal/units.ts';
import { type CertificateFields, publicKeyBits, readCertificate } from './certificate-fields.ts';
import {
  bitString,
  boolean,
  type Der,
  integer,
  ipOctets,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  tlv,
  utf8String,
} from './der.ts';
import {
  accessMethods,
  extendedKeyUsages,
  extensionIds,
  hardwareModuleName,
  hardwareType,
  nameAttributes,
  policies,
} from './object-identifiers.ts';
import { algorithmOf, type Signer, signed } from './signer.ts';

/** A certificate authority's certificate and what signs with its key. */
export interface Issuer {
  readonly certificate: Uint8Array;
  readonly signer: Signer;
}

/** 9999-12-31T23:59:59Z means "no expiry" (RFC 5280 §4.1.2.5); certificates of IEEE 2030.5 bear it. */
export const never = 253_402_300_799 as UnixSeconds;

export interface Validity {
  readonly notBefore: UnixSeconds;
  readonly notAfter: UnixSeconds;
}

export interface AuthorityRequest extends Validity {
  /** The certificate's common name, unique among the campus's authorities. */
  readonly name: string;
  readonly publicKey: KeyObject;
  /** How many authorities may stand below it (pathLenConstraint). */
  readonly pathLength: number;
  readonly revocation?: RevocationAddresses;
}

/** Where a certificate says that its revocation is asked after. */
export interface RevocationAddresses {
  /** The list of its issuer, `http://…/crl/issuing.crl`. */
  readonly list: string;
  /** The OCSP responder; for device and server certificates. */
  readonly responder?: string;
}

/**
 * An authority's certificate: root (SERCA) without an `issuer`, else policy (MCA) or issuing (MICA), signed with
 * SHA-256; critical basicConstraints and keyUsage keyCertSign and cRLSign (IEEE 2030.5-2018 §8.11).
 */
export function issueAuthority(request: AuthorityRequest, issuer: Issuer | { readonly signer: Signer }): Promise<Der> {
  const parent = 'certificate' in issuer ? readCertificate(issuer.certificate) : undefined;
  const subject = sequence(namePart('O', 'GridTokenX'), namePart('CN', request.name));
  const extensions = [
    extension('basicConstraints', sequence(boolean(true), integer(request.pathLength)), true),
    extension('keyUsage', bitString(Uint8Array.of(0x06), 1), true),
    extension('subjectKeyIdentifier', octetString(keyIdentifier(request.publicKey))),
    ...(parent === undefined
      ? []
      : [
          extension('certificatePolicies', sequence(sequence(objectIdentifier(policies.any))), true),
          authorityKeyIdentifier(parent),
        ]),
    ...revocationExtensions(request.revocation),
  ];
  const parts = { ...request, subject, issuer: parent?.subject ?? subject, extensions };
  return certificate(parts, issuer.signer);
}

export interface DeviceRequest extends Validity {
  /** The hardware's serial number (hwSerialNum): what it is called, not the certificate's own number. */
  readonly serial: string;
  readonly publicKey: KeyObject;
  /** The policies it is issued under: `policies` names them. */
  readonly policies: readonly string[];
  /** DNS names and IP addresses under which a server is reached; none for a board. */
  readonly hosts: readonly string[];
  readonly revocation?: RevocationAddresses;
}

/**
 * A device certificate with the profile of IEEE 2030.5-2018 §8.11: empty subject, critical keyUsage digitalSignature
 * and keyAgreement, critical subjectAltName with a HardwareModuleName (RFC 4108 §5), critical certificatePolicies. A
 * server's has its hosts beside the module's name.
 */
export function issueDevice(request: DeviceRequest, issuer: Issuer): Promise<Der> {
  const parent = readCertificate(issuer.certificate);
  const module = sequence(objectIdentifier(hardwareType), octetString(Buffer.from(request.serial, 'utf8')));
  const moduleName = tlv(0xa0, objectIdentifier(hardwareModuleName), tlv(0xa0, module));
  const policyInformation = request.policies.map((policy) => sequence(objectIdentifier(policy)));
  const extensions = [
    extension('keyUsage', bitString(Uint8Array.of(0x88), 3), true),
    extension('subjectAlternativeName', sequence(moduleName, ...request.hosts.map(hostName)), true),
    extension('certificatePolicies', sequence(...policyInformation), true),
    authorityKeyIdentifier(parent),
    ...revocationExtensions(request.revocation),
  ];
  return certificate({ ...request, subject: sequence(), issuer: parent.subject, extensions }, issuer.signer);
}

export interface ServerRequest extends Validity {
  readonly publicKey: KeyObject;
  /** DNS names and IP addresses, at least one. */
  readonly hosts: readonly string[];
  readonly revocation?: RevocationAddresses;
}

/** A certificate for a REST server, as browsers and HTTP clients expect one (RFC 9525): serverAuth, its hosts. */
export function issueServer(request: ServerRequest, issuer: Issuer): Promise<Der> {
  const parent = readCertificate(issuer.certificate);
  const extensions = [
    extension('keyUsage', bitString(Uint8Array.of(0x80), 7), true),
    extension('extendedKeyUsage', sequence(objectIdentifier(extendedKeyUsages.server))),
    // Critical, for the subject is empty (RFC 5280 §4.2.1.6).
    extension('subjectAlternativeName', sequence(...request.hosts.map(hostName)), true),
    authorityKeyIdentifier(parent),
    ...revocationExtensions(request.revocation),
  ];
  return certificate({ ...request, subject: sequence(), issuer: parent.subject, extensions }, issuer.signer);
}

interface CertificateParts extends Validity {
  readonly subject: Uint8Array;
  readonly issuer: Uint8Array;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Der[];
}

function certificate(parts: CertificateParts, signer: Signer): Promise<Der> {
  const toBeSigned = sequence(
    tlv(0xa0, integer(2)),
    integer(serialNumber()),
    algorithmOf(signer),
    parts.issuer,
    sequence(time(parts.notBefore), time(parts.notAfter)),
    parts.subject,
    spkiOf(parts.publicKey),
    tlv(0xa3, sequence(...parts.extensions)),
  );
  return signed(toBeSigned, signer);
}

/** 127 random bits, positive and never zero. */
function serialNumber(): Uint8Array {
  const octets = randomBytes(16);
  octets[0] = (octets[0]! & 0x3f) | 0x40;
  return octets;
}

const spkiOf = (publicKey: KeyObject): Uint8Array => publicKey.export({ type: 'spki', format: 'der' });

/** RFC 5280 §4.2.1.2, method 1. */
const keyIdentifier = (publicKey: KeyObject): Uint8Array =>
  createHash('sha1')
    .update(publicKeyBits(spkiOf(publicKey)))
    .digest();

const authorityKeyIdentifier = (parent: CertificateFields): Der => {
  const identifier = createHash('sha1').update(publicKeyBits(parent.spki)).digest();
  return extension('authorityKeyIdentifier', sequence(tlv(0x80, identifier)));
};

export const extension = (id: keyof typeof extensionIds, value: Uint8Array, critical = false): Der =>
  sequence(objectIdentifier(extensionIds[id]), ...(critical ? [boolean(true)] : []), octetString(value));

const namePart = (attribute: keyof typeof nameAttributes, value: string): Der =>
  setOf(sequence(objectIdentifier(nameAttributes[attribute]), utf8String(value)));

/** GeneralName (RFC 5280 §4.2.1.6): dNSName [2] or iPAddress [7]. */
const hostName = (host: string): Der =>
  isIP(host) === 0 ? tlv(0x82, Buffer.from(host, 'ascii')) : tlv(0x87, ipOctets(host));

const uri = (address: string): Der => tlv(0x86, Buffer.from(address, 'ascii'));

function revocationExtensions(addresses: RevocationAddresses | undefined): Der[] {
  if (addresses === undefined) return [];
  const { list, responder } = addresses;
  return [
    extension('crlDistributionPoints', sequence(sequence(tlv(0xa0, tlv(0xa0, uri(list)))))),
    ...(responder === undefined
      ? []
      : [
          extension(
            'authorityInformationAccess',
            sequence(sequence(objectIdentifier(accessMethods.ocsp), uri(responder))),
          ),
        ]),
  ];
}
