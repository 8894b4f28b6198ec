import {
  createHash,
  generateKeyPair,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { syncFolder, writeFailed, writeFileAtomic } from '#hal/atomic-file.ts';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import type { SigningKey } from '#hal/key-store.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { issueAuthority, type Issuer, never, type RevocationAddresses } from './certificates.ts';
import { encryptedKeyPem, isEncrypted, openKeyPem, type PassphraseSource } from './key-encryption.ts';
import { certificatePem, privateKeyPem } from './pem.ts';
import { keySigner, type Signer, storedSigner } from './signer.ts';

/** A certificate is valid from so many seconds ago: a board's clock may lag until it has met its head-end. */
const backdatedBy = 3600;
export const validFrom = (): UnixSeconds => (wallSeconds() - backdatedBy) as UnixSeconds;

const yearSeconds = 365 * 86_400;

export interface AuthorityOptions {
  /** Encrypts its keys, and opens them. A new authority's keys are not encrypted without one. */
  readonly passphrase?: PassphraseSource;
  /** The issuing key where it lies in a key store (a TPM) instead of a file. */
  readonly issuingKey?: SigningKey;
  /** Told before a key signs a certificate or a revocation list; where it rejects, nothing is signed. */
  readonly onKeyUse?: (use: KeyUse) => Promise<void>;
}

/** What one of the authority's keys is about to sign. */
export interface KeyUse {
  /** The authority whose key it is: `issuing`, `root`, … */
  readonly authority: string;
  readonly signs: 'certificate' | 'revocation list';
  /** The serial number of the device, or the first host of the server, that a certificate is for. */
  readonly subject?: string;
}

export interface NewAuthorityOptions extends AuthorityOptions {
  /** Where its revocation responder is reached (`http://ca.example:8081`); certificates say so. */
  readonly address?: string;
  /** A second chain for REST: a root with RSA-4096 and an issuing authority on P-256. */
  readonly restRoot?: 'rsa4096';
}

/** An authority's certificate, and the name of its files. */
export interface Authority {
  /** `root`, `policy`, `issuing`, `issuing-2`, …, `rest-root`, `rest-issuing`. */
  readonly name: string;
  readonly certificate: X509Certificate;
}

/** The certificates of an authority's folder, whose chain has been checked. */
export interface AuthorityFolder {
  readonly path: string;
  readonly address: string | undefined;
  readonly root: Authority;
  readonly policy: Authority;
  /** The one that issues now. */
  readonly issuing: Authority;
  /** Those that issued before it. */
  readonly retired: readonly Authority[];
  readonly rest: { readonly root: Authority; readonly issuing: Authority } | undefined;
}

export const isIssuedBy = (certificate: X509Certificate, by: X509Certificate): boolean =>
  certificate.checkIssued(by) && certificate.verify(by.publicKey);

/** The number of a certificate, in lower-case hexadecimal. */
export const numberOf = ({ serialNumber }: X509Certificate): string => serialNumber.toLowerCase();

const damaged = (folder: string, reason: string, cause?: unknown): GridError =>
  new GridError('GTX-PRV-002', `The certificate authority in ${folder} is damaged: ${reason}`, {
    hint: 'Bring the folder back from a backup: a new authority means new certificates for every board.',
    cause,
  });

/** The root's certificate stands for the whole: the folder comes into being in one rename. */
export async function hasAuthority(folder: string): Promise<boolean> {
  try {
    await access(join(folder, 'root.pem'));
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return false;
    throw new GridError('GTX-PRV-006', `Cannot read ${folder}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Reads the certificates of a folder. Throws GTX-PRV-001 where there is none, GTX-PRV-002 where it is damaged. */
export async function readAuthority(path: string): Promise<AuthorityFolder> {
  if (!(await hasAuthority(path))) {
    throw new GridError('GTX-PRV-001', `There is no certificate authority in ${path}`, {
      kind: 'input',
      hint: `\`gridtokenx provision ca init --out ${path}\` makes one.`,
    });
  }
  const read = async (name: string): Promise<Authority> => ({ name, certificate: await readCertificate(path, name) });
  const names = await readdir(path);
  const later = names.filter((name) => /^issuing-\d+\.pem$/.test(name)).length;
  const issuing = await Promise.all(Array.from({ length: later + 1 }, (_, i) => read(issuingName(i + 1))));
  const [root, policy] = [await read('root'), await read('policy')];
  const rest = names.includes('rest-root.pem')
    ? { root: await read('rest-root'), issuing: await read('rest-issuing') }
    : undefined;
  const links: (readonly [Authority, Authority])[] = [
    [root, root],
    [policy, root],
    ...issuing.map((one) => [one, policy] as const),
    ...(rest === undefined
      ? []
      : ([
          [rest.root, rest.root],
          [rest.issuing, rest.root],
        ] as const)),
  ];
  if (!links.every(([below, above]) => isIssuedBy(below.certificate, above.certificate))) {
    throw damaged(path, 'its certificates are not a chain');
  }
  const address = names.includes('authority.json') ? await readAddress(path) : undefined;
  return { path, address, root, policy, issuing: issuing.at(-1)!, retired: issuing.slice(0, -1), rest };
}

const issuingName = (generation: number): string => (generation === 1 ? 'issuing' : `issuing-${generation}`);

async function readCertificate(folder: string, name: string): Promise<X509Certificate> {
  try {
    return new X509Certificate(await readFile(join(folder, `${name}.pem`)));
  } catch (error) {
    throw damaged(folder, `${name}.pem: ${reasonOf(error)}`, error);
  }
}

async function readAddress(folder: string): Promise<string | undefined> {
  try {
    const { address } = JSON.parse(await readFile(join(folder, 'authority.json'), 'utf8')) as { address?: string };
    return address;
  } catch (error) {
    throw damaged(folder, `authority.json: ${reasonOf(error)}`, error);
  }
}

/** Which key a person is asked for, and what it is needed for. */
const offlineHint =
  'It may lie offline: bring it into the folder for this, and take it away again. ' +
  'Devices are issued and revoked without it.';

/**
 * Opens the key of an authority. Throws GTX-PRV-022 where its file is elsewhere, GTX-PRV-002 where it is not the
 * certificate's, GTX-PRV-020 and 021 for a passphrase that is wrong or missing, GTX-PRV-034 for a file without a key.
 */
export async function openIssuer(folder: string, authority: Authority, options: AuthorityOptions): Promise<Issuer> {
  const { name, certificate } = authority;
  const stored = options.issuingKey;
  if (stored !== undefined && sameKey(stored.publicKey, certificate)) {
    return { certificate: certificate.raw, signer: storedSigner(stored) };
  }
  const file = join(folder, `${name}.key`);
  let key: KeyObject;
  try {
    key = await openKeyPem(await readFile(file, 'utf8'), file, options.passphrase);
  } catch (error) {
    if (error instanceof GridError) throw error;
    if (systemCode(error) !== 'ENOENT') throw damaged(folder, `${name}.key: ${reasonOf(error)}`, error);
    throw new GridError('GTX-PRV-022', `The key of ${name} is needed for this, and ${file} is not there`, {
      hint: offlineHint,
      cause: error,
    });
  }
  if (!certificate.checkPrivateKey(key)) throw damaged(folder, `${name}.key is not the key of ${name}.pem`);
  return { certificate: certificate.raw, signer: keySigner(key) };
}

const sameKey = (key: KeyObject, certificate: X509Certificate): boolean => certificate.publicKey.equals(key);

/** Writes all files into a folder beside, then renames it: a start that was killed leaves only what this removes. */
export async function makeAuthority(path: string, options: NewAuthorityOptions): Promise<void> {
  const fresh = `${path.replace(/\/+$/, '')}.new`;
  try {
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh, { recursive: true, mode: 0o700 });
    await makeChain(fresh, options);
    if (options.restRoot !== undefined) await makeRestChain(fresh, options);
    if (options.address !== undefined) {
      await writeFileAtomic(join(fresh, 'authority.json'), `${JSON.stringify({ address: options.address })}\n`);
    }
    await rename(fresh, path);
    await syncFolder(dirname(fresh));
  } catch (error) {
    throw error instanceof GridError ? error : writeFailed(path, error);
  }
}

async function makeChain(folder: string, options: NewAuthorityOptions): Promise<void> {
  const campus = randomBytes(4).toString('hex');
  const validity = { notBefore: validFrom(), notAfter: never };
  let above: Issuer | undefined;
  let listOf: RevocationAddresses | undefined;
  for (const [depth, name] of ['root', 'policy', 'issuing'].entries()) {
    const stored = name === 'issuing' ? options.issuingKey : undefined;
    const signer: Signer = stored === undefined ? await makeKey(folder, name, newKey(), options) : storedSigner(stored);
    const request = { name: `GridTokenX ${name} ${campus}`, publicKey: signer.publicKey, pathLength: 2 - depth };
    const revocation = listOf === undefined ? {} : { revocation: listOf };
    const certificate: Uint8Array = await issueAuthority(
      { ...request, ...validity, ...revocation },
      above ?? { signer },
    );
    await writeFileAtomic(join(folder, `${name}.pem`), certificatePem(certificate));
    above = { certificate, signer };
    listOf = listAddress(options.address, name);
  }
}

const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

async function makeRestChain(folder: string, options: NewAuthorityOptions): Promise<void> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 4096 });
  const rootSigner = await makeKey(folder, 'rest-root', privateKey, options);
  const signer = await makeKey(folder, 'rest-issuing', newKey(), options);
  const notBefore = validFrom();
  const campus = randomBytes(4).toString('hex');
  const request = (name: string, by: Signer, years: number, pathLength: number) => ({
    name: `GridTokenX ${name} ${campus}`,
    publicKey: by.publicKey,
    pathLength,
    notBefore,
    notAfter: (notBefore + years * yearSeconds) as UnixSeconds,
  });
  const root = await issueAuthority(request('REST root', rootSigner, 20, 1), { signer: rootSigner });
  const revocation = listAddress(options.address, 'rest-root');
  const order = { ...request('REST issuing', signer, 10, 0), ...(revocation !== undefined && { revocation }) };
  const issuing = await issueAuthority(order, {
    certificate: root,
    signer: rootSigner,
  });
  await writeFileAtomic(join(folder, 'rest-root.pem'), certificatePem(root));
  await writeFileAtomic(join(folder, 'rest-issuing.pem'), certificatePem(issuing));
}

async function makeKey(folder: string, name: string, key: KeyObject, options: AuthorityOptions): Promise<Signer> {
  const { passphrase } = options;
  const pem = passphrase === undefined ? privateKeyPem(key) : await encryptedKeyPem(key, await passphrase());
  await writeFileAtomic(join(folder, `${name}.key`), pem, 0o600);
  return keySigner(key);
}

/** Whether a text is where a revocation responder can be: plain HTTP, for what it serves is signed, and no path. */
export const isAddress = (text: string): boolean => URL.canParse(text) && /^http:\/\/[^/?#@]+$/.test(text);

/** Where the revocation list of an authority is fetched. */
export const listAddress = (address: string | undefined, name: string): RevocationAddresses | undefined =>
  address === undefined ? undefined : { list: `${address}/crl/${name}.crl` };

/** Makes the next issuing authority of a folder, whose key is its own; the certificate's file comes last. */
export async function makeNextIssuing(folder: AuthorityFolder, options: AuthorityOptions): Promise<void> {
  const policy = await openIssuer(folder.path, folder.policy, options);
  const generation = folder.retired.length + 2;
  const name = issuingName(generation);
  // As the other keys of the folder: encrypted, or not yet.
  const policyKey = await readFile(join(folder.path, `${folder.policy.name}.key`), 'utf8');
  const signer = await makeKey(folder.path, name, newKey(), isEncrypted(policyKey) ? options : {});
  const suffix = createHash('sha256').update(folder.root.certificate.raw).digest('hex').slice(0, 8);
  const revocation = listAddress(folder.address, folder.policy.name);
  const certificate = await issueAuthority(
    {
      name: `GridTokenX issuing ${generation} ${suffix}`,
      publicKey: signer.publicKey,
      pathLength: 0,
      notBefore: validFrom(),
      notAfter: never,
      ...(revocation !== undefined && { revocation }),
    },
    policy,
  );
  await writeFileAtomic(join(folder.path, `${name}.pem`), certificatePem(certificate));
}

/** Encrypts the keys of a folder that are not yet; gives their names. Each file is the old or the new one. */
export async function encryptAuthority(folder: string, passphrase: PassphraseSource): Promise<string[]> {
  const { path } = await readAuthority(folder);
  const encrypted: string[] = [];
  for (const name of (await readdir(path)).filter((file) => file.endsWith('.key'))) {
    const file = join(path, name);
    const pem = await readFile(file, 'utf8').catch((error: unknown) => {
      throw damaged(path, `${name}: ${reasonOf(error)}`, error);
    });
    // One passphrase for all: one that is encrypted already must open with it.
    const key = await openKeyPem(pem, file, passphrase);
    if (isEncrypted(pem)) continue;
    await writeFileAtomic(file, await encryptedKeyPem(key, await passphrase()), 0o600);
    encrypted.push(name);
  }
  return encrypted;
}
