import 'reflect-metadata';
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Extension, X509Certificate } from '@peculiar/x509';
import { authorityExtensions, type Certified, chainPem, issue, keyPem, ownExtensions } from '../../certificates.ts';
import { identifiersOf } from '../raw-client.ts';

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

/** A chain as a client shows it, and who it is by it. */
export interface Shown {
  /** Those between the root and the client's own, the highest first; PEM. */
  readonly authorities: readonly string[];
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly lfdi: string;
}

const authority = (pathLength: number, intruder: Intruder | undefined): readonly Extension[] => [
  ...authorityExtensions(pathLength),
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

/** Of a generic device. */
const deviceExtensions = [...ownExtensions('1.3.6.1.4.1.40732.1.1'), hardwareName];

/** The root that the server trusts, with its key: the authority of the tests keeps both in its folder. */
async function rootOf(folder: string): Promise<Certified> {
  const certificate = new X509Certificate(await readFile(join(folder, 'root.pem'), 'utf8'));
  return { certificate, privateKey: createPrivateKey(await readFile(join(folder, 'root.key'))) };
}

/**
 * A device certificate below the root of an authority's folder, with so many certificates in its chain, the root
 * counted: 2 the root issues it, 3 a MICA, 4 an MCA and a MICA (§6.11.8). An intruder is an extension of the MICA
 * that chains may not have.
 */
export async function chainOf(folder: string, length: 2 | 3 | 4, intruder?: Intruder): Promise<Shown> {
  const between: Certified[] = [];
  let above = await rootOf(folder);
  for (let left = length - 2; left > 0; left--) {
    above = await issue(`CN=level ${left}`, authority(left - 1, left === 1 ? intruder : undefined), above);
    between.unshift(above);
  }
  return shown(await issue('', deviceExtensions, above), between);
}

/** A device certificate that nobody but itself vouches for. */
export const selfSigned = async (): Promise<Shown> => shown(await issue('CN=self', deviceExtensions), []);

const shown = (own: Certified, between: readonly Certified[]): Shown => ({
  certificatePem: chainPem([own, ...between]),
  authorities: between.map((one) => chainPem([one])).toReversed(),
  keyPem: keyPem(own),
  lfdi: identifiersOf(new Uint8Array(own.certificate.rawData)).lfdi,
});
