import { networkOf } from '../network.ts';

interface Bucket {
  tokens: number;
  at: number;
}

export interface ThrottleOptions {
  /** Attempts at once. */
  readonly burst: number;
  /** Attempts a second after that. */
  readonly perSecond: number;
  /** Sources that are remembered; 10,000 unless told. */
  readonly capacity?: number;
}

/**
 * Slows down the sources of failed attempts, never locks them: a token bucket an address. Honest ones behind the same
 * address wait for seconds at most. Bounded: a bucket that is full again is forgotten, and beyond the capacity the one
 * that was used longest ago.
 */
export class Throttle {
  readonly #buckets = new Map<string, Bucket>();
  readonly #options: Required<ThrottleOptions>;

  constructor(options: ThrottleOptions) {
    this.#options = { capacity: 10_000, ...options };
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes one attempt of a source at a time in seconds. Answers 0, or the seconds that it has to wait. */
  take(address: string, now: number): number {
    const { burst, perSecond, capacity } = this.#options;
    const source = networkOf(address);
    const known = this.#buckets.get(source);
    const tokens =
      known === undefined ? burst : Math.min(burst, known.tokens + Math.max(0, now - known.at) * perSecond);
    this.#buckets.delete(source);
    if (tokens < 1) {
      this.#buckets.set(source, { tokens, at: now });
      return Math.ceil((1 - tokens) / perSecond);
    }
    this.#buckets.set(source, { tokens: tokens - 1, at: now });
    this.#forget(now, capacity);
    return 0;
  }

  #forget(now: number, capacity: number): void {
    const { burst, perSecond } = this.#options;
    for (const [source, { tokens, at }] of this.#buckets) {
      // They stand in the order of their use, so the first that is not full ends the search.
      if (this.#buckets.size <= capacity && tokens + (now - at) * perSecond < burst) return;
      this.#buckets.delete(source);
    }
  }
}
