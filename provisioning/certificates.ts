// Must come first: @peculiar/x509 registers its types through it.
import 'reflect-metadata';
import { type KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { type Der, ipOctets, objectIdentifier, octetString, sequence, tlv } from './der.ts';
import { hardwareModuleName, hardwareType, policies } from './object-identifiers.ts';

/** A certificate authority's certificate and key, as far as issuing needs them. */
export interface Issuer {
  readonly certificate: Der;
  readonly privateKey: KeyObject;
}

const subjectAlternativeName = '2.5.29.17';
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A time that means "no expiry" (RFC 5280 §4.1.2.5); all certificates of IEEE 2030.5 bear it. */
const never = new Date('9999-12-31T23:59:59Z');

const { KeyUsageFlags: usage } = x509;
const signingKey = (key: KeyObject): webcrypto.CryptoKey => key.toCryptoKey(algorithm, false, ['sign']);
const spkiOf = (publicKey: KeyObject): Der => Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' }));

/** 127 random bits, positive and never zero. */
const serialNumber = (): string => {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString('hex');
};

export interface AuthorityRequest {
  /** The certificate's common name, unique among the campus's authorities. */
  readonly name: string;
  readonly publicKey: KeyObject;
  /** How many authorities may stand below it (pathLenConstraint). */
  readonly pathLength: number;
  readonly notBefore: Date;
}

/**
 * An authority's certificate: root (SERCA) without an `issuer`, else policy (MCA) or issuing (MICA). P-256,
 * ecdsa-with-SHA256, critical basicConstraints and keyUsage keyCertSign and cRLSign (IEEE 2030.5-2018 §8.11).
 */
export async function issueAuthority(
  request: AuthorityRequest,
  issuer: Issuer | { privateKey: KeyObject },
): Promise<Der> {
  const parent = 'certificate' in issuer ? new x509.X509Certificate(issuer.certificate) : undefined;
  const subject: x509.JsonName = [{ O: ['GridTokenX'] }, { CN: [request.name] }];
  const key = new x509.PublicKey(spkiOf(request.publicKey));
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(true, request.pathLength, true),
    new x509.KeyUsagesExtension(usage.keyCertSign | usage.cRLSign, true),
    await x509.SubjectKeyIdentifierExtension.create(key, false, webcrypto),
  ];
  if (parent !== undefined) {
    extensions.push(
      new x509.CertificatePolicyExtension([policies.any], true),
      await x509.AuthorityKeyIdentifierExtension.create(parent.publicKey, false, webcrypto),
    );
  }
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject,
      issuer: parent?.subjectName.toJSON() ?? subject,
      notBefore: request.notBefore,
      notAfter: never,
      publicKey: key,
      signingKey: signingKey(issuer.privateKey),
      signingAlgorithm: algorithm,
      extensions,
    },
    webcrypto,
  );
  return new Uint8Array(certificate.rawData);
}

export interface DeviceRequest {
  /** The hardware's serial number (hwSerialNum): what it is called, not the certificate's own number. */
  readonly serial: string;
  readonly publicKey: KeyObject;
  /** The policies it is issued under: `policies` names them. */
  readonly policies: readonly string[];
  /** DNS names and IP addresses under which a server is reached; none for a board. */
  readonly hosts: readonly string[];
  readonly notBefore: Date;
}

/**
 * A device certificate with the profile of IEEE 2030.5-2018 §8.11: empty subject, no expiry, critical keyUsage
 * digitalSignature and keyAgreement, critical subjectAltName with a HardwareModuleName (RFC 4108 §5), critical
 * certificatePolicies. A server's has its hosts beside the module's name.
 */
export async function issueDevice(request: DeviceRequest, issuer: Issuer): Promise<Der> {
  const parent = new x509.X509Certificate(issuer.certificate);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: '',
      issuer: parent.subjectName.toJSON(),
      notBefore: request.notBefore,
      notAfter: never,
      publicKey: new x509.PublicKey(spkiOf(request.publicKey)),
      signingKey: signingKey(issuer.privateKey),
      signingAlgorithm: algorithm,
      extensions: [
        new x509.KeyUsagesExtension(usage.digitalSignature | usage.keyAgreement, true),
        new x509.Extension(subjectAlternativeName, true, alternativeNames(request.serial, request.hosts)),
        new x509.CertificatePolicyExtension([...request.policies], true),
        await x509.AuthorityKeyIdentifierExtension.create(parent.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return new Uint8Array(certificate.rawData);
}

/** GeneralNames (RFC 5280 §4.2.1.6): otherName [0] HardwareModuleName, dNSName [2], iPAddress [7]. */
function alternativeNames(serial: string, hosts: readonly string[]): Der {
  const module = sequence(objectIdentifier(hardwareType), octetString(Buffer.from(serial, 'utf8')));
  const names = hosts.map((host) =>
    isIP(host) === 0 ? tlv(0x82, Buffer.from(host, 'ascii')) : tlv(0x87, ipOctets(host)),
  );
  return sequence(tlv(0xa0, objectIdentifier(hardwareModuleName), tlv(0xa0, module)), ...names);
}

/** The public key of a certificate request (PKCS#10), whose signature is checked; undefined where it does not hold. */
export async function keyOfRequest(csr: string | Uint8Array): Promise<Der | undefined> {
  const request = new x509.Pkcs10CertificateRequest(typeof csr === 'string' ? csr : Uint8Array.from(csr));
  return (await request.verify(webcrypto)) ? new Uint8Array(request.publicKey.rawData) : undefined;
}
