import type { UnixSeconds } from '#hal/units.ts';
import { type Grant, grantOf, type Right, type Role } from './roles.ts';

/** Who was recognised behind a request. */
export interface Principal {
  /** Of a person the name, of a program its key's. */
  readonly name: string;
  readonly role: Role;
  /** The meters of an owner's buildings; empty for other roles. */
  readonly meters: readonly string[];
  /** By what: a session of a person, an API key of a program, or a token that was got with one. */
  readonly by: { readonly session: string } | { readonly key: string } | { readonly key: string; readonly token: true };
  /** Recognised until then, if nothing is revoked. */
  readonly until: UnixSeconds;
}

export type Verdict = { readonly at: 'granted'; readonly grant: Grant } | { readonly at: 'unknown' | 'denied' };

export interface Asked {
  readonly right: Right;
  /** The one device that the path names. */
  readonly meter?: string;
  /** Whoever reaches this listener may watch the live campus. */
  readonly isWatchOpen: boolean;
}

/** Whether someone, or nobody known, may do what a route needs. What nothing grants is denied. */
export function verdictOf(principal: Principal | undefined, { right, meter, isWatchOpen }: Asked): Verdict {
  if (right === 'open') return { at: 'granted', grant: 'all' };
  if (principal === undefined) {
    return right === 'watch' && isWatchOpen ? { at: 'granted', grant: 'all' } : { at: 'unknown' };
  }
  const grant = grantOf(right, principal.role);
  if (grant === undefined) return { at: 'denied' };
  if (grant === 'own' && meter !== undefined && !principal.meters.includes(meter)) return { at: 'denied' };
  return { at: 'granted', grant };
}

/** What is written down as the actor. */
export const actorOf = (principal: Principal | undefined): string =>
  principal === undefined ? 'nobody' : 'session' in principal.by ? principal.name : `key ${principal.name}`;
