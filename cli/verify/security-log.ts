import { stat } from 'node:fs/promises';
import { GridError, reasonOf } from '#hal/errors.ts';
import { verifyChain, verifyChainFile } from '#hal/hash-chain.ts';
import { securityLogName } from '#head-end/security-log.ts';

interface VerifyFlags {
  readonly head?: string;
  readonly json?: boolean;
}

interface Verdict {
  readonly first: number;
  readonly last: number;
  readonly head: string;
  /** What such a check cannot show, in sentences. */
  readonly unseen: readonly string[];
}

const rewritten =
  'a log that was written anew as a whole: note the head elsewhere now and then, and give it with --head';

export async function verifySecurityLog(path: string, { head, json }: VerifyFlags): Promise<void> {
  const verdict = (await isFolder(path)) ? await ofFolder(path, head) : await ofFile(path, head);
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ ok: true, ...verdict })}\n`);
    return;
  }
  const { first, last, head: hash, unseen } = verdict;
  process.stdout.write(`Entries ${first} to ${last} hold; head ${hash}\n`);
  for (const one of unseen) process.stderr.write(`Not seen by this check: ${one}.\n`);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new GridError('GTX-VFY-001', `Cannot read ${path}: ${reasonOf(error)}`, {
      kind: 'input',
      hint: 'A campus has its security log in DATA/head-end/security-log.',
      cause: error,
    });
  }
}

async function ofFolder(folder: string, expected: string | undefined): Promise<Verdict> {
  const { first, seq, hash } = await verifyChain(folder, securityLogName, expected);
  const taken = first > 0 ? [`entries 0 to ${first - 1}: their files are no longer in the archive`] : [];
  return { first, last: seq, head: hash, unseen: [...taken, ...(expected === undefined ? [rewritten] : [])] };
}

async function ofFile(file: string, expected: string | undefined): Promise<Verdict> {
  const { first, last } = await verifyChainFile(file, expected);
  const before = first > 0 ? [`entries 0 to ${first - 1}, which are in other files`] : [];
  const after =
    expected === undefined
      ? ['whether whole entries are missing at its end: check the folder, or give the hash of the last with --head']
      : [];
  return { first, last: last.seq, head: last.hash, unseen: [...before, ...after, ...(expected ? [] : [rewritten])] };
}
