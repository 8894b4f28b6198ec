import type { Log } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { RefusedError } from './client/connection.ts';
import type { Resources } from './client/discovery.ts';
import type { Mirror } from './client/mirror.ts';
import type { Health } from './health.ts';
import type { Outbox, QueuedPosting } from './outbox.ts';
import {
  type BoardDevices,
  type BoardRegisters,
  emptyRegisters,
  type GridReadings,
  Sampler,
  type SiteSample,
} from './sampler.ts';

export interface MeteringOptions {
  readonly devices: BoardDevices;
  readonly outbox: Outbox;
  readonly mirror: Mirror;
  readonly health: Health;
  readonly log: Log;
  /** Called with the wall milliseconds of every acknowledged post. */
  readonly onPosted: (elapsedMs: number) => void;
}

/** Postings in one go after a failure, doubled each time that all of them went through: a quarter of an hour to one. */
const firstAtOnce = 60;
const mostAtOnce = 240;

/** What a board measures, and how it comes to the head-end: sampled, kept in the outbox, posted in order. */
export class Metering {
  readonly #options: MeteringOptions;
  readonly #sampler: Sampler;
  #sample: SiteSample | undefined;
  #lastPosted: UnixSeconds | undefined;
  /** Postings that are sent in one go. */
  #atOnce = firstAtOnce;

  constructor(options: MeteringOptions) {
    const { devices, outbox, health, log } = options;
    this.#options = options;
    const registers = outbox.state('registers') as BoardRegisters | undefined;
    this.#sampler = new Sampler(devices, registers ?? emptyRegisters, log, health);
  }

  /** The newest sample. */
  get sample(): SiteSample | undefined {
    return this.#sample;
  }

  async take(now: UnixSeconds): Promise<SiteSample> {
    this.#sample = await this.#sampler.sample(now);
    return this.#sample;
  }

  readGrid(now: UnixSeconds): Promise<GridReadings> {
    return this.#sampler.readGrid(now);
  }

  /** Queues the posting of a period that ends now, if now was sampled. */
  async queue(now: UnixSeconds): Promise<void> {
    const sample = this.#sample;
    if (sample?.time !== now) return;
    // A period that ends before it begins is a clock that was set back.
    const duration = this.#lastPosted === undefined ? 0 : Math.max(0, now - this.#lastPosted);
    this.#lastPosted = now;
    const posting = { start: UnixSeconds(now - duration), duration, values: this.#sampler.values(sample) };
    await this.#options.outbox.append(posting, { registers: this.#sampler.registers });
  }

  /**
   * Posts what waits, oldest first; rejects as `Connection.post` does, and the rest waits. After a long outage the
   * newest goes first, so that the building is seen as it is now, and then so many of the others at a time that a
   * head-end to which all boards come back at once can serve them all.
   */
  async post(resources: Resources): Promise<void> {
    const { outbox } = this.#options;
    const live = outbox.live();
    try {
      if (live !== undefined) await this.#send(resources, live);
      for (let left = this.#atOnce; left > 0; left--) {
        const posting = outbox.oldest();
        if (posting === undefined) break;
        await this.#send(resources, posting);
      }
      this.#atOnce = Math.min(mostAtOnce, 2 * this.#atOnce);
    } catch (error) {
      this.#atOnce = firstAtOnce;
      throw error;
    }
  }

  /** One posting that the head-end will never take must not keep all others waiting. */
  async #send(resources: Resources, posting: QueuedPosting): Promise<void> {
    const { outbox, mirror, log, onPosted } = this.#options;
    try {
      const { elapsedMs } = await mirror.post(resources.mirrorUsagePoints, posting);
      outbox.acknowledge(posting);
      onPosted(elapsedMs);
    } catch (error) {
      if (!(error instanceof RefusedError) || !error.isHopeless) throw error;
      outbox.refuse(posting);
      log.error(
        { start: posting.start, reason: error.message },
        'the head-end does not take a posting; it is given up',
      );
    }
  }
}
