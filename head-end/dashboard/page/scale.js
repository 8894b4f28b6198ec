/** From values to pixels and to the few round numbers that stand beside an axis; pure. */

/**
 * Round numbers from at or below `low` to at or above `high`: 1, 2 or 5 times a power of ten apart.
 * @param {number} low
 * @param {number} high
 * @param {number} count about how many steps
 * @returns {number[]} at least two, rising
 */
export function roundTicks(low, high, count) {
  const span = high - low > 0 ? high - low : 1;
  const magnitude = 10 ** Math.floor(Math.log10(span / count));
  const ratio = span / count / magnitude;
  const step = magnitude * (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 5 ? 5 : 10);
  const first = Math.floor(low / step);
  const last = Math.max(Math.ceil(high / step), first + 1);
  // Multiples of the step, not its running sum, which drifts.
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

const timeSteps = [15, 60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/**
 * Times at round local clock times between two instants.
 * @param {number} from Unix seconds
 * @param {number} to Unix seconds
 * @param {number} count at most this many
 * @param {number} offset seconds that local time is ahead of UTC
 * @returns {number[]}
 */
export function timeTicks(from, to, count, offset) {
  const step = timeSteps.find((candidate) => (to - from) / candidate <= count) ?? 86_400;
  const times = [];
  for (let time = Math.ceil((from + offset) / step) * step - offset; time <= to; time += step) times.push(time);
  return times;
}

/**
 * @param {number} low maps to `start`
 * @param {number} high maps to `end`
 * @param {number} start
 * @param {number} end
 * @returns {(value: number) => number} pixels, to a tenth
 */
export const linear = (low, high, start, end) => {
  const factor = high === low ? 0 : (end - start) / (high - low);
  return (value) => Math.round((start + (value - low) * factor) * 10) / 10;
};

/**
 * The decimals that tell ticks of this distance apart.
 * @param {readonly number[]} ticks
 */
export function decimalsOf(ticks) {
  const step = (ticks[1] ?? 1) - (ticks[0] ?? 0);
  return Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
}
