import type { Command } from 'commander';
import { join } from 'node:path';
import { GridError, reasonOf } from '#hal/errors.ts';
import { type LocalAccess, readLocalAccess } from '#head-end/access/local-access.ts';

/** Where a head-end's REST is, where nothing tells. */
const defaultUrl = 'http://127.0.0.1:8080';
/** Where `campus` and `head-end` keep their data unless told. */
const defaultFolders = ['data/campus', 'data/head-end'];

/** Which head-end is asked: what commands that ask one take. */
export interface HeadEndFlags {
  readonly url?: string;
  readonly data?: string;
}

/** Lets a command be told which head-end it asks. */
export const askingHeadEnd = (command: Command): Command =>
  command
    .option('--url <address>', `where the head-end’s REST is; as its data folder says, else ${defaultUrl}`)
    .option(
      '--data <dir>',
      `data folder of a head-end on this machine, which has its address and a key (${defaultFolders.join(' or ')} ` +
        'unless told); elsewhere GRIDTOKENX_API_KEY has the key',
    );

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly title?: string;
  readonly hint?: string;
}

/**
 * Asks a head-end's REST, as the API key in GRIDTOKENX_API_KEY or the one in the data folder of a head-end on this
 * machine. Rejects with `GTX-ASK-001` where it does not answer and `GTX-ASK-002` with its own words where it refuses.
 */
export async function askHeadEnd(flags: HeadEndFlags, path: string, request: RequestInit = {}): Promise<Response> {
  const { url, key } = await reach(flags);
  const address = addressOf(url, path);
  const headers = new Headers(request.headers);
  if (key !== undefined) headers.set('authorization', `Bearer ${key}`);
  let response: Response;
  try {
    response = await fetch(address, { ...request, headers });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new GridError('GTX-ASK-001', `The head-end at ${url} does not answer: ${reasonOf(cause)}`, {
      hint: 'Check that it runs, and give its address with --url or its folder with --data.',
      cause: error,
    });
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as Problem;
  const words = problem.detail ?? problem.title ?? response.statusText;
  const hint = response.status === 401 ? credentialHint : problem.hint;
  throw new GridError('GTX-ASK-002', `The head-end refuses (${problem.code ?? response.status}): ${words}`, {
    ...(response.status < 500 ? { kind: 'input' as const } : {}),
    ...(hint === undefined || hint === null ? {} : { hint }),
  });
}

const credentialHint =
  'On the head-end’s machine give its folder with --data; elsewhere set GRIDTOKENX_API_KEY to an API key.';

/** A local key goes to the head-end that it is of, and nowhere else. */
async function reach({ url, data }: HeadEndFlags): Promise<{ url: string; key: string | undefined }> {
  const given = process.env['GRIDTOKENX_API_KEY'];
  const local = given === undefined || url === undefined ? await localAccess(data) : undefined;
  const address = url ?? local?.url ?? defaultUrl;
  if (given !== undefined) return { url: address, key: given };
  const isIts = local !== undefined && originOf(address) === originOf(local.url);
  return { url: address, key: isIts ? local.key : undefined };
}

async function localAccess(data: string | undefined): Promise<LocalAccess | undefined> {
  const folders = data === undefined ? defaultFolders : [data];
  const all = await Promise.all(folders.map((folder) => readLocalAccess(join(folder, 'head-end'))));
  // One that was started later is the one that runs.
  const [newest] = all.filter((one) => one !== undefined).toSorted((a, b) => b.since - a.since);
  if (newest !== undefined || data === undefined) return newest;
  throw new GridError('GTX-ASK-006', `No head-end has run on ${data}`, {
    kind: 'input',
    hint: 'Give the folder that `campus` or `head-end` was given with --data.',
  });
}

/** The loopback names are one place. */
const originOf = (url: string): string => new URL(addressOf(url, '/')).origin.replace('//localhost:', '//127.0.0.1:');

function addressOf(url: string, path: string): URL {
  try {
    return new URL(path, url);
  } catch (error) {
    throw new GridError('GTX-ASK-003', `${url} is no address`, {
      kind: 'input',
      hint: `An address is like ${defaultUrl}.`,
      cause: error,
    });
  }
}
