import { execFile } from 'node:child_process';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFailed } from '../atomic-file.ts';
import { GridError, reasonOf, systemCode } from '../errors.ts';
import { inParallel } from '../parallel.ts';

/** TPMs made at the same time; making one is mostly drawing primes. */
const mostAtOnce = 4;
const setupTimeoutMs = 120_000;
/** The certificate of the endorsement key that every chip has, RSA of 2048 bits, as `swtpm_setup` leaves it. */
const endorsementFile = 'ek-rsa2048.crt';

/** An emulated TPM as it leaves its maker. */
export interface MadeSwtpm {
  /** Its state, for `Swtpm`. */
  readonly folder: string;
  /** The maker's certificate of its endorsement key (RSA), DER. */
  readonly endorsementCertificate: Uint8Array;
}

/**
 * A maker of emulated TPMs: an authority of its own that vouches for their endorsement keys, as the makers of chips
 * do. Needs Debian's swtpm-tools.
 */
export class SwtpmFactory {
  readonly #folder: string;

  /** `folder`: the maker's authority, made at the first TPM. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * The TPMs with these state folders: made where they are not there yet, else as they are; `signal` breaks that off.
   * Rejects with GTX-TPM-012 (no swtpm_setup), 013 (it failed, or was broken off), GTX-HAL-020.
   */
  async make(folders: readonly string[], signal?: AbortSignal): Promise<readonly MadeSwtpm[]> {
    const missing: string[] = [];
    for (const folder of folders) if ((await endorsementIn(folder)) === undefined) missing.push(folder);
    if (missing.length > 0) {
      const config = await this.#configure();
      const [first = '', ...others] = missing;
      // The first brings the authority about.
      await setUp(first, config, signal);
      await inParallel(others, mostAtOnce, (folder) => setUp(folder, config, signal));
    }
    return Promise.all(
      folders.map(async (folder) => ({ folder, endorsementCertificate: (await endorsementIn(folder)) as Uint8Array })),
    );
  }

  /** The certificates of its authority, root and issuer, in PEM: what a campus trusts. Rejects with GTX-TPM-013. */
  async certificates(): Promise<string> {
    try {
      const names = ['swtpm-localca-rootca-cert.pem', 'issuer.pem'];
      return (await Promise.all(names.map((name) => readFile(join(this.#folder, name), 'utf8')))).join('');
    } catch (error) {
      throw failed(`its maker's certificates in ${this.#folder} cannot be read: ${reasonOf(error)}`, error);
    }
  }

  async #configure(): Promise<string> {
    const maker = this.#folder;
    const at = (name: string): string => join(maker, name);
    const files = {
      'authority.conf': [
        `statedir = ${maker}`,
        `signingkey = ${at('key.pem')}`,
        `issuercert = ${at('issuer.pem')}`,
        `certserial = ${at('serial')}`,
      ],
      'setup.conf': [
        'create_certs_tool = /usr/bin/swtpm_localca',
        `create_certs_tool_config = ${at('authority.conf')}`,
        `create_certs_tool_options = ${at('options')}`,
        'active_pcr_banks = sha256',
      ],
      options: [],
    };
    try {
      await mkdir(maker, { recursive: true, mode: 0o700 });
      for (const [name, lines] of Object.entries(files)) await writeFile(at(name), `${lines.join('\n')}\n`);
    } catch (error) {
      throw writeFailed(maker, error);
    }
    return at('setup.conf');
  }
}

async function endorsementIn(folder: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(join(folder, endorsementFile));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw failed(`the state in ${folder} cannot be read: ${reasonOf(error)}`, error);
  }
}

/** Whole or not at all: a TPM that was broken off half-way would have keys without certificates. */
async function setUp(folder: string, config: string, signal: AbortSignal | undefined): Promise<void> {
  const fresh = `${folder}.new`;
  try {
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh, { recursive: true, mode: 0o700 });
    const certified = ['--create-ek-cert', '--lock-nvram', '--write-ek-cert-files', fresh];
    await run(['--tpm2', '--tpmstate', fresh, '--config', config, ...certified], signal);
    await rename(fresh, folder);
  } catch (error) {
    throw error instanceof GridError ? error : writeFailed(folder, error);
  }
}

const run = (words: readonly string[], signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    execFile('swtpm_setup', words, { timeout: setupTimeoutMs, signal }, (error, stdout, stderr) => {
      if (error === null) resolve();
      else if (systemCode(error) === 'ENOENT') {
        reject(
          new GridError('GTX-TPM-012', 'There is no `swtpm_setup`, which makes emulated TPMs', {
            hint: 'As root: apt-get install -y --no-install-recommends swtpm swtpm-tools. Or use software keys: --tpm none.',
            cause: error,
          }),
        );
      } else reject(failed((stderr + stdout).trim().split('\n').at(-1) ?? error.message, error));
    });
  });

const failed = (reason: string, cause: unknown): GridError =>
  new GridError('GTX-TPM-013', `An emulated TPM was not made: ${reason}`, { cause });
