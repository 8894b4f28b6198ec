import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from 'node:crypto';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder, writeFailed, writeFileAtomic } from '#hal/atomic-file.ts';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import { wallSeconds } from '#hal/wall.ts';
import type { Issuer } from './certificates.ts';
import { certificatePem, privateKeyPem } from './pem.ts';
import { policies } from './object-identifiers.ts';

/** From the trust anchor down, as IEEE 2030.5 names them: SERCA, MCA, MICA. */
const levels = ['root', 'policy', 'issuing'] as const;
type Level = (typeof levels)[number];

/** A certificate is valid from so many seconds ago: a board's clock may lag until it has met its head-end. */
const backdatedBy = 3600;

export interface DeviceOrder {
  /** The hardware's serial number, 1 to 64 bytes of UTF-8. */
  readonly serial: string;
  /** The device's public key, on P-256. */
  readonly publicKey: KeyObject;
  /** Where its private key lives; a software key is marked in the certificate's policies. */
  readonly keyIn: 'file' | 'elsewhere';
  /** DNS names and IP addresses, for a server. */
  readonly hosts?: readonly string[];
}

export interface IssuedCertificate {
  readonly der: Uint8Array;
  /** The certificate and those above it, without the root: what a peer is shown. */
  readonly chainPem: string;
}

/**
 * The certificate authority of one campus: root → policy → issuing, in one folder (0700) of PEM files, the keys
 * 0600 and not encrypted. Only the issuing key is read in daily use.
 */
export class CertificateAuthority {
  readonly folder: string;
  readonly #certificates: Readonly<Record<Level, X509Certificate>>;
  #issuer: Promise<Issuer> | undefined;

  private constructor(folder: string, certificates: Readonly<Record<Level, X509Certificate>>) {
    this.folder = folder;
    this.#certificates = certificates;
  }

  /** Opens the authority of a folder. Throws GTX-PRV-001 where there is none, GTX-PRV-002 where it is damaged. */
  static async open(folder: string): Promise<CertificateAuthority> {
    if (!(await exists(folder))) {
      throw new GridError('GTX-PRV-001', `There is no certificate authority in ${folder}`, {
        kind: 'input',
        hint: `\`gridtokenx provision ca init --out ${folder}\` makes one.`,
      });
    }
    const [root, policy, issuing] = await Promise.all(levels.map((level) => readCertificate(folder, level)));
    const certificates = { root: root!, policy: policy!, issuing: issuing! };
    const chained =
      issued(certificates.root, certificates.root) &&
      issued(certificates.policy, certificates.root) &&
      issued(certificates.issuing, certificates.policy);
    if (!chained) throw damaged(folder, 'its certificates are not a chain');
    return new CertificateAuthority(folder, certificates);
  }

  /** Makes a new authority. Throws GTX-PRV-003 where there is one already, GTX-HAL-020 where it cannot be written. */
  static async create(folder: string): Promise<CertificateAuthority> {
    if (await exists(folder)) {
      throw new GridError('GTX-PRV-003', `${folder} holds a certificate authority already`, {
        kind: 'input',
        hint: 'Choose another folder; nothing was changed.',
      });
    }
    await writeAuthority(folder);
    return CertificateAuthority.open(folder);
  }

  /** The authority of a folder, made there at the first call. Whole or absent after a crash, never half. */
  static async openOrCreate(folder: string): Promise<CertificateAuthority> {
    return (await exists(folder)) ? CertificateAuthority.open(folder) : CertificateAuthority.create(folder);
  }

  /** The trust anchor: what both ends are given to check each other with. */
  get rootPem(): string {
    return this.#certificates.root.toString();
  }

  /** Whether this authority issued a certificate. */
  issued(certificate: X509Certificate): boolean {
    return issued(certificate, this.#certificates.issuing);
  }

  /**
   * Issues a device's or a server's certificate. Throws GTX-PRV-004 for a key that is not on P-256 or a serial
   * number out of range.
   */
  async issueDevice(order: DeviceOrder): Promise<IssuedCertificate> {
    checkOrder(order);
    const { issueDevice } = await import('./certificates.ts');
    const der = await issueDevice(
      {
        serial: order.serial,
        publicKey: order.publicKey,
        hosts: order.hosts ?? [],
        policies: [
          policies.genericDevice,
          policies.testCertificate,
          ...(order.keyIn === 'file' ? [policies.softwareKey] : []),
        ],
        notBefore: validFrom(),
      },
      await this.#issuing(),
    );
    const { issuing, policy } = this.#certificates;
    return { der, chainPem: certificatePem(der) + issuing.toString() + policy.toString() };
  }

  #issuing(): Promise<Issuer> {
    this.#issuer ??= readIssuer(this.folder, this.#certificates.issuing);
    return this.#issuer;
  }
}

/** The public key of a certificate request (PKCS#10, PEM or DER). Throws GTX-PRV-005 for one that does not hold. */
export async function publicKeyOfRequest(csr: Uint8Array): Promise<KeyObject> {
  const { keyOfRequest } = await import('./certificates.ts');
  const text = Buffer.from(csr).toString('latin1');
  const key = await keyOfRequest(text.includes('-----BEGIN') ? text : csr).catch((error: unknown) => {
    throw refused(reasonOf(error), error);
  });
  if (key === undefined) throw refused('its signature does not match its key');
  return createPublicKey({ key: Buffer.from(key), format: 'der', type: 'spki' });
}

const refused = (reason: string, cause?: unknown): GridError =>
  new GridError('GTX-PRV-005', `The certificate request is refused: ${reason}`, {
    kind: 'input',
    hint: 'Give a PKCS#10 request with a P-256 key: `openssl req -new -key device.key -subj / -out device.csr`.',
    cause,
  });

const validFrom = (): Date => new Date((wallSeconds() - backdatedBy) * 1000);

const issued = (certificate: X509Certificate, by: X509Certificate): boolean =>
  certificate.checkIssued(by) && certificate.verify(by.publicKey);

const damaged = (folder: string, reason: string, cause?: unknown): GridError =>
  new GridError('GTX-PRV-002', `The certificate authority in ${folder} is damaged: ${reason}`, {
    hint: 'Bring the folder back from a backup: a new authority means new certificates for every board.',
    cause,
  });

/** The root's certificate stands for the whole: the folder comes into being in one rename. */
async function exists(folder: string): Promise<boolean> {
  try {
    await access(join(folder, 'root.pem'));
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return false;
    throw new GridError('GTX-PRV-006', `Cannot read ${folder}: ${reasonOf(error)}`, { cause: error });
  }
}

async function readCertificate(folder: string, level: Level): Promise<X509Certificate> {
  try {
    return new X509Certificate(await readFile(join(folder, `${level}.pem`)));
  } catch (error) {
    throw damaged(folder, `${level}.pem: ${reasonOf(error)}`, error);
  }
}

async function readIssuer(folder: string, certificate: X509Certificate): Promise<Issuer> {
  try {
    const privateKey = createPrivateKey(await readFile(join(folder, 'issuing.key')));
    if (certificate.checkPrivateKey(privateKey)) return { certificate: new Uint8Array(certificate.raw), privateKey };
  } catch (error) {
    throw damaged(folder, `issuing.key: ${reasonOf(error)}`, error);
  }
  throw damaged(folder, 'issuing.key is not the key of issuing.pem');
}

function checkOrder({ serial, publicKey }: DeviceOrder): void {
  const length = Buffer.byteLength(serial);
  if (length < 1 || length > 64) {
    throw new GridError('GTX-PRV-004', `A device's serial number has 1 to 64 bytes, not ${length}`, { kind: 'input' });
  }
  if (publicKey.asymmetricKeyType !== 'ec' || publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new GridError('GTX-PRV-004', 'IEEE 2030.5 allows keys on the curve P-256 only', {
      kind: 'input',
      hint: '`openssl ecparam -name prime256v1 -genkey -noout -out device.key` makes one.',
    });
  }
}

/** Writes all files into a folder beside, then renames it: a start that was killed leaves only what this removes. */
async function writeAuthority(folder: string): Promise<void> {
  const fresh = `${folder.replace(/\/+$/, '')}.new`;
  try {
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh, { recursive: true, mode: 0o700 });
    for (const [name, content, mode] of await newAuthorityFiles())
      await writeFileAtomic(join(fresh, name), content, mode);
    await rename(fresh, folder);
    await syncFolder(dirname(fresh));
  } catch (error) {
    throw error instanceof GridError ? error : writeFailed(folder, error);
  }
}

async function newAuthorityFiles(): Promise<(readonly [string, string, number])[]> {
  const { issueAuthority } = await import('./certificates.ts');
  const campus = randomBytes(4).toString('hex');
  const files: (readonly [string, string, number])[] = [];
  let above: Issuer | undefined;
  for (const [depth, level] of levels.entries()) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const request = { name: `GridTokenX ${level} ${campus}`, publicKey, pathLength: 2 - depth, notBefore: validFrom() };
    const certificate: Uint8Array<ArrayBuffer> = await issueAuthority(request, above ?? { privateKey });
    files.push(
      [`${level}.pem`, certificatePem(certificate), 0o644],
      [`${level}.key`, privateKeyPem(privateKey), 0o600],
    );
    above = { certificate, privateKey };
  }
  return files;
}
