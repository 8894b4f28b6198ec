import type { Pool } from 'pg';
import { reasonOf } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { BoundedRefusals } from '../bounded-refusals.ts';
import type { SecurityEntry, SecurityLog } from '../security-log.ts';
import { type Attempt, Attempts } from './attempts.ts';
import {
  type AuthenticationAnswer,
  Passkeys,
  type RegistrationAnswer,
  type RequestOptions,
  type Site,
} from './passkeys.ts';
import { checkPassword, type PasswordCost, Passwords } from './password.ts';
import { actorOf, type Principal } from './principal.ts';
import { Programs } from './programs.ts';
import { badPasskey, staleSignIn, wrongCredential } from './refusals.ts';
import { type Opened, type Session, Sessions, signedInAt } from './sessions.ts';
import { type RoleFacts, type User, Users } from './users.ts';

export interface AccessOptions {
  readonly pool: Pool;
  readonly security: SecurityLog;
  /** Wall time; the machine's unless told. */
  readonly now?: () => UnixSeconds;
  /** What a password costs to hash; RFC 9106's recommendation unless told. */
  readonly passwordCost?: PasswordCost;
}

const firstAdministrator = 'administrator';
/** After a sign-in. */
const freshSeconds = 900;

/** A person who is signed in, with the session that says so. */
export interface SignedIn {
  readonly user: User;
  readonly session: Session;
}

/** Who may use REST and the page: people with passwords and passkeys, programs with API keys and tokens. */
export class Access {
  readonly users: Users;
  /** Those who are no people. */
  readonly programs: Programs;
  readonly #sessions: Sessions;
  readonly #passkeys: Passkeys;
  readonly #passwords: Passwords;
  readonly #attempts: Attempts;
  readonly #security: SecurityLog;
  readonly #refusals: BoundedRefusals;
  readonly #now: () => UnixSeconds;

  constructor({ pool, security, now = wallSeconds, passwordCost }: AccessOptions) {
    this.users = new Users(pool);
    this.#sessions = new Sessions(pool, now);
    this.#passkeys = new Passkeys(now);
    this.#passwords = new Passwords(passwordCost);
    this.#attempts = new Attempts(security, now);
    this.#security = security;
    this.#refusals = new BoundedRefusals(security, now);
    this.programs = new Programs({ pool, security, attempts: this.#attempts, refusals: this.#refusals, now });
    this.#now = now;
  }

  /** Loads who is known. Answers the secret of a one-time link while no administrator can sign in. */
  async start(): Promise<{ readonly firstLink: string | undefined }> {
    await this.users.start();
    await this.#sessions.start();
    await this.programs.keys.start();
    const administrators = this.users.all().filter(({ role }) => role === 'administrator');
    if (administrators.some((one) => one.passwordHash !== undefined || one.passkeys.length > 0)) {
      return { firstLink: undefined };
    }
    const facts = { role: 'administrator', meters: [] } as const;
    const first = administrators[0] ?? (await this.users.add(firstAdministrator, facts));
    return { firstLink: await this.#linkFor(first, 'head-end') };
  }

  /** The person behind a session's cookie. */
  byCookie(token: string): Principal | undefined {
    return this.#principalOf(this.#sessions.byToken(token));
  }

  /** What a principal is now: undefined once its session, key or token is not good any more. */
  current({ by, until }: Principal): Principal | undefined {
    if (until <= this.#now()) return undefined;
    if ('session' in by) return this.#principalOf(this.#sessions.byId(by.session));
    const program = this.programs.current(by.key);
    return program && { ...program, by, until };
  }

  /** The person behind a principal; undefined for a program. */
  personOf({ by }: Principal): SignedIn | undefined {
    const session = 'session' in by ? this.#sessions.byId(by.session) : undefined;
    const user = session === undefined ? undefined : this.users.byId(session.user);
    return session === undefined || user === undefined ? undefined : { user, session };
  }

  /** Rejects with GTX-ACC-003 for a wrong name or password, GTX-ACC-004 while it is locked, GTX-ACC-005. */
  async signIn(name: string, password: string, address: string): Promise<Opened> {
    const credential = `password ${name.toLowerCase()}`;
    const user = this.users.byName(name);
    const attempt = this.#attempts.begin(credential, address);
    const isRight = await this.#verify(attempt, password, user?.passwordHash);
    if (user === undefined || !isRight) {
      const failure = { actor: user?.name ?? unknownName, by: 'password', address } as const;
      await this.#attempts.failed(attempt, failure, user === undefined ? unknownName : credential);
      throw wrongCredential('The name or the password');
    }
    this.#attempts.clear(credential);
    return this.#open(user, 'password', address);
  }

  passkeyRequest(site: Site, address: string): Promise<RequestOptions> {
    this.#attempts.slow(address);
    return this.#passkeys.request(site);
  }

  /** Rejects with GTX-ACC-010, GTX-ACC-004 while the passkey is locked, GTX-ACC-005. */
  async signInByPasskey(site: Site, answer: AuthenticationAnswer, address: string): Promise<Opened> {
    const user = this.users.byPasskey(answer.id);
    const passkey = user?.passkeys.find(({ id }) => id === answer.id);
    if (user === undefined || passkey === undefined) {
      this.#attempts.slow(address);
      const refusal = badPasskey('it is not known here');
      await this.noteRefusal(undefined, reasonOf(refusal), address);
      throw refusal;
    }
    const credential = `passkey ${passkey.id}`;
    const attempt = this.#attempts.begin(credential, address);
    try {
      const counter = await this.#passkeys.signed(passkey, site, answer);
      await this.users.countPasskey(user.id, passkey.id, counter);
    } catch (error) {
      await this.#attempts.failed(attempt, { actor: user.name, by: 'passkey', address });
      throw error;
    }
    this.#attempts.clear(credential);
    return this.#open(user, 'passkey', address);
  }

  /** Signs the person in whom the link is for, once. Rejects with GTX-ACC-007. */
  async signInByLink(secret: string, address: string): Promise<Opened> {
    this.#attempts.slow(address);
    const user = this.users.byId(await this.#sessions.useLink(secret));
    if (user === undefined) throw wrongCredential('The link');
    return this.#open(user, 'link', address);
  }

  async signOut({ user, session }: SignedIn): Promise<void> {
    await this.#sessions.end(session.id);
    await this.#note({ kind: 'sign-out', actor: user.name });
  }

  /**
   * Gives a person another password and ends the person's other sessions. The present one is asked for, but of who came
   * by a link. Rejects with GTX-ACC-003, 004 and 006.
   */
  async setPassword(
    { user, session }: SignedIn,
    present: string | undefined,
    next: string,
    from: string,
  ): Promise<void> {
    checkPassword(next, user.name);
    const credential = `password ${user.name}`;
    if (!session.byLink && user.passwordHash !== undefined) {
      const attempt = this.#attempts.begin(credential, from);
      if (!(await this.#verify(attempt, present ?? '', user.passwordHash))) {
        await this.#attempts.failed(attempt, { actor: user.name, by: 'password', address: from });
        throw wrongCredential('The present password');
      }
    }
    await this.users.setPassword(user.id, await this.#passwords.hash(next));
    this.#attempts.clear(credential);
    await this.#sessions.endOthers(user.id, session.id);
    await this.#note({ kind: 'password-set', actor: user.name });
  }

  /** A borrowed session must not leave a key behind: rejects with GTX-ACC-014 a quarter of an hour after the sign-in. */
  async passkeyCreation({ user, session }: SignedIn, site: Site): ReturnType<Passkeys['creation']> {
    if (this.#now() - signedInAt(session) > freshSeconds) throw staleSignIn();
    return this.#passkeys.creation(user, site);
  }

  async addPasskey({ user }: SignedIn, site: Site, name: string, answer: RegistrationAnswer): Promise<User> {
    const passkey = await this.#passkeys.created(user, site, name, answer);
    const changed = await this.users.addPasskey(user.id, passkey);
    await this.#note({ kind: 'passkey-added', actor: user.name, subject: passkey.id });
    return changed;
  }

  async removePasskey({ user }: SignedIn, id: string): Promise<void> {
    await this.users.removePasskey(user.id, id);
    await this.#note({ kind: 'passkey-removed', actor: user.name, subject: id });
  }

  sessionsOf(user: User): number {
    return this.#sessions.of(user.id).length;
  }

  /** Seconds that the password of a person is locked for. */
  lockedFor(user: User): number {
    return this.#attempts.lockedFor(`password ${user.name}`);
  }

  /** Adds a person, who chooses a password or makes a passkey by a one-time link. */
  async addUser(name: string, facts: RoleFacts, by: Principal): Promise<User> {
    const user = await this.users.add(name, facts);
    await this.#note({ kind: 'user-added', actor: actorOf(by), subject: user.name, detail: { role: facts.role } });
    return user;
  }

  async changeUser(name: string, facts: RoleFacts, by: Principal): Promise<User> {
    const { before, user } = await this.users.change(name, facts);
    const detail = { before: before.role, role: user.role, meters: user.meters.join(' ') };
    await this.#note({ kind: 'role-change', actor: actorOf(by), subject: user.name, detail });
    return user;
  }

  async removeUser(name: string, by: Principal): Promise<void> {
    const user = await this.users.remove(name);
    this.#sessions.forget(user.id);
    await this.#note({ kind: 'user-removed', actor: actorOf(by), subject: user.name });
  }

  /**
   * A one-time link for a person, good for a day, as the only way in: password, passkeys and sessions end, since who
   * needs a link has lost them, maybe to somebody. It lifts the lock of the password.
   */
  async makeLink(name: string, by: Principal): Promise<string> {
    const { id } = this.users.named(name);
    const user = await this.users.clearCredentials(id);
    await this.#sessions.endOthers(id);
    return this.#linkFor(user, actorOf(by));
  }

  /** Somebody, or nobody known, was refused; of a flood only the first are written down. */
  noteRefusal(by: Principal | undefined, reason: string, from: string): Promise<void> {
    return this.#refusals.write({ what: 'rest', actor: actorOf(by), reason, from });
  }

  /** Before something is changed: what cannot be written down does not happen. */
  noteAction(by: Principal, method: string, path: string): Promise<void> {
    return this.#note({ kind: 'operator-action', actor: actorOf(by), subject: `${method} ${path}` });
  }

  /** Whether a password is right; an attempt that could not be looked at does not count. */
  async #verify(attempt: Attempt, password: string, hash: string | undefined): Promise<boolean> {
    try {
      return await this.#passwords.verify(password, hash);
    } catch (error) {
      this.#attempts.takeBack(attempt);
      throw error;
    }
  }

  async #linkFor(user: User, actor: string): Promise<string> {
    const { secret } = await this.#sessions.makeLink(user.id);
    this.#attempts.clear(`password ${user.name}`);
    await this.#note({ kind: 'link-made', actor, subject: user.name });
    return secret;
  }

  async #open(user: User, by: string, address: string): Promise<Opened> {
    await this.#note({ kind: 'sign-in', actor: user.name, detail: { by, address } });
    return this.#sessions.open(user.id, { byLink: by === 'link' });
  }

  #principalOf(session: Session | undefined): Principal | undefined {
    const user = session === undefined ? undefined : this.users.byId(session.user);
    if (session === undefined || user === undefined) return undefined;
    return { name: user.name, role: user.role, meters: user.meters, by: { session: session.id }, until: session.until };
  }

  #note(entry: SecurityEntry): Promise<void> {
    return this.#security.record(entry);
  }
}

/** Not as it was typed: it may be a password in the wrong field. */
const unknownName = 'an unknown name';
