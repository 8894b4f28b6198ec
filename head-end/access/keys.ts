import { timingSafeEqual } from 'node:crypto';
import type { Pool } from 'pg';
import { UnixSeconds } from '#hal/units.ts';
import { Turns } from '../database/transaction.ts';
import { type KeyRow, sql } from './access-sql.ts';
import { absentHere, standsAgainst } from './refusals.ts';
import type { Role } from './roles.ts';
import { hashOf, keyText, type KeyText, newKeyId, newSecret } from './secret.ts';
import type { RoleFacts } from './users.ts';

/** What a program identifies itself with. */
export interface ApiKey extends RoleFacts {
  /** 12 hex digits; no secret. */
  readonly id: string;
  readonly name: string;
  readonly secretHash: Uint8Array;
  readonly createdAt: UnixSeconds;
  readonly createdBy: string;
  /** For ever without it. */
  readonly until: UnixSeconds | undefined;
}

export interface NewKey extends RoleFacts {
  readonly name: string;
  readonly createdBy: string;
  readonly until: UnixSeconds | undefined;
}

const mostKeys = 1000;

/** API keys of programs. Of each only the hash of its secret is kept. */
export class Keys {
  readonly #pool: Pool;
  readonly #now: () => UnixSeconds;
  readonly #turns = new Turns();
  readonly #byId = new Map<string, ApiKey>();
  #local: ApiKey | undefined;

  constructor(pool: Pool, now: () => UnixSeconds) {
    this.#pool = pool;
    this.#now = now;
  }

  async start(): Promise<void> {
    const { rows } = await this.#pool.query<KeyRow>(sql.keys);
    for (const row of rows) this.#byId.set(row.id, keyOf(row));
  }

  /** By the order in which they were made; without the local one. */
  all(): readonly ApiKey[] {
    return [...this.#byId.values()];
  }

  /** The key of an id, if it is good now. */
  byId(id: string): ApiKey | undefined {
    const key = this.#local?.id === id ? this.#local : this.#byId.get(id);
    return key?.until !== undefined && key.until <= this.#now() ? undefined : key;
  }

  /** The key, if its secret is right. */
  verify({ id, secret }: KeyText): ApiKey | undefined {
    const key = this.byId(id);
    return key !== undefined && timingSafeEqual(hashOf(secret), key.secretHash) ? key : undefined;
  }

  /** Answers the text of the key, which nobody can show again. Throws GTX-ACC-009 where the name is taken. */
  add(wanted: NewKey): Promise<{ readonly key: ApiKey; readonly text: string }> {
    return this.#turns.take(async () => {
      if (this.all().some(({ name }) => name === wanted.name)) {
        throw standsAgainst(`There is a key ${wanted.name} already`, 'Choose another name, or revoke that one.');
      }
      if (this.#byId.size >= mostKeys) throw standsAgainst(`There are ${mostKeys} keys already`, 'Revoke some first.');
      const { key, text } = this.#make(wanted);
      const { id, name, secretHash, role, meters, createdAt, createdBy, until } = key;
      await this.#pool.query(sql.addKey, [id, name, secretHash, role, meters, createdAt, createdBy, until ?? null]);
      this.#byId.set(id, key);
      return { key, text };
    });
  }

  /** Throws GTX-ACC-008 where there is no such key. */
  revoke(id: string): Promise<ApiKey> {
    return this.#turns.take(async () => {
      const key = this.#byId.get(id);
      if (key === undefined) throw absentHere(`key ${id}`);
      await this.#pool.query(sql.removeKey, [id]);
      this.#byId.delete(id);
      return key;
    });
  }

  /** Another key for whoever may read this machine's data folder; it lives as long as this program. */
  makeLocal(name: string, role: Role): string {
    const { key, text } = this.#make({ name, role, meters: [], createdBy: 'head-end', until: undefined });
    this.#local = key;
    return text;
  }

  #make(wanted: NewKey): { key: ApiKey; text: string } {
    const [id, secret] = [newKeyId(), newSecret()];
    const key = { ...wanted, id, secretHash: hashOf(secret), createdAt: this.#now() };
    return { key, text: keyText({ id, secret }) };
  }
}

const keyOf = (row: KeyRow): ApiKey => ({
  id: row.id,
  name: row.name,
  secretHash: row.secret_hash,
  role: row.role as Role,
  meters: row.meters,
  createdAt: UnixSeconds(row.created_at),
  createdBy: row.created_by,
  until: row.expires_at === null ? undefined : UnixSeconds(row.expires_at),
});
