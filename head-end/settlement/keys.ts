import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createKeyPairSignerFromPrivateKeyBytes, type KeyPairSigner } from '@solana/kit';
import { writeFileAtomic } from '#hal/atomic-file.ts';
import { GridError, systemCode } from '#hal/errors.ts';

/** `keys.json`: Ed25519 seeds in base64. The head-end keeps the participants' keys for them (custody). */
interface KeyFile {
  readonly version: 1;
  readonly operator: string;
  readonly mint: string;
  readonly participants: Readonly<Record<string, ParticipantKey>>;
}

interface ParticipantKey {
  readonly seed: string;
  /** Test money that the participant was given at first, in micro-units. */
  readonly openingMicro: number;
}

const newSeed = (): string => randomBytes(32).toString('base64');

const isSeed = (value: unknown): boolean => typeof value === 'string' && Buffer.from(value, 'base64').length === 32;

function isKeyFile(value: unknown): value is KeyFile {
  if (typeof value !== 'object' || value === null) return false;
  const { version, operator, mint, participants } = value as Partial<KeyFile>;
  if (version !== 1 || !isSeed(operator) || !isSeed(mint) || typeof participants !== 'object') return false;
  return Object.values(participants).every(
    ({ seed, openingMicro }) => isSeed(seed) && Number.isSafeInteger(openingMicro) && openingMicro >= 0,
  );
}

const signerOf = (seed: string): Promise<KeyPairSigner> =>
  createKeyPairSignerFromPrivateKeyBytes(Buffer.from(seed, 'base64'));

/** The keys that settlement signs with, in one file that only its owner may read. A key is on disk before it is used. */
export class KeyRing {
  readonly #path: string;
  #file: KeyFile;

  private constructor(path: string, file: KeyFile) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * Opens the keys of a folder, or makes them when `isNew` says that no ledger depends on others yet.
   * Rejects with `GTX-SET-005` when they are missing or damaged.
   */
  static async open(folder: string, isNew: boolean): Promise<KeyRing> {
    const path = join(folder, 'keys.json');
    const unusable = (cause: unknown): GridError =>
      new GridError('GTX-SET-005', `The settlement's keys in ${path} are missing or damaged`, {
        cause,
        hint: 'Restore keys.json from a backup: nobody can settle on this ledger without it.',
      });
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (cause) {
      if (systemCode(cause) !== 'ENOENT' || !isNew) throw unusable(cause);
      const ring = new KeyRing(path, { version: 1, operator: newSeed(), mint: newSeed(), participants: {} });
      await ring.#save(ring.#file);
      return ring;
    }
    let file: unknown;
    try {
      file = JSON.parse(text);
    } catch (cause) {
      throw unusable(cause);
    }
    if (!isKeyFile(file)) throw unusable('not a key file');
    return new KeyRing(path, file);
  }

  operator(): Promise<KeyPairSigner> {
    return signerOf(this.#file.operator);
  }

  mint(): Promise<KeyPairSigner> {
    return signerOf(this.#file.mint);
  }

  /** By meterId. */
  participants(): string[] {
    return Object.keys(this.#file.participants).toSorted();
  }

  async participant(meterId: string): Promise<{ readonly signer: KeyPairSigner; readonly openingMicro: number }> {
    const key = this.#file.participants[meterId];
    if (key === undefined) throw new GridError('GTX-SET-003', `${meterId} has no account on the ledger`);
    return { signer: await signerOf(key.seed), openingMicro: key.openingMicro };
  }

  /** Makes keys for those who have none. */
  async add(meterIds: readonly string[], openingMicro: number): Promise<void> {
    const fresh = meterIds.filter((meterId) => !Object.hasOwn(this.#file.participants, meterId));
    if (fresh.length === 0) return;
    const keys = fresh.map((meterId) => [meterId, { seed: newSeed(), openingMicro }] as const);
    await this.#save({ ...this.#file, participants: { ...this.#file.participants, ...Object.fromEntries(keys) } });
  }

  async #save(file: KeyFile): Promise<void> {
    await writeFileAtomic(this.#path, `${JSON.stringify(file, null, 1)}\n`, 0o600);
    this.#file = file;
  }
}
