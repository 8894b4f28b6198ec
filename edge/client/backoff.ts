import { uniform } from '#hal/random.ts';

export interface Backoff {
  /** Seconds before the first repetition. */
  readonly first: number;
  /** Seconds, at most. */
  readonly cap: number;
}

const firstSeconds = 5;
/** The longest pause where nothing is known of how often the server wants to be asked, seconds. */
export const unknownPatience = 300;

/** A pause of 5 s, then twice as long each time, up to the cap: what is asked for is never overdue by more than that. */
export const backoffUpTo = (cap: number): Backoff => ({ first: firstSeconds, cap: Math.max(firstSeconds, cap) });

/**
 * Whole seconds until the next try after so many failures in a row: doubled each time, up to the cap, and moved by
 * up to half of it to earlier, so that boards that lost one server do not come back to it in one second.
 */
export function backoffSeconds({ first, cap }: Backoff, failures: number, seed: number): number {
  const whole = Math.min(cap, first * 2 ** Math.min(failures - 1, 30));
  return Math.max(1, Math.ceil(whole * (1 - uniform(seed, failures) / 2)));
}
