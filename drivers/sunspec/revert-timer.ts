import type { UnixSeconds } from '#hal/units.ts';

/** The reversion timer of a control (SunSpec DER models: `…RvrtTms`): armed by a write, run by the site's clock. */
export class RevertTimer {
  #at: number | undefined;

  /** Starts anew; 0 seconds means that the control never reverts. */
  arm(now: UnixSeconds, seconds: number): void {
    this.#at = seconds === 0 ? undefined : now + seconds;
  }

  disarm(): void {
    this.#at = undefined;
  }

  /** When it is due; never while it does not run. */
  get dueAt(): number {
    return this.#at ?? Infinity;
  }

  /** Seconds left, 0 when it does not run. */
  remaining(now: UnixSeconds): number {
    return this.#at === undefined ? 0 : Math.max(0, this.#at - now);
  }
}
