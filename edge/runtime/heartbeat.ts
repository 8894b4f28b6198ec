import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { Watchdog } from '#hal/ports.ts';
import { everyWall } from '#hal/wall.ts';

export interface HeartbeatOptions {
  /** The service manager, the board's hardware. */
  readonly watchdogs: readonly Watchdog[];
  /** Whether the control loop is alive. */
  readonly isAlive: () => boolean;
  readonly log: Log;
}

/** Beats in the time of a watchdog, so that one that is late is no fault. */
const beatsPerTimeout = 3;
const longestPeriodSeconds = 5;

/**
 * Beats for the watchdogs as long as the control loop is alive, and for no other reason: when it is stuck, the service
 * manager restarts the program, and the hardware the board. A watchdog that is not there is told of and done without.
 */
export class Heartbeat implements AsyncDisposable {
  readonly #options: HeartbeatOptions;
  readonly #started: Watchdog[] = [];
  readonly #failing = new Set<string>();
  #timer: Disposable | undefined;
  #wasAlive = true;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    for (const watchdog of this.#options.watchdogs) {
      if (await this.#try(watchdog, () => watchdog.start())) this.#started.push(watchdog);
    }
    if (this.#started.length === 0) return;
    const shortest = Math.min(...this.#started.map(({ timeoutSeconds }) => timeoutSeconds));
    const periodSeconds = Math.min(longestPeriodSeconds, shortest / beatsPerTimeout);
    this.#timer = everyWall(periodSeconds * 1000, () => void this.beat());
  }

  /** Beats once, if the control loop is alive. Never rejects. */
  async beat(): Promise<void> {
    const isAlive = this.#options.isAlive();
    if (isAlive !== this.#wasAlive) {
      this.#wasAlive = isAlive;
      if (isAlive) this.#options.log.info('the control loop is alive again');
      else this.#options.log.error('the control loop does not answer: the watchdogs get no more beats');
    }
    if (!isAlive) return;
    for (const watchdog of this.#started) await this.#try(watchdog, () => watchdog.beat());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    for (const watchdog of this.#started.splice(0)) {
      await this.#try(watchdog, async () => watchdog[Symbol.asyncDispose]());
    }
  }

  async #try(watchdog: Watchdog, act: () => Promise<void>): Promise<boolean> {
    const { log } = this.#options;
    const { name } = watchdog;
    try {
      await act();
      if (this.#failing.delete(name)) log.info({ watchdog: name }, 'watchdog answers again');
      return true;
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      if (!this.#failing.has(name)) log.warn({ watchdog: name, reason: error.describe() }, 'watchdog does not answer');
      this.#failing.add(name);
      return false;
    }
  }
}
