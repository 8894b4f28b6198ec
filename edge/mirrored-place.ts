import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { backoffSeconds, backoffUpTo } from './client/backoff.ts';
import { RefusedError } from './client/connection.ts';
import type { UtilityMirror } from './client/utility-mirror.ts';
import { combined, type Meanings, MinuteMeans, ofOnePeriod } from './minute-means.ts';
import type { Outbox } from './outbox.ts';
import type { QueuedPosting } from './posting.ts';
import type { MeasuredPlace, Measured } from './utility-places.ts';

export interface MirroredPlaceOptions {
  readonly place: MeasuredPlace;
  /** Holds one posting a minute. */
  readonly outbox: Outbox<string>;
  readonly mirror: UtilityMirror;
  readonly sampleSeconds: number;
  readonly seed: number;
  readonly log: Log;
  readonly onPosted: (elapsedMs: number) => void;
}

/**
 * How one place comes to a utility: sampled, kept minute by minute in the outbox, and posted in order, as one average
 * for each of the periods that the server wants.
 */
export class MirroredPlace {
  readonly #options: MirroredPlaceOptions;
  readonly #meanings: Meanings;
  readonly #means: MinuteMeans;
  #failures = 0;
  /** Before this the server is not asked again; the board's time. */
  #retryAt = Number.NEGATIVE_INFINITY;

  constructor(options: MirroredPlaceOptions) {
    this.#options = options;
    this.#meanings = new Map([...options.place.channels].map(([name, { meaning }]) => [name, meaning]));
    this.#means = new MinuteMeans(this.#meanings, options.sampleSeconds);
  }

  /** Takes a sample at this server time. What cannot be kept is told to the log: control goes on. */
  async add(at: UnixSeconds, measured: Measured): Promise<void> {
    const { place, outbox, log } = this.#options;
    const values = [...place.channels].map(([name, { valueOf }]) => [name, valueOf(measured)] as const);
    const minute = this.#means.add(at, Object.fromEntries(values));
    if (minute === undefined) return;
    try {
      await outbox.append(minute, {});
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      outbox.giveUp(minute);
      log.error({ place: place.name, reason: error.describe() }, 'a minute of readings cannot be kept; it is lost');
    }
  }

  isDue(now: UnixSeconds, serverNow: UnixSeconds): boolean {
    if (now < this.#retryAt) return false;
    return !this.#options.mirror.isMade || this.#next(serverNow).length > 0;
  }

  /** Posts the periods that are over, oldest first; rejects as `Connection.post` does, and the rest waits. */
  async post(listHref: string, now: UnixSeconds, serverNow: UnixSeconds): Promise<void> {
    const { mirror, seed } = this.#options;
    try {
      await mirror.make(listHref);
      for (let next = this.#next(serverNow); next.length > 0; next = this.#next(serverNow)) await this.#send(next);
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      const asked = error instanceof RefusedError ? error.retryAfter : undefined;
      this.#retryAt = now + (asked ?? backoffSeconds(backoffUpTo(mirror.postRate), this.#failures, seed));
      throw error;
    }
  }

  #next(serverNow: UnixSeconds): readonly QueuedPosting<string>[] {
    const { outbox, mirror } = this.#options;
    return ofOnePeriod(outbox.waiting, mirror.postRate, serverNow);
  }

  /** One posting that the server will never take must not keep all others waiting. */
  async #send(minutes: readonly QueuedPosting<string>[]): Promise<void> {
    const { outbox, mirror, place, log, onPosted } = this.#options;
    const [first, ...following] = minutes;
    if (first === undefined) return;
    try {
      const { elapsedMs } = await mirror.post(combined(this.#meanings, first, following));
      for (const minute of minutes) outbox.acknowledge(minute);
      onPosted(elapsedMs);
    } catch (error) {
      if (!(error instanceof RefusedError) || !error.isHopeless) throw error;
      for (const minute of minutes) outbox.refuse(minute);
      log.error({ place: place.name, start: first.start, reason: error.message }, 'the utility does not take readings');
    }
    // Another server than ours may keep what it gets twice: what it has is written down at once.
    await outbox.save();
  }
}
