import type { UnixSeconds } from '#hal/units.ts';
import type { SecurityLog } from '../security-log.ts';
import { LockOuts } from './lock-outs.ts';
import { lockedOut, throttled } from './refusals.ts';
import { Throttle } from './throttle.ts';

/** Failed attempts of one source: so many at once, then one in two seconds. */
const throttle = { burst: 20, perSecond: 0.5 };

/** What failed, for the security log. */
export interface Failure {
  /** A name that is known, or a word for those that are not: what was typed may be a password. */
  readonly actor: string;
  readonly by: 'password' | 'passkey' | 'key';
  readonly address: string;
}

/** An attempt that counts as failed until it is told otherwise. */
export interface Attempt {
  readonly credential: string;
  /** Seconds that it locks the credential for when it fails; 0 for none. */
  readonly locks: number;
}

/** Locks credentials that fail, slows down where failures come from, and writes both down. */
export class Attempts {
  readonly #lockOuts = new LockOuts();
  readonly #throttle = new Throttle(throttle);
  readonly #security: SecurityLog;
  readonly #now: () => UnixSeconds;

  constructor(security: SecurityLog, now: () => UnixSeconds) {
    this.#security = security;
    this.#now = now;
  }

  /** Throws GTX-ACC-005 for a source that comes too fast. */
  slow(address: string): void {
    const wait = this.#throttle.take(address, this.#now());
    if (wait > 0) throw throttled(wait);
  }

  /** Seconds that a credential is locked for. */
  lockedFor(credential: string): number {
    return this.#lockOuts.lockedFor(credential, this.#now());
  }

  /** Counts an attempt as failed before it is looked at. Throws GTX-ACC-005, and GTX-ACC-004 for a locked credential. */
  begin(credential: string, address: string): Attempt {
    this.slow(address);
    const seconds = this.lockedFor(credential);
    if (seconds > 0) throw lockedOut(seconds);
    return { credential, locks: this.#lockOuts.attempted(credential, this.#now()) };
  }

  /** The attempt was good, or the credential is another one now. */
  clear(credential: string): void {
    this.#lockOuts.clear(credential);
  }

  /** The attempt was not looked at, for a fault of ours: it does not count. */
  takeBack({ credential }: Attempt): void {
    this.#lockOuts.takeBack(credential);
  }

  /** The attempt has failed. `shown`: what the credential is called, where its own name may be a secret. */
  async failed({ credential, locks: seconds }: Attempt, failure: Failure, shown = credential): Promise<void> {
    const { actor, by, address } = failure;
    await this.#security.record({ kind: 'sign-in-failure', actor, detail: { by, address } });
    if (seconds > 0) {
      await this.#security.record({ kind: 'lock-out', actor: 'head-end', subject: shown, detail: { seconds } });
    }
  }
}
