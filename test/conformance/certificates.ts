// Must come first: @peculiar/x509 registers its types through it.
import 'reflect-metadata';
import { generateKeyPairSync, type KeyObject, randomBytes, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  CertificatePolicyExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
/** IEEE 2030.5-2018 §6.11.7.2: a certificate does not expire. */
const never = new Date('9999-12-31T23:59:59Z');
const since = new Date('2020-01-01T00:00:00Z');

/** A certificate with the key that is its own. */
export interface Certified {
  readonly certificate: X509Certificate;
  readonly privateKey: KeyObject;
}

/** What issues: `name` is who the issued certificate says that it is from, its subject unless told. */
export interface CertificateIssuer extends Certified {
  readonly name?: string;
}

/** A certificate for a new key, made by another library than the one under test; without an issuer by its own key. */
export async function issue(
  subject: string,
  extensions: readonly Extension[],
  issuer?: CertificateIssuer,
): Promise<Certified> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: randomBytes(8).toString('hex').replace(/^./, '1'),
      subject,
      issuer: issuer === undefined ? subject : (issuer.name ?? issuer.certificate.subjectName.toJSON()),
      notBefore: since,
      notAfter: never,
      publicKey: publicKey.toCryptoKey(algorithm, true, ['verify']),
      signingKey: (issuer?.privateKey ?? privateKey).toCryptoKey(algorithm, false, ['sign']),
      signingAlgorithm: algorithm,
      extensions: [...extensions],
    },
    webcrypto,
  );
  return { certificate, privateKey };
}

/** Of an authority below which so many more may stand; any number unless told. */
export const authorityExtensions = (pathLength?: number): readonly Extension[] => [
  new BasicConstraintsExtension(true, pathLength, true),
  new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
  // anyPolicy
  new CertificatePolicyExtension(['2.5.29.32.0'], true),
];

/** Of a device or server: what its key is for, and the policy that it was issued under (§6.11.7.2, §8.11). */
export const ownExtensions = (policy: string): readonly Extension[] => [
  new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyAgreement, true),
  new CertificatePolicyExtension([policy], true),
];

/** Certificates one below the other, as one PEM text. */
export const chainPem = (chain: readonly Certified[]): string =>
  chain.map(({ certificate }) => `${certificate.toString('pem')}\n`).join('');

export const keyPem = ({ privateKey }: Certified): string =>
  String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
