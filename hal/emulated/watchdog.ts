import type { Clock } from '../clock.ts';
import { GridError } from '../errors.ts';
import type { Watchdog } from '../ports.ts';
import type { UnixSeconds } from '../units.ts';

/** A watchdog in software, by the clock given: it tells whether it would have restarted the board. */
export class EmulatedWatchdog implements Watchdog {
  readonly name = 'watchdog (emulated)';
  readonly timeoutSeconds: number;
  beats = 0;
  readonly #clock: Pick<Clock, 'now'>;
  #lastBeat: UnixSeconds | undefined;

  constructor(clock: Pick<Clock, 'now'>, timeoutSeconds: number) {
    this.#clock = clock;
    this.timeoutSeconds = timeoutSeconds;
  }

  /** It was started, and no beat came in time; one that ended in order never is. */
  get isExpired(): boolean {
    return this.#lastBeat !== undefined && this.#clock.now() - this.#lastBeat > this.timeoutSeconds;
  }

  async start(): Promise<void> {
    this.#lastBeat ??= this.#clock.now();
  }

  async beat(): Promise<void> {
    if (this.#lastBeat === undefined) throw new GridError('GTX-HAL-006', `${this.name} is not started`);
    this.beats++;
    this.#lastBeat = this.#clock.now();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lastBeat = undefined;
  }
}
