/** Failures in a row after which a unit is left alone for a while. */
const failuresBeforeQuarantine = 3;
const firstBackOffMs = 1000;
const longestBackOffMs = 30_000;

/**
 * Whether a unit (or a whole bus) is worth asking. After three failures in a row it is left alone, for 1 s, then twice
 * as long each time up to 30 s; in between one request goes through to see whether it is back.
 */
export class UnitHealth {
  #failures = 0;
  #backOffMs = firstBackOffMs;
  #quarantinedUntil = 0;
  #isProbed = false;

  /** It failed last time. */
  get isSuspect(): boolean {
    return this.#failures > 0;
  }

  /** Milliseconds for which nothing is sent; 0 when a request may go. */
  quarantineMs(now: number): number {
    if (this.#failures < failuresBeforeQuarantine) return 0;
    if (now < this.#quarantinedUntil) return this.#quarantinedUntil - now;
    return this.#isProbed ? Infinity : 0;
  }

  /** A request is on its way. */
  onSent(): void {
    if (this.#failures >= failuresBeforeQuarantine) this.#isProbed = true;
  }

  /** The request came to nothing for a reason that says nothing of the unit. */
  onUnsent(): void {
    this.#isProbed = false;
  }

  onAnswer(): void {
    this.#failures = 0;
    this.#backOffMs = firstBackOffMs;
    this.#isProbed = false;
  }

  /** No answer came, or a damaged one. Whether it is left alone from now on. */
  onFailure(now: number): boolean {
    this.#failures++;
    this.#isProbed = false;
    if (this.#failures < failuresBeforeQuarantine) return false;
    this.#quarantinedUntil = now + this.#backOffMs;
    this.#backOffMs = Math.min(longestBackOffMs, 2 * this.#backOffMs);
    return true;
  }
}
