/** A meter that has not moved so often yet has shown nothing of how it moves. */
const leastMoves = 30;
/** It is doubted when it repeats itself so many times more than it has of late, and so many times as long. */
const spareRepeats = 5;
const bearableTimes = 3;
/** Of what was learnt, so much is forgotten with each frame that moves: most of it within half an hour. */
const forgottenShare = 1 / 1_000;
/** One that is still again after fewer moves was not mended. */
const mendedMoves = 20;

/**
 * How many frames in a row a meter repeats itself by nature: volts flicker each second, but one shows them to the
 * hundredth and another to the whole volt, or measures every few seconds only. It is learnt from the longest stillness
 * of late that a change has ended. One that was doubted teaches nothing where the meter moves on as ever: it was stuck.
 * Where it is soon still again, that is its nature: it is borne longer each time.
 */
export class NaturalStillness {
  #moves = 0;
  #repeats = 0;
  #longest = 0;
  /** The number of the move that ended the last stillness that was doubted. */
  #mendedAt = Number.NEGATIVE_INFINITY;

  /** Whether a frame that repeats the one before it (`isSame`) makes it still for longer than it is by nature. */
  isBroken(isSame: boolean): boolean {
    const bearable = Math.floor(Math.max(this.#longest + spareRepeats, bearableTimes * this.#longest));
    const isKnown = this.#moves >= leastMoves;
    if (isSame) {
      this.#repeats++;
      return isKnown && this.#repeats >= bearable;
    }
    const wasDoubted = isKnown && this.#repeats >= bearable;
    const isLesson = !wasDoubted || this.#moves - this.#mendedAt < mendedMoves;
    const learnt = isLesson ? Math.min(this.#repeats, bearable) : 0;
    if (wasDoubted) this.#mendedAt = this.#moves;
    this.#longest = Math.max(learnt, this.#longest * (1 - forgottenShare));
    this.#moves++;
    this.#repeats = 0;
    return false;
  }
}
