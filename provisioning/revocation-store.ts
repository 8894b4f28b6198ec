import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#hal/atomic-file.ts';
import { systemCode } from '#hal/errors.ts';
import { lockFolder } from '#hal/folder-lock.ts';
import type { HashChain } from '#hal/hash-chain.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { type Authority, numberOf } from './authority-folder.ts';
import { readCertificate } from './certificate-fields.ts';
import type { Issuer } from './certificates.ts';
import type { Issuances } from './issuances.ts';
import { issueRevocationList, readRevocationList, type RevocationList } from './revocation-list.ts';

/** `root`, `policy`, `issuing`, `issuing-2`, …: the authority whose list it is. */
export type ListName = string;

const lockTimeoutMs = 10_000;
const daySeconds = 86_400;
/** Below roots and the policy authority hardly anything changes, and their keys lie offline: their lists last long. */
const lifeOf = (name: ListName): number => (name.includes('issuing') ? 7 : 400) * daySeconds;

export interface ListRequest {
  readonly folder: string;
  readonly authority: Authority;
  readonly issuances: Issuances;
  readonly log: HashChain;
  /** Opens the key of the authority. */
  readonly open: () => Promise<Issuer>;
}

/** What the list of an authority would say now, by the log of what it revoked: that needs no key, and is not signed. */
export function listByLog({ certificate, name }: Authority, issuances: Issuances): RevocationList {
  const issuer = numberOf(certificate);
  const thisUpdate = wallSeconds();
  return {
    issuerKey: Buffer.from(readCertificate(certificate.raw).spki).toString('hex'),
    number: issuances.newestRevocation(issuer),
    thisUpdate,
    nextUpdate: thisUpdate + lifeOf(name),
    revoked: new Map(issuances.revokedBy(issuer).map((revocation) => [revocation.number, revocation])),
  };
}

/** The revocation list of an authority from its file, or a new one where that is past half its life or incomplete. */
export async function currentList(request: ListRequest): Promise<Uint8Array> {
  const { authority, issuances, folder } = request;
  const newest = issuances.newestRevocation(numberOf(authority.certificate));
  const stored = await readStored(folder, authority);
  const now = wallSeconds();
  // A list has the number of its log entry: a revocation with a higher one is not on it.
  const isComplete = stored !== undefined && stored.list.number > newest;
  if (stored !== undefined && isComplete && now < middleOf(stored.list)) return stored.encoded;
  try {
    // Several may ask for it at once, in this program and others, and one of them makes it.
    using _lock = await lockFolder(folder, lockTimeoutMs);
    const made = await readStored(folder, authority);
    if (made !== undefined && made.list.number > newest && now < middleOf(made.list)) return made.encoded;
    return await makeList(request, now);
  } catch (error) {
    // Its key is elsewhere, or the disk full: the old list still says all there is to say.
    if (stored !== undefined && isComplete && now < stored.list.nextUpdate) return stored.encoded;
    throw error;
  }
}

const middleOf = ({ thisUpdate, nextUpdate }: RevocationList): number => (thisUpdate + nextUpdate) / 2;

async function makeList(
  { folder, authority, issuances, log, open }: ListRequest,
  now: UnixSeconds,
): Promise<Uint8Array> {
  const issuer = await open();
  const thisUpdate = now;
  const nextUpdate = (now + lifeOf(authority.name)) as UnixSeconds;
  const entry = await log.append({ what: 'revocation list', list: authority.name, thisUpdate, nextUpdate });
  await issuances.refresh();
  const revoked = issuances.revokedBy(numberOf(authority.certificate));
  const encoded = await issueRevocationList({ number: entry.seq, thisUpdate, nextUpdate, revoked }, issuer);
  await writeFileAtomic(listPath(folder, authority), encoded);
  return encoded;
}

const listPath = (folder: string, { name }: Authority): string => join(folder, `${name}.crl`);

async function readStored(
  folder: string,
  authority: Authority,
): Promise<{ readonly encoded: Uint8Array; readonly list: RevocationList } | undefined> {
  try {
    const encoded = await readFile(listPath(folder, authority));
    return { encoded, list: readRevocationList(encoded, authority.certificate.raw) };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
