/** @import { CampusSnapshot, HistoryPoint } from '../../gateway/snapshot.ts' */

const capacity = 720;
const day = 86_400;

/** The curve that the power chart draws: what the head-end kept, and each snapshot since. At most 720 points of 24 h. */
export class PowerHistory {
  /** @type {HistoryPoint[]} */
  #points = [];
  #step = 1;

  /** From oldest to newest. @returns {readonly HistoryPoint[]} */
  get points() {
    return this.#points;
  }

  /**
   * Starts from the head-end's curve; snapshots that were faster than it stay.
   * @param {readonly HistoryPoint[]} points
   * @param {number} stepSeconds
   */
  seed(points, stepSeconds) {
    const end = points.at(-1)?.time ?? 0;
    this.#points = [...points, ...this.#points.filter(({ time }) => time > end)];
    this.#step = stepSeconds;
    this.#bound();
  }

  /** The newest point moves along until the step is over. @param {CampusSnapshot} snapshot */
  add({ time, campus: { generationW, loadW, gridW } }) {
    const newest = this.#points.at(-1);
    // Another run with an earlier start: yesterday's curve is not its own.
    if (newest !== undefined && time < newest.time) this.#points = [];
    const previous = this.#points.at(-2);
    if (previous !== undefined && time - previous.time < 2 * this.#step) this.#points.pop();
    if (this.#points.at(-1)?.time === time) this.#points.pop();
    this.#points.push({ time, generationW, loadW, gridW });
    this.#bound();
  }

  #bound() {
    const end = this.#points.at(-1)?.time ?? 0;
    while ((this.#points[0]?.time ?? end) < end - day) this.#points.shift();
    if (this.#points.length <= capacity) return;
    this.#step *= 2;
    this.#points = this.#points.filter((_, i, all) => i % 2 === 0 || i === all.length - 1);
  }
}
