import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#hal/atomic-file.ts';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import type { IssuingKeys, SigningKey } from '#hal/key-store.ts';
import {
  type Authority,
  type AuthorityFolder,
  type AuthorityOptions,
  damaged,
  readAuthority,
} from './authority-folder.ts';
import type { Issuer } from './certificates.ts';
import { encryptedKeyPem, isEncrypted, openKeyPem, type PassphraseSource } from './key-encryption.ts';
import { privateKeyPem } from './pem.ts';
import { keySigner, type Signer, storedSigner } from './signer.ts';

/** Which one a name is of; undefined for the root, the policy authority and those of REST. */
function generationOf(name: string): number | undefined {
  const [, later] = /^issuing(?:-(\d+))?$/.exec(name) ?? [undefined, undefined];
  return name === 'issuing' ? 1 : later === undefined ? undefined : Number(later);
}

/** Which key a person is asked for, and what it is needed for. */
const offlineHint =
  'It may lie offline: bring it into the folder for this, and take it away again. ' +
  'Devices are issued and revoked without the keys of root and policy; an issuing key may lie in a TPM: --ca-tpm.';

/**
 * Opens the key of an authority. Throws GTX-PRV-022 where its file is elsewhere, GTX-PRV-002 where it is not the
 * certificate's, GTX-PRV-020 and 021 for a passphrase that is wrong or missing, GTX-PRV-034 for a file without a key,
 * GTX-PRV-016 where it is to be in a TPM that does not have it.
 */
export async function openIssuer(
  folder: AuthorityFolder,
  authority: Authority,
  options: AuthorityOptions,
): Promise<Issuer> {
  const { certificate } = authority;
  const stored = await storedKey(folder, authority, options.issuingKeys);
  const signer =
    stored === undefined ? keySigner(await keyInFile(folder.path, authority, options)) : storedSigner(stored);
  return { certificate: certificate.raw, signer };
}

/** The key of an issuing authority where keys are to be in a TPM; one that has been replaced may be older than that. */
async function storedKey(
  { issuing }: AuthorityFolder,
  authority: Authority,
  keys: IssuingKeys | undefined,
): Promise<SigningKey | undefined> {
  const generation = generationOf(authority.name);
  if (keys === undefined || generation === undefined) return undefined;
  const key = await keys.issuingKey(generation);
  if (key?.publicKey.equals(authority.certificate.publicKey) === true) return key;
  if (authority.name !== issuing.name) return undefined;
  throw new GridError('GTX-PRV-016', `${keys.name} does not have the key of ${authority.name}.pem`, {
    kind: 'input',
    hint: 'Another TPM has it, or it lies in a file: then leave the TPM out. Nothing falls back to a file by itself.',
  });
}

async function keyInFile(
  folder: string,
  { name, certificate }: Authority,
  options: AuthorityOptions,
): Promise<KeyObject> {
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
  return key;
}

/** A new key on P-256: an issuing authority's where its keys are to lie, others in files. */
export async function makeSigner(folder: string, name: string, options: AuthorityOptions): Promise<Signer> {
  const generation = generationOf(name);
  if (options.issuingKeys === undefined || generation === undefined) {
    return await makeKey(folder, name, newKey(), options);
  }
  return storedSigner(await options.issuingKeys.makeIssuingKey(generation));
}

export const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

export async function makeKey(
  folder: string,
  name: string,
  key: KeyObject,
  options: AuthorityOptions,
): Promise<Signer> {
  const { passphrase } = options;
  const pem = passphrase === undefined ? privateKeyPem(key) : await encryptedKeyPem(key, await passphrase());
  await writeFileAtomic(join(folder, `${name}.key`), pem, 0o600);
  return keySigner(key);
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
