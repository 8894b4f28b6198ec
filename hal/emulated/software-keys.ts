import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFailed, writeFileAtomic } from '../atomic-file.ts';
import { GridError, reasonOf, systemCode } from '../errors.ts';
import type { KeyRole, KeyStore, SigningKey } from '../key-store.ts';

/** A key that lies in a file: it serves where there is no TPM, and whoever reads the file can pose as the board. */
export interface SoftwareKey extends SigningKey {
  readonly privateKey: KeyObject;
}

/** Keys in PEM files (0600) of one folder (0700), for machines without a TPM. */
export class SoftwareKeys implements KeyStore {
  readonly name: string;
  readonly keyIn = 'file';
  readonly #folder: string;

  constructor(folder: string) {
    this.name = `files in ${folder}`;
    this.#folder = folder;
  }

  /** Throws GTX-HAL-020 where the folder cannot be made. */
  async start(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw writeFailed(this.#folder, error);
    });
  }

  /** Throws GTX-KEY-001 where the key's file is there and cannot be used: a new key would be a new identity. */
  async signingKey(role: KeyRole): Promise<SoftwareKey> {
    const file = join(this.#folder, `${role}.key`);
    const privateKey = (await readKey(file)) ?? (await makeKey(file));
    return {
      privateKey,
      publicKey: createPublicKey(privateKey),
      sign: (message) => Promise.resolve(sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is held open.
  }
}

const unusable = (file: string, reason: string, cause?: unknown): GridError =>
  new GridError('GTX-KEY-001', `The key in ${file} cannot be used: ${reason}`, {
    hint: 'Bring it back from a backup, or move it away to have a new key (and a new identity) made.',
    cause,
  });

async function readKey(file: string): Promise<KeyObject | undefined> {
  let key: KeyObject;
  try {
    key = createPrivateKey(await readFile(file));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw unusable(file, reasonOf(error), error);
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw unusable(file, 'it is not on P-256');
  return key;
}

async function makeKey(file: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFileAtomic(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
  return privateKey;
}
