import { seedOf, uniform } from '#hal/random.ts';
import { UnixSeconds } from '#hal/units.ts';

/** A subscriber is tried again after 5 s, then after twice as long each time, and every five minutes in the end. */
const firstSeconds = 5;
const longestSeconds = 300;
/** CSIP has subscriptions renewed every day: who is not reached for three has forgotten his. */
const givenUpAfterSeconds = 3 * 86_400;

/** What is known of a subscriber that was not reached. */
export interface Failing {
  readonly since: UnixSeconds;
  /** In a row. */
  readonly times: number;
}

/** One more failure. */
export const failedAgain = (before: Failing | undefined, now: UnixSeconds): Failing => ({
  since: before?.since ?? now,
  times: (before?.times ?? 0) + 1,
});

/** When to try again; up to a fifth earlier or later by subscriber, so that not all come at once. */
export function retryAt({ times }: Failing, subscriber: string, now: UnixSeconds): UnixSeconds {
  const seconds = Math.min(longestSeconds, firstSeconds * 2 ** Math.min(times - 1, 20));
  const spread = 0.8 + 0.4 * uniform(seedOf(0, subscriber), times);
  return UnixSeconds(now + Math.max(1, Math.round(seconds * spread)));
}

/** Whether a subscriber's subscriptions are removed: he was not reached for three days. */
export const isGivenUp = ({ since }: Failing, now: UnixSeconds): boolean => now - since >= givenUpAfterSeconds;
