import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { backoffSeconds, backoffUpTo } from './backoff.ts';

/** Whether a server is reached, and if it is not, when it is asked again. */
export class Reach {
  readonly #seed: number;
  readonly #log: Log;
  /** The longest that the server may be left alone, seconds. */
  readonly #patience: () => number;
  #failures = 0;
  #retryAt = Number.NEGATIVE_INFINITY;
  #lastError: GridError | undefined;

  constructor(seed: number, log: Log, patience: () => number) {
    this.#seed = seed;
    this.#log = log;
    this.#patience = patience;
  }

  get isLost(): boolean {
    return this.#failures > 0;
  }

  /** Before this a server that is lost is not asked again. */
  get retryAt(): number {
    return this.#retryAt;
  }

  /** Of the last attempt; a refusal that keeps things from going on is one although the server was reached. */
  get lastError(): GridError | undefined {
    return this.#lastError;
  }

  /** It is asked at the next occasion, whatever the back-off. */
  askAgain(): void {
    this.#retryAt = Number.NEGATIVE_INFINITY;
  }

  /** What `talk` answers, or `undefined` when the server was not reached by it; `refusal` as in `lastError`. */
  async attempt<Result>(
    now: UnixSeconds,
    talk: () => Promise<Result>,
    refusal: () => GridError | undefined,
  ): Promise<Result | undefined> {
    try {
      const result = await talk();
      if (this.isLost) this.#log.info('server reached again');
      this.#failures = 0;
      this.#lastError = refusal();
      return result;
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      // A disk that is full says nothing of the server.
      if (error.code === 'GTX-OUT-002') {
        this.#log.error({ reason: error.describe() }, 'what was told to the server cannot be kept');
        return undefined;
      }
      this.#failures++;
      this.#lastError = error;
      this.#retryAt = now + backoffSeconds(backoffUpTo(this.#patience()), this.#failures, this.#seed);
      if (this.#failures === 1) this.#log.warn({ reason: error.describe() }, 'server not reached');
      return undefined;
    }
  }
}
