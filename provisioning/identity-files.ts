import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  type X509Certificate,
} from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { writeFailed, writeFileAtomic } from '#hal/atomic-file.ts';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import { type Lfdi, lfdiOf, type Sfdi, sfdiOf } from '#ieee2030_5/identity.ts';
import { numberOf } from './authority-folder.ts';
import type { CertificateAuthority, IssuedCertificate } from './ca.ts';
import { certificatesOf, privateKeyPem } from './pem.ts';

/** What a device or a server needs for TLS, and who it is by it. */
export interface DeviceIdentity {
  /** Its certificate and those above it, without the root. */
  readonly certificatePem: string;
  readonly keyPem: string;
  /** The root that it trusts. */
  readonly caPem: string;
  readonly lfdi: Lfdi;
  readonly sfdi: Sfdi;
}

/** The names of an identity's files within its folder. */
export const identityFiles = {
  chain: 'device.pem',
  key: 'device.key',
  certificate: 'device.der',
  root: 'ca.pem',
} as const;

export interface IdentityRequest {
  readonly ca: CertificateAuthority;
  /** The hardware's serial number: a board's meter id, or the server's name. */
  readonly serial: string;
  /** For a server: the DNS names and IP addresses under which it is reached. */
  readonly hosts?: readonly string[];
}

/** The identity in a folder. Throws GTX-PRV-010 where there is none, GTX-PRV-011 where its files do not fit. */
export async function loadIdentity(folder: string): Promise<DeviceIdentity> {
  const identity = await readIdentity(folder);
  if (identity !== undefined) return identity;
  throw new GridError('GTX-PRV-010', `There is no device identity in ${folder}`, {
    hint: '`gridtokenx provision issue` makes one.',
  });
}

/**
 * The identity in a folder, made at the first call with a key of its own in a file (0600). Calling it again
 * changes nothing, but that a server whose hosts have changed, and a device whose issuing authority was replaced, get
 * a new certificate for their key. A start that was killed goes on with the key it had made. Throws GTX-PRV-011 for an identity of another authority.
 */
export async function loadOrCreateIdentity(folder: string, request: IdentityRequest): Promise<DeviceIdentity> {
  const identity = await readIdentity(folder);
  if (identity !== undefined) {
    const [certificate] = certificatesOf(identity.certificatePem);
    const hosts = request.hosts ?? [];
    const isCurrent = certificate !== undefined && request.ca.issued(certificate);
    if (!isCurrent && (certificate === undefined || !request.ca.issuedBefore(certificate))) {
      throw unfit(folder, 'its certificate was issued by another authority');
    }
    const covered = hosts.every(
      (host) => (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined,
    );
    if (covered && isCurrent) return identity;
    if (covered) return await reissued(folder, identity, request.ca, certificate);
  }
  const privateKey = (await readKey(folder)) ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const { ca, serial, hosts } = request;
  const order = { serial, publicKey: createPublicKey(privateKey), keyIn: 'file' as const };
  const issued = await ca.issueDevice(hosts === undefined ? order : { ...order, hosts });
  await writeIdentity(folder, { issued, caPem: ca.rootPem, privateKey });
  return identityOf(issued.der, issued.chainPem, privateKeyPem(privateKey), ca.rootPem);
}

/** In place of one of an authority that was replaced; the authority's log says so, and the head-end knows the device. */
async function reissued(
  folder: string,
  { keyPem }: DeviceIdentity,
  ca: CertificateAuthority,
  certificate: X509Certificate,
): Promise<DeviceIdentity> {
  const issued = await ca.reissue({ certificate: certificate.raw, number: numberOf(certificate) });
  await writeIdentity(folder, { issued, caPem: ca.rootPem });
  return identityOf(issued.der, issued.chainPem, keyPem, ca.rootPem);
}

export interface IdentityParts {
  readonly issued: IssuedCertificate;
  readonly caPem: string;
  /** Absent where the device keeps its key to itself and sent a certificate request. */
  readonly privateKey?: KeyObject;
}

/** Writes an identity's files, the chain last: where it is, all are. */
export async function writeIdentity(folder: string, { issued, caPem, privateKey }: IdentityParts): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw writeFailed(folder, error);
  });
  if (privateKey !== undefined) {
    await writeFileAtomic(join(folder, identityFiles.key), privateKeyPem(privateKey), 0o600);
  }
  await writeFileAtomic(join(folder, identityFiles.root), caPem);
  await writeFileAtomic(join(folder, identityFiles.certificate), issued.der);
  await writeFileAtomic(join(folder, identityFiles.chain), issued.chainPem);
}

const unfit = (folder: string, reason: string, cause?: unknown): GridError =>
  new GridError('GTX-PRV-011', `The device identity in ${folder} cannot be used: ${reason}`, {
    hint: 'Move the folder away to have a new identity made, or bring it back from a backup.',
    cause,
  });

const identityOf = (der: Uint8Array, certificatePem: string, keyPem: string, caPem: string): DeviceIdentity => {
  const lfdi = lfdiOf(der);
  return { certificatePem, keyPem, caPem, lfdi, sfdi: sfdiOf(lfdi) };
};

async function readIdentity(folder: string): Promise<DeviceIdentity | undefined> {
  const certificatePem = await readOptional(folder, identityFiles.chain);
  if (certificatePem === undefined) return undefined;
  const keyPem = await readOptional(folder, identityFiles.key);
  const caPem = await readOptional(folder, identityFiles.root);
  if (keyPem === undefined || caPem === undefined) throw unfit(folder, 'device.key or ca.pem is missing');
  try {
    const [certificate] = certificatesOf(certificatePem);
    if (certificate?.checkPrivateKey(createPrivateKey(keyPem)) === true) {
      return identityOf(certificate.raw, certificatePem, keyPem, caPem);
    }
  } catch (error) {
    throw unfit(folder, reasonOf(error), error);
  }
  throw unfit(folder, 'device.key is not the key of device.pem');
}

async function readKey(folder: string): Promise<KeyObject | undefined> {
  const pem = await readOptional(folder, identityFiles.key);
  if (pem === undefined) return undefined;
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw unfit(folder, `device.key: ${reasonOf(error)}`, error);
  }
}

async function readOptional(folder: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, name), 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw unfit(folder, reasonOf(error), error);
  }
}
