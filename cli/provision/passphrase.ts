import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFailed, writeFileAtomic } from '#hal/atomic-file.ts';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import type { PassphraseSource } from '#provisioning/key-encryption.ts';

export const passphraseVariable = 'GRIDTOKENX_CA_PASSPHRASE';
const shortest = 8;

/** The file beside an authority's folder that opens its keys where nobody types a passphrase. */
export const passphraseFileOf = (folder: string): string => `${folder.replace(/\/+$/, '')}.passphrase`;

/** What a campus keeps apart from its authority's folder: lines of NAME=VALUE. */
const secretsFileOf = (folder: string): string => join(dirname(folder.replace(/\/+$/, '')), 'secrets');

const newPassphrase = (): string => randomBytes(24).toString('base64url');

export interface PassphraseOptions {
  readonly passphraseFile?: string;
}

/**
 * The passphrase of an authority: from the file that is named, the variable GRIDTOKENX_CA_PASSPHRASE, the file beside
 * the folder, the campus's secrets, or typed at a terminal. Rejects with GTX-PRV-027 where a file cannot be read.
 */
async function givenPassphrase(folder: string, options: PassphraseOptions): Promise<string | undefined> {
  if (options.passphraseFile !== undefined) return await readPassphrase(options.passphraseFile, true);
  return (
    process.env[passphraseVariable] ??
    (await readPassphrase(passphraseFileOf(folder))) ??
    secretIn(await readOptional(secretsFileOf(folder)))
  );
}

/** Asks once, however many keys there are. */
const once = (source: PassphraseSource): PassphraseSource => {
  let asked: Promise<string> | undefined;
  return () => (asked ??= source());
};

/** What opens the keys of an existing authority. */
export const opening = (folder: string, options: PassphraseOptions): PassphraseSource =>
  once(() => existing(folder, options));

async function existing(folder: string, options: PassphraseOptions): Promise<string> {
  const given = await givenPassphrase(folder, options);
  if (given !== undefined) return given;
  if (process.stdin.isTTY) return await typed(`Passphrase of ${folder}: `);
  throw new GridError('GTX-PRV-021', `The keys in ${folder} are encrypted and no passphrase was given`, {
    kind: 'input',
    hint: `Give it with --passphrase-file FILE or in ${passphraseVariable}.`,
  });
}

/**
 * What encrypts the keys of a new authority: given, typed twice, or, where there is nobody to type, made at random
 * into a file beside the folder, which is told on stderr. Throws GTX-PRV-028 for one that is too short.
 */
export const choosing = (folder: string, options: PassphraseOptions): PassphraseSource =>
  once(() => chosen(folder, options));

async function chosen(folder: string, options: PassphraseOptions): Promise<string> {
  const given = await givenPassphrase(folder, options);
  if (given !== undefined) return checked(given);
  if (process.stdin.isTTY) {
    const first = checked(await typed(`New passphrase for the keys of ${folder}: `));
    if ((await typed('The same again: ')) === first) return first;
    throw new GridError('GTX-PRV-028', 'The two passphrases differ', { kind: 'input' });
  }
  const file = passphraseFileOf(folder);
  const made = newPassphrase();
  await mkdir(dirname(file), { recursive: true }).catch((error: unknown) => {
    throw writeFailed(file, error);
  });
  await writeFileAtomic(file, `${made}\n`, 0o600);
  process.stderr.write(`No passphrase was given: one was made into ${file}. Keep it apart from the folder.\n`);
  return made;
}

/** The passphrase of a campus's own authority, made at random into the data folder's `secrets` (0600) at first. */
export const campusPassphrase = (folder: string): PassphraseSource => once(() => campusSecret(folder));

async function campusSecret(folder: string): Promise<string> {
  const file = secretsFileOf(folder);
  const text = await readOptional(file);
  const there = secretIn(text);
  if (there !== undefined) return there;
  const made = newPassphrase();
  await writeFileAtomic(file, `${text ?? ''}${passphraseVariable}=${made}\n`, 0o600);
  return made;
}

const secretIn = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : new RegExp(`^${passphraseVariable}=(.+)$`, 'm').exec(text)?.[1];

function checked(passphrase: string): string {
  if (passphrase.length >= shortest) return passphrase;
  throw new GridError('GTX-PRV-028', `A passphrase has at least ${shortest} characters`, {
    kind: 'input',
    hint: 'Four words that do not belong together are a good one.',
  });
}

async function readPassphrase(file: string, isNamed = false): Promise<string | undefined> {
  const text = await readOptional(file);
  const [line = ''] = (text ?? '').split(/\r?\n/, 1);
  if (line !== '') return line;
  if (text === undefined && !isNamed) return undefined;
  throw unreadable(file, text === undefined ? 'there is no such file' : 'its first line is empty');
}

const unreadable = (file: string, reason: string, cause?: unknown): GridError =>
  new GridError('GTX-PRV-027', `Cannot read a passphrase from ${file}: ${reason}`, {
    kind: 'input',
    hint: 'The first line of the file is the passphrase.',
    cause,
  });

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw unreadable(file, reasonOf(error), error);
  }
}

const keys = { enter: /[\r\n]/, interrupt: '\u0003', end: '\u0004', erase: /[\u007f\b]/ } as const;

/** A line that is typed at the terminal and not shown. */
async function typed(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let line = '';
  const take = (chunk: string): void => {
    for (const key of chunk) {
      if (keys.enter.test(key)) resolve(line);
      else if (key === keys.interrupt || key === keys.end) {
        reject(new GridError('GTX-PRV-028', 'No passphrase was typed', { kind: 'input' }));
      } else line = keys.erase.test(key) ? line.slice(0, -1) : line + key;
    }
  };
  stderr.write(prompt);
  stdin.setRawMode(true).setEncoding('utf8').on('data', take).resume();
  try {
    return await promise;
  } finally {
    stdin.off('data', take).pause();
    stdin.setRawMode(false);
    stderr.write('\n');
  }
}
