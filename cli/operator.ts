import type { Command } from 'commander';
import { join } from 'node:path';
import { GridError, reasonOf } from '#hal/errors.ts';
import { problemIn } from '#hal/problem.ts';
import { type LocalAccess, readLocalAccess } from '#head-end/access/local-access.ts';
import { pemIn } from './pem-file.ts';
import { fetchTrusting } from './trusting-fetch.ts';

/** Where a head-end's REST is, where nothing tells. */
const defaultUrl = 'http://127.0.0.1:8080';
/** Where `campus` and `head-end` keep their data unless told. */
const defaultFolders = ['data/campus', 'data/head-end'];

/** Which head-end is asked: what commands that ask one take. */
export interface HeadEndFlags {
  readonly url?: string;
  readonly data?: string;
  /** PEM file of the root that its certificate comes from. */
  readonly ca?: string;
}

/** Lets a command be told which head-end it asks. */
export const askingHeadEnd = (command: Command): Command =>
  command
    .option('--url <address>', `where the head-end’s REST is; as its data folder says, else ${defaultUrl}`)
    .option(
      '--data <dir>',
      `data folder of a head-end on this machine, which has its address and a key (${defaultFolders.join(' or ')} ` +
        'unless told); elsewhere GRIDTOKENX_API_KEY has the key',
    )
    .option(
      '--ca <file>',
      'over TLS: the root that its certificate comes from (PEM); the system’s roots, or what its data folder has',
    );

export interface HeadEndRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Asks a head-end's REST, as the API key in GRIDTOKENX_API_KEY or the one in the data folder of a head-end on this
 * machine. Rejects with `GTX-ASK-001` where it does not answer and `GTX-ASK-002` with its own words where it refuses.
 */
export async function askHeadEnd(flags: HeadEndFlags, path: string, request: HeadEndRequest = {}): Promise<Response> {
  const { url, key, ca } = await reach(flags);
  const address = addressOf(url, path);
  const headers = new Headers(request.headers);
  if (key !== undefined) headers.set('authorization', `Bearer ${key}`);
  let response: Response;
  try {
    response = await (ca === undefined || address.protocol !== 'https:'
      ? fetch(address, { ...request, headers })
      : fetchTrusting(address, ca, { ...request, headers }));
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new GridError('GTX-ASK-001', `The head-end at ${url} does not answer: ${reasonOf(cause)}`, {
      hint:
        'Check that it runs, and give its address with --url or its folder with --data; ' +
        'over TLS the root of its certificate with --ca.',
      cause: error,
    });
  }
  if (response.ok) return response;
  // What broke off is told by its status.
  const problem = problemIn(await response.text().catch(() => ''));
  const words = problem?.message ?? response.statusText;
  const hint = response.status === 401 ? credentialHint : problem?.hint;
  throw new GridError('GTX-ASK-002', `The head-end refuses (${problem?.code ?? response.status}): ${words}`, {
    ...(response.status < 500 ? { kind: 'input' as const } : {}),
    ...(hint === undefined ? {} : { hint }),
  });
}

const credentialHint =
  'On the head-end’s machine give its folder with --data; elsewhere set GRIDTOKENX_API_KEY to an API key.';

/** A local key goes to the head-end that it is of, and nowhere else. */
async function reach({ url, data, ca: file }: HeadEndFlags): Promise<Reached> {
  const given = process.env['GRIDTOKENX_API_KEY'];
  const local = given === undefined || url === undefined ? await localAccess(data) : undefined;
  const address = url ?? local?.url ?? defaultUrl;
  const its = local !== undefined && originOf(address) === originOf(local.url) ? local : undefined;
  const ca = file === undefined ? its?.ca : await pemIn(file, '--ca');
  return { url: address, key: given ?? its?.key, ca };
}

interface Reached {
  readonly url: string;
  readonly key: string | undefined;
  readonly ca: string | undefined;
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
