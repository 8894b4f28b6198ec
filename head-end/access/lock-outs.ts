import type { UnixSeconds } from '#hal/units.ts';

/** So many failed authentications in a row lock a credential. */
export const failuresToLock = 3;
/** The first lock, seconds; each further failure doubles it. */
const firstLockSeconds = 30;
const longestLockSeconds = 3600;
/** Failures that are older count no more. */
const forgetSeconds = 86_400;

interface Failures {
  count: number;
  last: UnixSeconds;
  lockedUntil: number;
}

/**
 * Locks a credential for a growing time when it fails too often: 30 s after the third failure, then twice as long each
 * time, at most an hour (NIST SP 800-63B-4 §3.2.2 asks for such a limit). Bounded: beyond the capacity the credential
 * whose last failure is longest ago is forgotten.
 */
export class LockOuts {
  readonly #failures = new Map<string, Failures>();
  readonly #capacity: number;

  constructor(capacity = 10_000) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#failures.size;
  }

  /** Seconds that a credential is locked for from now on; 0 for one that is not. */
  lockedFor(credential: string, now: UnixSeconds): number {
    return Math.max(0, (this.#failures.get(credential)?.lockedUntil ?? 0) - now);
  }

  /**
   * Counts an attempt as failed before it is looked at, so that attempts side by side do not pass the limit; ask
   * `lockedFor` first. Answers the seconds of the lock that this failure brings, 0 for none.
   */
  attempted(credential: string, now: UnixSeconds): number {
    const known = this.#failures.get(credential);
    const before = known === undefined || now - known.last > forgetSeconds ? 0 : known.count;
    const count = before + 1;
    const seconds =
      count < failuresToLock ? 0 : Math.min(longestLockSeconds, firstLockSeconds * 2 ** (count - failuresToLock));
    this.#failures.delete(credential);
    this.#failures.set(credential, { count, last: now, lockedUntil: seconds === 0 ? 0 : now + seconds });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > this.#capacity && oldest !== undefined) this.#failures.delete(oldest);
    return seconds;
  }

  /** An attempt was not looked at: it counts no more, and the lock that it may have brought is lifted. */
  takeBack(credential: string): void {
    const known = this.#failures.get(credential);
    if (known === undefined) return;
    known.count--;
    known.lockedUntil = 0;
    if (known.count === 0) this.#failures.delete(credential);
  }

  /** The attempt was good after all, or the credential is another one now. */
  clear(credential: string): void {
    this.#failures.delete(credential);
  }
}
