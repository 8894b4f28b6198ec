import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { writeFailed } from '#hal/atomic-file.ts';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import { pemOf } from '../../pem.ts';

/** What TPMs did for this process since it began. */
export interface TpmSignatures {
  readonly signatures: number;
  readonly failures: number;
  /** Of all signatures together. The event loop waits for each. */
  readonly microseconds: number;
}

/** The addon, once it is loaded: from then on TLS takes the keys that `tpmKeyPem` names. */
export interface TpmProvider {
  statistics(): TpmSignatures;
  /** Of the last error with a TPM key: which TPM and why. Node tells only the reason. */
  lastDetail(): string;
}

const label = 'TPM KEY';
const sources = import.meta.dirname;
const compiler = 'cc';
const compilerFlags = (
  '-std=c11 -D_GNU_SOURCE -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Wpedantic -Werror ' +
  '-fstack-protector-strong -D_FORTIFY_SOURCE=2 -Wl,-z,relro,-z,now'
).split(' ');

/**
 * The key file that `tls`, `https` and undici take as `key`: it says where the private key is, and holds none of it.
 * `transport` is a device (`/dev/tpmrm0`) or `host:port` of an emulator, `point` the uncompressed public point,
 * 65 octets; when the key is loaded, the TPM is asked whether it has that very key at `handle`.
 */
export const tpmKeyPem = (transport: string, handle: number, point: Uint8Array): string =>
  pemOf(label, Buffer.from(`${transport}|${handle.toString(16)}|${Buffer.from(point).toString('hex')}`));

/** Whether TLS, given this key file, signs in a TPM: nothing else reads one of this kind. */
export const isTpmKeyPem = (pem: string): boolean => pem.startsWith(`-----BEGIN ${label}-----`);

/**
 * Loads the OpenSSL provider that signs in a TPM, built for this Node at its first use: with the C compiler of the
 * machine and the headers that lie beside the Node binary.
 * Rejects with `GTX-TPM-091` (no compiler), `-092` (no headers), `-093` (does not compile), `-094` (does not load), or
 * GTX-HAL-020 where it cannot be kept.
 */
export async function loadTpmProvider(
  cache: string = join(homedir(), '.cache', 'gridtokenx', 'tpm-provider'),
): Promise<TpmProvider> {
  const addon = join(cache, `${fingerprint()}.node`);
  if (!existsSync(addon)) await build(addon);
  try {
    return createRequire(import.meta.url)(addon) as TpmProvider;
  } catch (error) {
    throw new GridError('GTX-TPM-094', `The TPM provider ${addon} does not load: ${reasonOf(error)}`, {
      hint: 'Remove that file: it is built anew.',
      cause: error,
    });
  }
}

const sourceFiles = (): string[] =>
  readdirSync(sources)
    .filter((name) => /\.[ch]$/.test(name))
    .toSorted();

/** Another source, Node or machine is another addon. */
function fingerprint(): string {
  const hash = createHash('sha256').update(
    [process.version, process.platform, process.arch, ...compilerFlags].join(' '),
  );
  for (const name of sourceFiles()) hash.update(name).update(readFileSync(join(sources, name)));
  return hash.digest('hex').slice(0, 32);
}

/** Appears whole or not at all, also when several processes build it at once. */
async function build(addon: string): Promise<void> {
  const headers = join(dirname(process.execPath), '..', 'include', 'node');
  if (!existsSync(join(headers, 'openssl', 'provider.h'))) {
    throw new GridError('GTX-TPM-092', `The headers of this Node are missing (${headers})`, {
      hint: 'Run the program with the Node that `npm ci` installs: it brings them along.',
    });
  }
  await mkdir(dirname(addon), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw writeFailed(dirname(addon), error);
  });
  const folder = await mkdtemp(join(dirname(addon), 'build-'));
  try {
    const built = join(folder, 'provider.node');
    const files = sourceFiles().filter((name) => name.endsWith('.c'));
    await compile([...compilerFlags, `-I${headers}`, '-o', built, ...files.map((name) => join(sources, name))]);
    await rename(built, addon);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const compile = (words: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    execFile(compiler, words, (error, _, stderr) => {
      if (error === null) resolve();
      else if (systemCode(error) === 'ENOENT') {
        reject(
          new GridError('GTX-TPM-091', 'Keys in a TPM need the C compiler `cc` once, and there is none', {
            hint: 'As root: apt-get install -y --no-install-recommends gcc libc6-dev. Or use software keys: --tpm none.',
          }),
        );
      } else {
        const [line = error.message] = /^.*error: .*$/m.exec(stderr) ?? [];
        reject(new GridError('GTX-TPM-093', `The TPM provider does not compile: ${line}`, { cause: error }));
      }
    });
  });
