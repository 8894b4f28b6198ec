import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { RefusedError } from './client/connection.ts';
import type { Resources } from './client/discovery.ts';
import type { Mirror } from './client/mirror.ts';
import type { Health } from './health.ts';
import type { MeterBounds } from './meter-watch.ts';
import type { Outbox } from './outbox.ts';
import type { Posting, QueuedPosting } from './posting.ts';
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
  /** What the meter is believed; everything where it is left out. */
  readonly bounds?: MeterBounds;
  /** Called with the wall milliseconds of every acknowledged post. */
  readonly onPosted: (elapsedMs: number) => void;
  /** Settles when the control of a second that has begun is done; it goes before what has waited. */
  readonly afterControl?: () => Promise<void>;
}

/** Postings in one go after a failure, doubled each time that all of them went through: a quarter of an hour to one. */
const firstAtOnce = 60;
const mostAtOnce = 240;

/** Before this program was written it ran nowhere: a clock that says so was not set. 2020-01-01T00:00:00Z. */
const firstSecond = 1_577_836_800;
const longestPeriodSeconds = 86_400;

const clockUnset = (): GridError =>
  new GridError(
    'GTX-EDG-045',
    'The clock of the board is not set: readings cannot be kept, as nobody knows when they were',
    {
      hint: 'Give the board a time server (`timedatectl`) or a clock chip; control goes on without.',
    },
  );

/** What a board measures, and how it comes to the head-end: sampled, kept in the outbox, posted in order. */
export class Metering {
  readonly #options: MeteringOptions;
  readonly #sampler: Sampler;
  #sample: SiteSample | undefined;
  #lastPosted: UnixSeconds | undefined;
  #isFull = false;
  #isClockUnset = false;
  /** Postings that are sent in one go. */
  #atOnce = firstAtOnce;

  constructor(options: MeteringOptions) {
    const { devices, outbox, health, log, bounds } = options;
    this.#options = options;
    const registers = outbox.state('registers') as BoardRegisters | undefined;
    this.#sampler = new Sampler(devices, registers ?? emptyRegisters, log, health, bounds);
  }

  /** The newest sample. */
  get sample(): SiteSample | undefined {
    return this.#sample;
  }

  async take(now: UnixSeconds): Promise<SiteSample> {
    const sampling = this.#sampler.sample(now);
    this.#options.devices.onSample?.(now, sampling);
    this.#sample = await sampling;
    return this.#sample;
  }

  readGrid(now: UnixSeconds): Promise<GridReadings> {
    return this.#sampler.readGrid(now);
  }

  /**
   * Opens the outbox where it was absent at the start, and goes on from the registers that it keeps. Throws
   * `GTX-OUT-001` while it cannot be had.
   */
  findOutbox(): void {
    const { outbox, log } = this.#options;
    if (outbox.isOpen) return;
    outbox.open();
    const kept = outbox.state('registers') as BoardRegisters | undefined;
    if (kept !== undefined) this.#sampler.goOnFrom(kept);
    log.info('the outbox is there');
  }

  /** Queues the posting of a period that ends now, if now was sampled. One that cannot be kept is counted as lost. */
  async queue(now: UnixSeconds): Promise<void> {
    const { outbox, health, log } = this.#options;
    const sample = this.#sample;
    if (sample?.time !== now) return;
    const passed = this.#lastPosted === undefined ? 0 : now - this.#lastPosted;
    this.#lastPosted = now;
    // A clock that was set, back or far forward, does not say how long the period was.
    const duration = passed < 0 || passed > longestPeriodSeconds ? 0 : passed;
    const posting = { start: UnixSeconds(now - duration), duration, values: this.#sampler.values(sample) };
    if (now >= firstSecond) {
      if (this.#isClockUnset) health.set('clock', now);
      this.#isClockUnset = false;
      await this.#keep(posting, now);
      return;
    }
    outbox.giveUp(posting, false);
    health.set('clock', now, clockUnset());
    if (!this.#isClockUnset) log.error({ reason: clockUnset().describe() }, 'readings without a time are lost');
    this.#isClockUnset = true;
  }

  /** A disk that is full is no reason not to post what waits, and nothing is made up for what it does not take. */
  async #keep(posting: Posting, now: UnixSeconds): Promise<void> {
    const { outbox, health, log } = this.#options;
    try {
      await outbox.append(posting, { registers: this.#sampler.registers });
      health.set('outbox', now);
      if (this.#isFull) log.info('readings are kept again');
      this.#isFull = false;
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      outbox.giveUp(posting);
      health.set('outbox', now, error);
      if (!this.#isFull) log.error({ reason: error.describe() }, 'readings cannot be kept; they are counted as lost');
      this.#isFull = true;
    }
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
        await this.#options.afterControl?.();
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
