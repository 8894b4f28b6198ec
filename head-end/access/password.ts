import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { badPassword, tooBusy } from './refusals.ts';

/** RFC 9106 §4, the second recommended option: argon2id with 3 passes, 4 lanes, 64 MiB, 128-bit salt, 256-bit tag. */
const recommended = { passes: 3, parallelism: 4, memory: 65_536, tagLength: 32, saltLength: 16 } as const;

/** Characters; NIST SP 800-63B-4 §3.1.1.2: 15 where the password is the only factor. */
export const shortestPassword = 15;
export const longestPassword = 256;
const fewestDistinct = 5;

export interface PasswordCost {
  readonly passes: number;
  readonly parallelism: number;
  /** KiB. */
  readonly memory: number;
}

/** One form for the same text, however it was typed (NIST SP 800-63B-4 §3.1.1.2). */
const normal = (password: string): string => password.normalize('NFKC');

/** Throws GTX-ACC-006 for a password that is too easily found. */
export function checkPassword(password: string, name: string): void {
  const { length } = Array.from(normal(password));
  if (length < shortestPassword)
    throw badPassword(`The password has ${length} characters; ${shortestPassword} is the least`);
  if (length > longestPassword)
    throw badPassword(`The password has ${length} characters; ${longestPassword} is the most`);
  if (new Set(password).size < fewestDistinct) throw badPassword('The password repeats few characters');
  const rest = password.toLowerCase().replaceAll(name.toLowerCase(), '').replaceAll('gridtokenx', '');
  if (rest.length < fewestDistinct) throw badPassword('The password is little more than a name');
}

/**
 * Hashes passwords and checks them against their hashes, two at a time, so that many attempts at once take neither the
 * machine's memory nor its cores; beyond 32 that wait it throws GTX-ACC-012.
 */
export class Passwords {
  readonly #cost: PasswordCost;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  #decoy: Promise<string> | undefined;

  constructor(cost: PasswordCost = recommended) {
    this.#cost = cost;
  }

  /** In the PHC string format: `$argon2id$v=19$m=65536,t=3,p=4$salt$hash`. */
  async hash(password: string): Promise<string> {
    const { passes, parallelism, memory } = this.#cost;
    const salt = randomBytes(recommended.saltLength);
    const tag = await this.#derive(password, salt, recommended.tagLength, this.#cost);
    return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`;
  }

  /** Takes as long without a hash as with one, so that it does not tell who is known. */
  async verify(password: string, hash: string | undefined): Promise<boolean> {
    this.#decoy ??= this.hash(randomBytes(32).toString('base64'));
    const { salt, tag, cost } = readHash(hash ?? (await this.#decoy));
    const own = await this.#derive(password, salt, tag.length, cost);
    return timingSafeEqual(own, tag) && hash !== undefined;
  }

  async #derive(password: string, nonce: Uint8Array, tagLength: number, cost: PasswordCost): Promise<Buffer> {
    if (this.#running < 2) this.#running++;
    else if (this.#waiting.length >= 32) throw tooBusy();
    // Whoever is done hands its place on.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      argon2('argon2id', { message: normal(password), nonce, tagLength, ...cost }, (error, tag) =>
        error === null ? resolve(tag) : reject(error),
      );
      return await promise;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

const base64 = (octets: Buffer): string => octets.toString('base64').replace(/=+$/, '');

function readHash(text: string): { salt: Buffer; tag: Buffer; cost: PasswordCost } {
  const [, memory, passes, parallelism, salt, tag] =
    /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/.exec(text) ?? [];
  if (salt === undefined || tag === undefined) throw new RangeError('a stored password hash has another format');
  return {
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
    cost: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
  };
}
