import { escaped } from '#hal/markup.ts';

/** A value at a second; `undefined` where there is none. */
export interface Sample {
  readonly at: number;
  readonly value: number | undefined;
}

export interface Series {
  readonly name: string;
  /** The class of its line: `flow`, `read`, `limit`, … */
  readonly style: string;
  readonly samples: readonly Sample[];
  /** Holds until the next sample: a setpoint. */
  readonly isStepped?: boolean;
}

export interface Plot {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
  /** Seconds at which something was done, and a word for it. */
  readonly marks: readonly { readonly at: number; readonly label: string }[];
  /** What went wrong from when to when. */
  readonly bands: readonly { readonly from: number; readonly until: number }[];
}

const [width, height] = [960, 280];
const [left, right, top, bottom] = [70, 12, 22, 40];
/** Marks that are closer have a line and no word. */
const labelWidth = 22;
const [innerWidth, innerHeight] = [width - left - right, height - top - bottom];

interface Scale {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
}

/** Bounds and ticks in steps of 1, 2 or 5 that hold the values. */
export function scaleFor(values: readonly number[], most = 6): Scale {
  const least = Math.min(0, ...values);
  const greatest = Math.max(0, ...values);
  const span = greatest - least || 1;
  const power = 10 ** Math.floor(Math.log10(span / most));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => span / each <= most) ?? 10 * power;
  const [low, high] = [Math.floor(least / step) * step, Math.ceil(greatest / step) * step];
  const count = Math.max(1, Math.round((high - low) / step));
  const ticks = Array.from({ length: count + 1 }, (_, i) => low + i * step);
  return { low, high: ticks.at(-1) ?? high, ticks };
}

const rounded = (value: number): string => String(Math.round(value * 10) / 10);

const text = (at: readonly [number, number], anchor: string, words: string): string =>
  `<text x="${rounded(at[0])}" y="${rounded(at[1])}" text-anchor="${anchor}">${escaped(words)}</text>`;

/** Quantities over time as an SVG of its own size, its colours and lines by classes of the page around it. */
export function plotSvg({ title, unit, series, marks, bands }: Plot): string {
  const values = series.flatMap(({ samples }) => samples.flatMap(({ value }) => (value === undefined ? [] : [value])));
  // Not by a spread: a long run has more samples than a call may have arguments.
  const [least, greatest] = values.reduce(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [0, 0],
  );
  const y = scaleFor([least, greatest]);
  const until = Math.max(1, ...series.map(({ samples }) => samples.at(-1)?.at ?? 0));
  const x = scaleFor([until], 10);
  const xOf = (at: number): number => left + (at / until) * innerWidth;
  const yOf = (value: number): number => top + ((y.high - value) / (y.high - y.low)) * innerHeight;
  const grid = [
    ...y.ticks.map(
      (tick) =>
        `<line class="${tick === 0 ? 'zero' : 'grid'}" x1="${left}" x2="${width - right}" y1="${rounded(yOf(tick))}" y2="${rounded(yOf(tick))}"/>${text([left - 6, yOf(tick) + 4], 'end', tick.toLocaleString('en'))}`,
    ),
    ...x.ticks
      .filter((tick) => tick <= until)
      .map((tick) => text([xOf(tick), height - bottom + 16], 'middle', `${tick.toLocaleString('en')} s`)),
  ];
  const shaded = bands.map(
    ({ from, until: end }) =>
      `<rect class="band" x="${rounded(xOf(from))}" y="${top}" width="${rounded(Math.max(2, xOf(end) - xOf(from)))}" height="${innerHeight}"/>`,
  );
  let free = 0;
  const done = marks.map(({ at, label }) => {
    const x1 = xOf(at);
    const hasRoom = x1 >= free;
    if (hasRoom) free = x1 + labelWidth;
    const line = `<line class="mark" x1="${rounded(x1)}" x2="${rounded(x1)}" y1="${top}" y2="${height - bottom}"/>`;
    return hasRoom ? `${line}${text([x1, top - 5], 'middle', label)}` : line;
  });
  const lines = series.map(({ samples, style, isStepped = false }) => {
    const path = pathOf(thinned(samples, until), isStepped, xOf, yOf);
    return path === '' ? '' : `<path class="${style}" d="${path}"/>`;
  });
  const named = series.map(({ name, style }, i) => {
    const [at, line] = [left + i * 172, height - 10];
    return `<path class="${style}" d="M${at} ${line - 4}h24"/>${text([at + 30, line], 'start', name)}`;
  });
  return [
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    ...shaded,
    ...grid,
    ...done,
    ...lines,
    ...named,
    text([0, top + 4], 'start', unit),
    '</svg>',
  ].join('\n');
}

/** Two samples for a pixel at the most, the least and the greatest of those in it, so that no peak is lost. */
export function thinned(samples: readonly Sample[], until: number): readonly Sample[] {
  const perPixel = until / innerWidth;
  if (samples.length <= 2 * innerWidth) return samples;
  const pixels = Map.groupBy(samples, ({ at }) => Math.floor(at / perPixel));
  return [...pixels.values()].flatMap((within) => {
    const gap = within.find(({ value }) => value === undefined);
    const ranked = within
      .filter(({ value }) => value !== undefined)
      .toSorted((a, b) => Number(a.value) - Number(b.value));
    const kept = new Set([ranked[0], ranked.at(-1), gap].filter((sample) => sample !== undefined));
    return within.filter((sample) => kept.has(sample));
  });
}

function pathOf(
  samples: readonly Sample[],
  isStepped: boolean,
  xOf: (at: number) => number,
  yOf: (value: number) => number,
): string {
  let path = '';
  let isDrawing = false;
  for (const { at, value } of samples) {
    if (value === undefined) {
      isDrawing = false;
      continue;
    }
    const [x, y] = [rounded(xOf(at)), rounded(yOf(value))];
    if (!isDrawing) path += `M${x} ${y}`;
    else path += isStepped ? `H${x}V${y}` : `L${x} ${y}`;
    isDrawing = true;
  }
  return path;
}
