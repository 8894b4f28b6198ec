import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { inTransaction, Turns } from '../database/transaction.ts';
import { type PasskeyRow, sql, type UserRow } from './access-sql.ts';
import { absentHere, standsAgainst } from './refusals.ts';
import type { Role } from './roles.ts';

export interface Passkey {
  /** The credential id, base64url. */
  readonly id: string;
  /** What its owner calls it. */
  readonly name: string;
  /** COSE (RFC 9052). */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** How often its authenticator says that it signed; 0 where it does not count. */
  readonly counter: number;
  readonly transports: readonly string[];
  /** The host name that it is good for. */
  readonly relyingParty: string;
  readonly createdAt: UnixSeconds;
}

export interface User {
  readonly id: number;
  readonly name: string;
  readonly role: Role;
  /** Of an owner's buildings, by meterId. */
  readonly meters: readonly string[];
  /** 32 random octets: what an authenticator knows the person by. */
  readonly handle: Uint8Array<ArrayBuffer>;
  readonly passwordHash: string | undefined;
  readonly passkeys: readonly Passkey[];
  readonly createdAt: UnixSeconds;
}

export interface RoleFacts {
  readonly role: Role;
  /** Of an owner; empty for other roles. */
  readonly meters: readonly string[];
}

const mostUsers = 10_000;
const mostPasskeys = 10;

/** People who may sign in, all in memory, so that a request costs no query. */
export class Users {
  readonly #pool: Pool;
  readonly #turns = new Turns();
  readonly #byId = new Map<number, User>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async start(): Promise<void> {
    const users = await this.#pool.query<UserRow>(sql.users);
    const passkeys = await this.#pool.query<PasskeyRow>(sql.passkeys);
    for (const row of users.rows) {
      const own = passkeys.rows.filter((passkey) => passkey.user_id === row.id).map(passkeyOf);
      this.#byId.set(row.id, userOf(row, own));
    }
  }

  /** By the order in which they were added. */
  all(): readonly User[] {
    return [...this.#byId.values()];
  }

  byId(id: number): User | undefined {
    return this.#byId.get(id);
  }

  byName(name: string): User | undefined {
    const lower = name.toLowerCase();
    return this.all().find((user) => user.name === lower);
  }

  byPasskey(id: string): User | undefined {
    return this.all().find(({ passkeys }) => passkeys.some((passkey) => passkey.id === id));
  }

  /** Throws GTX-ACC-008 where there is nobody of that name. */
  named(name: string): User {
    const user = this.byName(name);
    if (user === undefined) throw absentHere(`user ${name}`);
    return user;
  }

  /** Throws GTX-ACC-009 where the name is taken. */
  add(name: string, { role, meters }: RoleFacts): Promise<User> {
    const lower = name.toLowerCase();
    return this.#turns.take(async () => {
      if (this.byName(lower) !== undefined) {
        throw standsAgainst(`There is a user ${lower} already`, 'Choose another name, or change that user.');
      }
      if (this.#byId.size >= mostUsers)
        throw standsAgainst(`There are ${mostUsers} users already`, 'Remove some first.');
      const handle = randomBytes(32);
      const at = wallSeconds();
      const { rows } = await this.#pool.query<{ id: number }>(sql.addUser, [lower, role, meters, handle, at]);
      const row = { id: rows[0]!.id, name: lower, role, meters, handle, password: null, created_at: at };
      return this.#keep(userOf(row, []));
    });
  }

  /** Throws GTX-ACC-008, and GTX-ACC-009 where nobody would be left who administers. */
  change(name: string, { role, meters }: RoleFacts): Promise<{ readonly before: User; readonly user: User }> {
    return this.#turns.take(async () => {
      const before = this.named(name);
      if (role !== 'administrator') this.#requireAnother(before);
      await this.#pool.query(sql.changeUser, [before.id, role, meters]);
      return { before, user: this.#keep({ ...before, role, meters }) };
    });
  }

  /** Throws as `change`. */
  remove(name: string): Promise<User> {
    return this.#turns.take(async () => {
      const user = this.named(name);
      this.#requireAnother(user);
      await this.#pool.query(sql.removeUser, [user.id]);
      this.#byId.delete(user.id);
      return user;
    });
  }

  setPassword(id: number, hash: string): Promise<User> {
    return this.#turns.take(async () => {
      const user = this.#present(id);
      await this.#pool.query(sql.setPassword, [id, hash]);
      return this.#keep({ ...user, passwordHash: hash });
    });
  }

  /** Takes a person's password and passkeys away. */
  clearCredentials(id: number): Promise<User> {
    return this.#turns.take(async () => {
      const user = this.#present(id);
      await inTransaction(this.#pool, async (client) => {
        await client.query(sql.clearPassword, [id]);
        await client.query(sql.removePasskeys, [id]);
      });
      return this.#keep({ ...user, passwordHash: undefined, passkeys: [] });
    });
  }

  /** Throws GTX-ACC-009 for one passkey too many, or one that is somebody's already. */
  addPasskey(id: number, passkey: Passkey): Promise<User> {
    return this.#turns.take(async () => {
      const user = this.#present(id);
      if (user.passkeys.length >= mostPasskeys) {
        throw standsAgainst(`There are ${mostPasskeys} passkeys already`, 'Remove one that is not used any more.');
      }
      if (this.byPasskey(passkey.id) !== undefined) {
        throw standsAgainst('This passkey is known already', 'Sign in with it.');
      }
      const { name, publicKey, counter, transports, relyingParty, createdAt } = passkey;
      const values = [passkey.id, id, name, publicKey, counter, transports, relyingParty, createdAt];
      await this.#pool.query(sql.addPasskey, values);
      return this.#keep({ ...user, passkeys: [...user.passkeys, passkey] });
    });
  }

  /** Remembers how often a passkey has signed. */
  countPasskey(id: number, passkey: string, counter: number): Promise<User> {
    return this.#turns.take(async () => {
      const user = this.#present(id);
      await this.#pool.query(sql.countPasskey, [passkey, counter]);
      const passkeys = user.passkeys.map((one) => (one.id === passkey ? { ...one, counter } : one));
      return this.#keep({ ...user, passkeys });
    });
  }

  /** Throws GTX-ACC-008 where the person has no such passkey. */
  removePasskey(id: number, passkey: string): Promise<User> {
    return this.#turns.take(async () => {
      const user = this.#present(id);
      const passkeys = user.passkeys.filter((one) => one.id !== passkey);
      if (passkeys.length === user.passkeys.length) throw absentHere('passkey of that id');
      await this.#pool.query(sql.removePasskey, [passkey]);
      return this.#keep({ ...user, passkeys });
    });
  }

  #present(id: number): User {
    const user = this.#byId.get(id);
    if (user === undefined) throw absentHere('user of that session any more');
    return user;
  }

  #requireAnother(user: User): void {
    const isLast = !this.all().some((one) => one.id !== user.id && one.role === 'administrator');
    if (user.role !== 'administrator' || !isLast) return;
    throw standsAgainst(`${user.name} is the last administrator`, 'Make somebody else one first.');
  }

  #keep(user: User): User {
    this.#byId.set(user.id, user);
    return user;
  }
}

const userOf = (row: UserRow, passkeys: readonly Passkey[]): User => ({
  id: row.id,
  name: row.name,
  role: row.role as Role,
  meters: row.meters,
  handle: Uint8Array.from(row.handle),
  passwordHash: row.password ?? undefined,
  passkeys,
  createdAt: UnixSeconds(row.created_at),
});

const passkeyOf = (row: PasskeyRow): Passkey => ({
  id: row.id,
  name: row.name,
  publicKey: Uint8Array.from(row.public_key),
  counter: row.counter,
  transports: row.transports,
  relyingParty: row.relying_party,
  createdAt: UnixSeconds(row.created_at),
});
