import { delay } from '#hal/wall.ts';
import type { Poster } from './tls-stand.ts';

export interface Watched {
  readonly posts: number;
  /** Of a post, ms. */
  readonly worstMs: number;
  readonly p99Ms: number;
  readonly handshakes: number;
}

/** A device posts, a hundred times a second at most, until it is told to end; a post that fails rejects `end`. */
export class Watch {
  readonly #poster: Poster;
  readonly #latencies: number[] = [];
  readonly #posting: Promise<void>;
  #ending = false;

  private constructor(poster: Poster) {
    this.#poster = poster;
    this.#posting = this.#post();
    // It is looked at in the end.
    this.#posting.catch(() => undefined);
  }

  static async start(poster: Poster): Promise<Watch> {
    await poster.post();
    return new Watch(poster);
  }

  /** What a device has seen meanwhile. */
  async end(): Promise<Watched> {
    this.#ending = true;
    await this.#posting;
    const { handshakes } = this.#poster;
    await this.#poster[Symbol.asyncDispose]();
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
    return { posts: sorted.length, worstMs: at(1), p99Ms: at(0.99), handshakes };
  }

  async #post(): Promise<void> {
    while (!this.#ending) {
      this.#latencies.push(await this.#poster.post());
      await delay(10);
    }
  }
}
