import type { Pool } from 'pg';
import { UnixSeconds } from '#hal/units.ts';
import { Turns } from '../database/transaction.ts';
import { type LinkRow, type SessionRow, sql } from './access-sql.ts';
import { deadLink } from './refusals.ts';
import { hashOf, newSecret } from './secret.ts';

/** Seconds; NIST SP 800-63B-4 §2.2.3 allows a day. */
const sessionSeconds = 12 * 3600;
/** Time to choose a password or make a passkey. */
const linkSessionSeconds = 3600;
const linkSeconds = 86_400;
/** Of one person; the one that ends first goes. */
const mostSessions = 10;

export interface Session {
  /** SHA-256 of its token, hex. */
  readonly id: string;
  readonly user: number;
  /** Opened by a one-time link: a password may be set without the present one. */
  readonly byLink: boolean;
  readonly until: UnixSeconds;
}

/** When a person signed in, Unix s. */
export const signedInAt = ({ byLink, until }: Session): number => until - lastsSeconds(byLink);

const lastsSeconds = (byLink: boolean): number => (byLink ? linkSessionSeconds : sessionSeconds);

export interface Opened {
  readonly session: Session;
  /** For the cookie; nobody keeps it. */
  readonly token: string;
}

interface Link {
  readonly user: number;
  readonly until: UnixSeconds;
}

const idOf = (token: string): string => hashOf(token).toString('hex');

/** Who is signed in, and the one-time links that sign in. Both outlive a restart. */
export class Sessions {
  readonly #pool: Pool;
  readonly #now: () => UnixSeconds;
  readonly #turns = new Turns();
  readonly #sessions = new Map<string, Session>();
  readonly #links = new Map<string, Link>();

  constructor(pool: Pool, now: () => UnixSeconds) {
    this.#pool = pool;
    this.#now = now;
  }

  async start(): Promise<void> {
    await this.#pool.query(sql.dropExpiredSessions, [this.#now()]);
    const sessions = await this.#pool.query<SessionRow>(sql.sessions);
    for (const { token_hash: hash, user_id: user, by_link: byLink, expires_at: until } of sessions.rows) {
      const id = hash.toString('hex');
      this.#sessions.set(id, { id, user, byLink, until: UnixSeconds(until) });
    }
    const links = await this.#pool.query<LinkRow>(sql.links);
    for (const { token_hash: hash, user_id: user, expires_at: until } of links.rows) {
      this.#links.set(hash.toString('hex'), { user, until: UnixSeconds(until) });
    }
  }

  /** The session of a token, if it stands. */
  byToken(token: string): Session | undefined {
    return this.byId(idOf(token));
  }

  byId(id: string): Session | undefined {
    const session = this.#sessions.get(id);
    return session === undefined || session.until <= this.#now() ? undefined : session;
  }

  of(user: number): readonly Session[] {
    return [...this.#sessions.values()].filter((one) => one.user === user && one.until > this.#now());
  }

  open(user: number, { byLink }: { readonly byLink: boolean }): Promise<Opened> {
    return this.#turns.take(async () => {
      const own = [...this.#sessions.values()].filter((one) => one.user === user);
      const surplus = own.toSorted((a, b) => b.until - a.until).slice(mostSessions - 1);
      const expired = own.filter(({ until }) => until <= this.#now());
      await this.#remove([...new Set([...surplus, ...expired])]);
      const token = newSecret();
      const until = UnixSeconds(this.#now() + lastsSeconds(byLink));
      await this.#pool.query(sql.addSession, [hashOf(token), user, byLink, until]);
      const session = { id: idOf(token), user, byLink, until };
      this.#sessions.set(session.id, session);
      return { session, token };
    });
  }

  end(id: string): Promise<void> {
    return this.#turns.take(() => this.#remove([this.#sessions.get(id)].filter((one) => one !== undefined)));
  }

  /** Ends all sessions of a person but one. */
  endOthers(user: number, kept?: string): Promise<void> {
    return this.#turns.take(() =>
      this.#remove([...this.#sessions.values()].filter((one) => one.user === user && one.id !== kept)),
    );
  }

  /** A link that signs a person in once, within a day, in the place of the one before. */
  makeLink(user: number): Promise<{ readonly secret: string; readonly until: UnixSeconds }> {
    return this.#turns.take(async () => {
      const secret = newSecret();
      const until = UnixSeconds(this.#now() + linkSeconds);
      await this.#pool.query(sql.putLink, [hashOf(secret), user, until]);
      this.#forgetLink(user);
      this.#links.set(idOf(secret), { user, until });
      return { secret, until };
    });
  }

  /** Uses a link up; answers whose it was. Throws GTX-ACC-007 for one that is not good any more. */
  useLink(secret: string): Promise<number> {
    return this.#turns.take(async () => {
      const link = this.#links.get(idOf(secret));
      if (link === undefined) throw deadLink();
      await this.#pool.query(sql.removeLink, [link.user]);
      this.#links.delete(idOf(secret));
      if (link.until <= this.#now()) throw deadLink();
      return link.user;
    });
  }

  /** Of a person who is gone: the database has dropped them with the person. */
  forget(user: number): void {
    for (const { id, user: whose } of this.#sessions.values()) if (whose === user) this.#sessions.delete(id);
    this.#forgetLink(user);
  }

  #forgetLink(user: number): void {
    for (const [id, link] of this.#links) if (link.user === user) this.#links.delete(id);
  }

  async #remove(sessions: readonly Session[]): Promise<void> {
    if (sessions.length === 0) return;
    await this.#pool.query(sql.removeSessions, [sessions.map(({ id }) => Buffer.from(id, 'hex'))]);
    for (const { id } of sessions) this.#sessions.delete(id);
  }
}
