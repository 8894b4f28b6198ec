import 'reflect-metadata';
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  CertificatePolicyExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { identifiersOf } from '../raw-client.ts';

const { subtle } = webcrypto;
const curve = { name: 'ECDSA', namedCurve: 'P-256' };
const signing = { name: 'ECDSA', hash: 'SHA-256' };

/** IEEE 2030.5-2018 §6.11.7.2: a device certificate does not expire. */
const never = new Date('9999-12-31T23:59:59Z');
const since = new Date('2020-01-01T00:00:00Z');

/** The extensions that a CA's certificate may not have as critical ones, DER. */
const intruders = {
  /** extKeyUsage serverAuth alone. */
  extendedKeyUsage: ['2.5.29.37', '300a06082b06010505070301'],
  /** A permitted subtree of directory names that no device is in. */
  nameConstraints: ['2.5.29.30', '3013a011300fa40d300b3109300706035504030c00'],
  /** One policy mapped to another. */
  policyMappings: ['2.5.29.33', '3018301606092b0601040182be1c0106092b0601040182be1c02'],
} as const;
export type Intruder = keyof typeof intruders;

interface Signer {
  readonly certificate: X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

/** A chain as a client shows it, and who it is by it. */
export interface Shown {
  /** Those between the root and the client's own, the highest first; PEM. */
  readonly authorities: readonly string[];
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly lfdi: string;
}

const importKey = async (key: KeyObject): Promise<webcrypto.CryptoKey> =>
  subtle.importKey('pkcs8', key.export({ type: 'pkcs8', format: 'der' }), curve, true, ['sign']);

const publicKeyOf = async (key: KeyObject): Promise<webcrypto.CryptoKey> =>
  subtle.importKey('spki', key.export({ type: 'spki', format: 'der' }), curve, true, ['verify']);

async function issue(
  above: Signer | undefined,
  name: string,
  extensions: readonly Extension[],
): Promise<Signer & { readonly keyPem: string }> {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = await importKey(pair.privateKey);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: randomBytes(8).toString('hex').replace(/^./, '1'),
    issuer: above === undefined ? name : above.certificate.subjectName.toJSON(),
    subject: name,
    notBefore: since,
    notAfter: never,
    signingAlgorithm: signing,
    publicKey: await publicKeyOf(pair.publicKey),
    signingKey: above?.key ?? key,
    extensions: [...extensions],
  });
  return { certificate, key, keyPem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

const authority = (pathLength: number, intruder: Intruder | undefined): Extension[] => [
  new BasicConstraintsExtension(true, pathLength, true),
  new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
  // anyPolicy
  new CertificatePolicyExtension(['2.5.29.32.0'], true),
  ...(intruder === undefined
    ? []
    : [new Extension(intruders[intruder][0], true, Buffer.from(intruders[intruder][1], 'hex'))]),
];

/** HardwareModuleName of the policy's test arc, as every device certificate has it. */
const hardwareName = new Extension(
  '2.5.29.17',
  true,
  Buffer.from(
    '3024a022060 82b06010505070804a016301406092b0601040182be1c0204 07636861696e2d31'.replaceAll(' ', ''),
    'hex',
  ),
);

const device = (): Extension[] => [
  new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyAgreement, true),
  // Generic device.
  new CertificatePolicyExtension(['1.3.6.1.4.1.40732.1.1'], true),
  hardwareName,
];

/** The root that the server trusts, with its key: the authority of the tests keeps both in its folder. */
async function rootOf(folder: string): Promise<Signer> {
  const certificate = new X509Certificate(await readFile(join(folder, 'root.pem'), 'utf8'));
  return { certificate, key: await importKey(createPrivateKey(await readFile(join(folder, 'root.key')))) };
}

/**
 * A device certificate below the root of an authority's folder, with so many certificates in its chain, the root
 * counted: 2 the root issues it, 3 a MICA, 4 an MCA and a MICA (§6.11.8). An intruder is an extension of the MICA
 * that chains may not have.
 */
export async function chainOf(folder: string, length: 2 | 3 | 4, intruder?: Intruder): Promise<Shown> {
  const between: Signer[] = [];
  let above = await rootOf(folder);
  for (let left = length - 2; left > 0; left--) {
    above = await issue(above, `CN=level ${left}`, authority(left - 1, left === 1 ? intruder : undefined));
    between.unshift(above);
  }
  const own = await issue(above, '', device());
  return shown(own, between);
}

/** A device certificate that nobody but itself vouches for. */
export const selfSigned = async (): Promise<Shown> => shown(await issue(undefined, 'CN=self', device()), []);

const pemOf = ({ certificate }: Signer): string => PemConverter.encode(certificate.rawData, 'CERTIFICATE');

const shown = (own: Signer & { readonly keyPem: string }, between: readonly Signer[]): Shown => ({
  certificatePem: [own, ...between].map(pemOf).join('\n'),
  authorities: between.map(pemOf).toReversed(),
  keyPem: own.keyPem,
  lfdi: identifiersOf(new Uint8Array(own.certificate.rawData)).lfdi,
});
