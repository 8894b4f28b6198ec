import { createHash, generateKeyPair, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { syncFolder, writeFailed, writeFileAtomic } from '#hal/atomic-file.ts';
import { GridError } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import {
  type AuthorityFolder,
  type AuthorityOptions,
  issuingName,
  listAddress,
  type NewAuthorityOptions,
} from './authority-folder.ts';
import { makeKey, makeSigner, newKey, openIssuer } from './authority-keys.ts';
import { issueAuthority, type Issuer, never, type RevocationAddresses } from './certificates.ts';
import { isEncrypted } from './key-encryption.ts';
import { certificatePem } from './pem.ts';
import type { Signer } from './signer.ts';

/** A certificate is valid from so many seconds ago: a board's clock may lag until it has met its head-end. */
const backdatedBy = 3600;
export const validFrom = (): UnixSeconds => (wallSeconds() - backdatedBy) as UnixSeconds;

const yearSeconds = 365 * 86_400;

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
    const signer = await makeSigner(folder, name, options);
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

/** Makes the next issuing authority of a folder, whose key is its own; the certificate's file comes last. */
export async function makeNextIssuing(folder: AuthorityFolder, options: AuthorityOptions): Promise<void> {
  const policy = await openIssuer(folder, folder.policy, options);
  const generation = folder.retired.length + 2;
  const name = issuingName(generation);
  // As the other keys of the folder: encrypted, or not yet.
  const policyKey = await readFile(join(folder.path, `${folder.policy.name}.key`), 'utf8');
  const { passphrase: _, ...open } = options;
  const signer = await makeSigner(folder.path, name, isEncrypted(policyKey) ? options : open);
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
