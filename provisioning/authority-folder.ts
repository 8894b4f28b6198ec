import { X509Certificate } from 'node:crypto';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import type { IssuingKeys } from '#hal/key-store.ts';
import type { RevocationAddresses } from './certificates.ts';
import type { PassphraseSource } from './key-encryption.ts';

export interface AuthorityOptions {
  /** Encrypts its keys, and opens them. A new authority's keys are not encrypted without one. */
  readonly passphrase?: PassphraseSource;
  /** Where the issuing keys lie, instead of files: the one of today nowhere else, those before it perhaps in files. */
  readonly issuingKeys?: IssuingKeys;
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

export const damaged = (folder: string, reason: string, cause?: unknown): GridError =>
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
    throw unreadable(folder, error);
  }
}

const unreadable = (folder: string, error: unknown): GridError =>
  new GridError('GTX-PRV-006', `Cannot read ${folder}: ${reasonOf(error)}`, { cause: error });

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
  const later = names.filter(isLaterIssuing).length;
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

const isLaterIssuing = (file: string): boolean => /^issuing-\d+\.pem$/.test(file);

/** The folder once more, where its issuing authority has been replaced since it was read. Throws as `readAuthority`. */
export async function readReplaced({ path, retired }: AuthorityFolder): Promise<AuthorityFolder | undefined> {
  const names = await readdir(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  return names.filter(isLaterIssuing).length > retired.length ? await readAuthority(path) : undefined;
}

export const issuingName = (generation: number): string => (generation === 1 ? 'issuing' : `issuing-${generation}`);

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

/** Whether a text is where a revocation responder can be: plain HTTP, for what it serves is signed, and no path. */
export const isAddress = (text: string): boolean => URL.canParse(text) && /^http:\/\/[^/?#@]+$/.test(text);

/** Where the revocation list of an authority is fetched. */
export const listAddress = (address: string | undefined, name: string): RevocationAddresses | undefined =>
  address === undefined ? undefined : { list: `${address}/crl/${name}.crl` };
