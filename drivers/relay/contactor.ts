import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import type { InputLine, OutputLine } from '#hal/ports.ts';
import { delay } from '#hal/wall.ts';
import type { Contactor } from '../capabilities.ts';

/** Contacts of a contactor move within some 50 ms. */
const contactMs = 500;
const pollMs = 10;

export interface ContactorOptions {
  /** The coil; the contactor is closed while it is active, so that it opens without power. */
  readonly coil: OutputLine;
  /** An auxiliary contact that is active while the contactor is closed. */
  readonly feedback?: InputLine;
  /** Seconds for which it stays open at least: a device behind it that was cut off is not switched at once again. */
  readonly leastOpenSeconds: number;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * A contactor or relay on a GPIO line.
 *
 * Errors: `GTX-REL-001` its contacts do not follow the coil · `GTX-HAL-…` the line fails.
 */
export class LineContactor implements Contactor {
  readonly #options: ContactorOptions;
  #isStarted = false;
  #isClosed = false;
  #openSince = Number.NEGATIVE_INFINITY;

  constructor(options: ContactorOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { coil, feedback } = this.#options;
    if (this.#isStarted) return;
    await Promise.all([coil.start(), feedback?.start()]);
    this.#isStarted = true;
  }

  async connect(isConnected: boolean): Promise<void> {
    const { coil, clock, leastOpenSeconds } = this.#options;
    await this.start();
    const now = clock.now();
    // A clock that was set back does not keep it open for ever.
    const isTooEarly = now >= this.#openSince && now < this.#openSince + leastOpenSeconds;
    if (isConnected && !this.#isClosed && isTooEarly) return;
    await coil.set(isConnected);
    if (this.#isClosed && !isConnected) this.#openSince = now;
    this.#isClosed = isConnected;
    await this.#follow(isConnected);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { coil, feedback } = this.#options;
    await coil[Symbol.asyncDispose]();
    await feedback?.[Symbol.asyncDispose]();
  }

  async #follow(isConnected: boolean): Promise<void> {
    const { coil, feedback } = this.#options;
    if (feedback === undefined) return;
    for (let waited = 0; (await feedback.read()) !== isConnected; waited += pollMs) {
      if (waited >= contactMs) {
        const [what, why] = isConnected
          ? ['did not close', 'Check the supply of its coil and the relay that drives it.']
          : ['did not open', 'Its contacts may be welded: switch the circuit off by hand and replace it.'];
        throw new GridError('GTX-REL-001', `The contactor on ${coil.name} ${what} within ${contactMs} ms`, {
          hint: why,
        });
      }
      await delay(pollMs);
    }
  }
}
