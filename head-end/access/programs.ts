import type { Pool } from 'pg';
import { reasonOf } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { BoundedRefusals } from '../bounded-refusals.ts';
import type { SecurityLog } from '../security-log.ts';
import type { Attempts } from './attempts.ts';
import { type ApiKey, Keys, type NewKey } from './keys.ts';
import { actorOf, type Principal } from './principal.ts';
import { wrongCredential } from './refusals.ts';
import { readKey } from './secret.ts';
import { Tokens } from './tokens.ts';

export interface ProgramsOptions {
  readonly pool: Pool;
  readonly security: SecurityLog;
  readonly attempts: Attempts;
  readonly refusals: BoundedRefusals;
  readonly now: () => UnixSeconds;
}

/** Programs that use REST: by API keys, and by the tokens that those get. */
export class Programs {
  readonly keys: Keys;
  readonly tokens: Tokens;
  readonly #attempts: Attempts;
  readonly #security: SecurityLog;
  readonly #refusals: BoundedRefusals;
  /** The day (Unix) on which an API key was last used, by its id. */
  readonly #usedOn = new Map<string, number>();
  readonly #now: () => UnixSeconds;

  constructor({ pool, security, attempts, refusals, now }: ProgramsOptions) {
    this.keys = new Keys(pool, now);
    this.tokens = new Tokens(now);
    this.#attempts = attempts;
    this.#security = security;
    this.#refusals = refusals;
    this.#now = now;
  }

  /** An `Authorization: Bearer` of a program. Rejects with GTX-ACC-003, and after many failures GTX-ACC-004 or 005. */
  async byBearer(text: string, address: string): Promise<Principal> {
    const key = readKey(text);
    const principal = key === undefined ? await this.#byToken(text) : this.#byKey(key);
    if (principal !== undefined) {
      await this.#noteUse(principal, address);
      return principal;
    }
    if (key === undefined || this.keys.byId(key.id) === undefined) {
      this.#attempts.slow(address);
      const refusal = wrongCredential(key === undefined ? 'The token' : 'The API key');
      await this.#refusals.write({ what: 'rest', actor: actorOf(undefined), reason: reasonOf(refusal), from: address });
      throw refusal;
    }
    const credential = `key ${key.id}`;
    const attempt = this.#attempts.begin(credential, address);
    await this.#attempts.failed(attempt, { actor: credential, by: 'key', address });
    throw wrongCredential('The API key');
  }

  /** What the program of a key is now; undefined once the key is not good any more. */
  current(id: string): Principal | undefined {
    const key = this.keys.byId(id);
    return key && ofKey(key);
  }

  async addKey(wanted: Omit<NewKey, 'createdBy'>, by: Principal): Promise<{ key: ApiKey; text: string }> {
    const made = await this.keys.add({ ...wanted, createdBy: actorOf(by) });
    const detail = { name: wanted.name, role: wanted.role };
    await this.#security.record({ kind: 'key-created', actor: actorOf(by), subject: made.key.id, detail });
    return made;
  }

  async revokeKey(id: string, by: Principal): Promise<void> {
    const { name } = await this.keys.revoke(id);
    this.#usedOn.delete(id);
    await this.#security.record({ kind: 'key-revoked', actor: actorOf(by), subject: id, detail: { name } });
  }

  /** The first use of an API key on a day, by itself or by a token that it got. */
  async #noteUse(principal: Principal, address: string): Promise<void> {
    if (!('key' in principal.by)) return;
    const { key } = principal.by;
    const day = Math.floor(this.#now() / 86_400);
    if (this.#usedOn.get(key) === day) return;
    this.#usedOn.set(key, day);
    await this.#security.record({ kind: 'key-use', actor: actorOf(principal), subject: key, detail: { address } });
  }

  #byKey(text: { readonly id: string; readonly secret: string }): Principal | undefined {
    if (this.#attempts.lockedFor(`key ${text.id}`) > 0) return undefined;
    const key = this.keys.verify(text);
    if (key === undefined) return undefined;
    this.#attempts.clear(`key ${key.id}`);
    return ofKey(key);
  }

  async #byToken(text: string): Promise<Principal | undefined> {
    const verified = await this.tokens.verify(text);
    const key = verified === undefined ? undefined : this.keys.byId(verified.key);
    if (verified === undefined || key === undefined) return undefined;
    return { ...ofKey(key), by: { key: key.id, token: true }, until: verified.until };
  }
}

/** As far as a key itself is concerned, for ever. */
const ofKey = (key: ApiKey): Principal => ({
  name: key.name,
  role: key.role,
  meters: key.meters,
  by: { key: key.id },
  until: key.until ?? (Number.MAX_SAFE_INTEGER as UnixSeconds),
});
