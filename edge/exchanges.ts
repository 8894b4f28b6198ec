import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import type { Resources } from './client/discovery.ts';
import type { StapleMemory } from './client/staple-memory.ts';
import type { UtilityClient } from './client/utility-client.ts';
import { ExchangeGate } from './exchange-gate.ts';
import type { Health } from './health.ts';

/** After this many failures in a row the board looks for its resources anew. */
const failuresBeforeDiscovery = 3;

export interface ExchangesParts {
  readonly utility: Pick<UtilityClient, 'resources' | 'reached' | 'rediscover' | 'hasExtension'>;
  /** The device of the server's that the board is; `undefined`: the one of its certificate. */
  readonly device: Lfdi | undefined;
  readonly staple: Pick<StapleMemory, 'isOurs'>;
  readonly health: Health;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

/** A board's talk with its head-end: posts and trades side by side, a change of identity alone. */
export class Exchanges {
  readonly #parts: ExchangesParts;
  readonly #gate = new ExchangeGate();
  #failures = 0;

  constructor(parts: ExchangesParts) {
    this.#parts = parts;
  }

  /** Talks to the head-end; a failure leaves everything queued for the next time. */
  async run(what: string, talk: (resources: Resources) => Promise<void>): Promise<void> {
    const { utility, device, staple, health, clock, log } = this.#parts;
    try {
      await this.#gate.among(async () => talk(await utility.resources(device)));
      if (this.#failures > 0) log.info({ what }, 'head-end reached again');
      utility.reached();
      if (utility.hasExtension === true) await staple.isOurs();
      this.#failures = 0;
      health.set('head-end', clock.now());
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      health.set('head-end', clock.now(), error);
      if (this.#failures === 0) log.warn({ what, reason: error.describe() }, 'head-end not reached; kept for later');
      this.#failures++;
      if (this.#failures % failuresBeforeDiscovery === 0) utility.rediscover();
    }
  }

  /** Does something while nobody talks: after what is under way, before what comes later. Rejects as `work` does. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#gate.alone(work);
  }
}
