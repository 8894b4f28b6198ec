import { delay } from '#hal/wall.ts';

/** What comes within this many milliseconds of the one before belongs to one burst. */
const gapMs = 1;
/** And a burst is waited for no longer than this. */
const longestMs = 8;

/**
 * Resolves when what is counted has stopped to rise: a commit costs as much for one as for many, and those that wait
 * for the next would wait twice.
 */
export async function burstEnd(count: () => number): Promise<void> {
  for (let waitedMs = 0, seen = 0; waitedMs < longestMs && count() > seen; waitedMs += gapMs) {
    seen = count();
    await delay(gapMs);
  }
}
