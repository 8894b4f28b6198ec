import type { GridError } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { type Failing, failedAgain, retryAt } from './delivery-rule.ts';
import type { Subscribed } from './subscription-index.ts';

/** What came of telling one subscription: nothing was to be told, or it was taken, or not. */
export type Delivery = { readonly at: 'needless' | 'taken' } | { readonly at: 'failed'; readonly error: GridError };

/**
 * What waits for one subscriber. A subscription waits once at most, however often its resource changes, since what is
 * told is made when it goes out: so the queue is as long as his subscriptions are many, and nothing overtakes.
 */
export class Outlet {
  readonly subscriber: string;
  /** The id of the device. */
  readonly viewer: number;
  readonly #waiting = new Set<Subscribed>();
  readonly #tell: (subscribed: Subscribed) => Promise<Delivery>;
  failing: Failing | undefined;
  /** Until then he is left alone. */
  retryAt: UnixSeconds | undefined;
  isRunning = false;

  constructor(subscriber: string, viewer: number, tell: (subscribed: Subscribed) => Promise<Delivery>) {
    this.subscriber = subscriber;
    this.viewer = viewer;
    this.#tell = tell;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0 && !this.isRunning;
  }

  add(subscribed: Subscribed): void {
    this.#waiting.add(subscribed);
  }

  /** Answers whether it waited. */
  drop(subscribed: Subscribed): boolean {
    return this.#waiting.delete(subscribed);
  }

  clear(): void {
    this.#waiting.clear();
  }

  /** Tells him one after another, until nothing waits or he is not reached. */
  async run(now: () => UnixSeconds): Promise<GridError | undefined> {
    for (const subscribed of this.#waiting) {
      // A change that comes from here on waits for its own turn.
      this.#waiting.delete(subscribed);
      const delivery = await this.#tell(subscribed);
      if (delivery.at === 'taken') this.failing = undefined;
      if (delivery.at !== 'failed') continue;
      this.#waiting.add(subscribed);
      this.failing = failedAgain(this.failing, now());
      this.retryAt = retryAt(this.failing, this.subscriber, now());
      return delivery.error;
    }
    return undefined;
  }
}
