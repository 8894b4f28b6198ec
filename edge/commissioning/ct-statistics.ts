/** A straight line through the origin: y = Σ factor × column. */
export interface Fit {
  readonly factors: readonly number[];
  /** Standard errors of the factors. */
  readonly errors: readonly number[];
  /** Root mean square of what the line leaves over. */
  readonly residual: number;
  /** How far two columns are from saying the same: the sine of the angle between them, 0 to 1; 1 for one column. */
  readonly independence: number;
}

export const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

export const rms = (values: readonly number[]): number => Math.sqrt(mean(values.map((value) => value * value)));

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The spread of a normal distribution, by the median: single leaps do not count (median absolute deviation). */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  return 1.4826 * median(values.map((value) => Math.abs(value - middle)));
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/** Columns that are nearer to each other cannot be told apart: what one is late would pass for the other. */
const leastSine = 0.05;

/** Of the angle between two columns. */
function sine(a: readonly number[], b: readonly number[]): number {
  const product = dot(a, a) * dot(b, b);
  return product === 0 ? 0 : Math.sqrt(Math.max(0, 1 - dot(a, b) ** 2 / product));
}

/**
 * Least squares of one or two columns. `undefined` where there are too few rows, a column is nothing, or two columns say
 * the same.
 */
export function fit(y: readonly number[], columns: readonly (readonly number[])[]): Fit | undefined {
  const freedom = y.length - columns.length;
  if (freedom < 1) return undefined;
  const [a, b] = columns;
  if (a === undefined) return undefined;
  const independence = b === undefined ? 1 : sine(a, b);
  const inverse = b === undefined ? inverseOfOne(a) : inverseOfTwo(a, b);
  if (inverse === undefined || independence < leastSine) return undefined;
  const moments = columns.map((column) => dot(column, y));
  const factors = inverse.map((row) => dot(row, moments));
  const left = y.map((value, i) => value - columns.reduce((sum, column, j) => sum + column[i]! * factors[j]!, 0));
  const variance = dot(left, left) / freedom;
  return { factors, errors: inverse.map((row, j) => Math.sqrt(variance * row[j]!)), residual: rms(left), independence };
}

function inverseOfOne(a: readonly number[]): number[][] | undefined {
  const aa = dot(a, a);
  return aa === 0 ? undefined : [[1 / aa]];
}

function inverseOfTwo(a: readonly number[], b: readonly number[]): number[][] | undefined {
  const [aa, ab, bb] = [dot(a, a), dot(a, b), dot(b, b)];
  const determinant = aa * bb - ab * ab;
  if (determinant <= 0) return undefined;
  return [
    [bb / determinant, -ab / determinant],
    [-ab / determinant, aa / determinant],
  ];
}

/** Value by value, the difference to the one before. */
export const differences = (values: readonly number[]): number[] =>
  values.slice(1).map((value, i) => value - values[i]!);
