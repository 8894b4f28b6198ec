import { GridError, type GridErrorCode } from '#hal/errors.ts';
import { parseLocalTime, type Trace } from './trace-replay.ts';

/** Which power a CSV file holds, and how. Columns are header names, or numbers from 1. */
export interface TraceColumn {
  readonly column: string | number;
  /** Column of local times; without it rows follow each other by `step` from `start`. */
  readonly time?: string | number;
  /** Seconds a row; the distance of the first two times unless told. */
  readonly step?: number;
  /** Local time of the first row; midnight unless told. */
  readonly start?: string;
  /** Watts for one unit of the column. */
  readonly factor: number;
  readonly clampNegative: boolean;
}

const numeral = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const mostW = 2_000_000_000;

/**
 * Reads a CSV text: a header line, then a row for each step; `,` or `;` between cells (found in the header),
 * a decimal point, no separators within quotes. Values are rounded to whole watts.
 * @param file how a message names it
 * @throws GridError GTX-TRC-003 (no such column), -004 (a gap), -005 (not a number), -006 (not a local time),
 *   -007 (below zero); each with the file and the line
 */
export function parseTrace(file: string, text: string, options: TraceColumn): Trace {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  while (lines.at(-1)?.trim() === '') lines.pop();
  const separator = (lines[0] ?? '').includes(';') ? ';' : ',';
  const header = cellsOf(lines[0] ?? '', separator);
  const fail = (code: GridErrorCode, line: number, message: string, hint: string): GridError =>
    new GridError(code, `${file}:${line} ${message}`, { kind: 'input', hint });
  const find = (column: string | number): number => {
    const index = typeof column === 'number' ? column - 1 : header.indexOf(column);
    if (index >= 0 && index < header.length) return index;
    throw fail('GTX-TRC-003', 1, `has no column ${JSON.stringify(column)}`, `Its columns are: ${header.join(', ')}.`);
  };
  const valueAt = find(options.column);
  const timeAt = options.time === undefined ? undefined : find(options.time);
  if (lines.length < 2) throw fail('GTX-TRC-004', 1, 'has no row below its header', 'Give a file with values.');

  const rowsW = new Int32Array(lines.length - 1);
  let step = options.step;
  let start = parseLocalTime(options.start ?? '00:00');
  let previous = 0;
  for (let i = 1; i < lines.length; i++) {
    const line = i + 1;
    const cells = cellsOf(lines[i] as string, separator);
    const cell = cells[valueAt] ?? '';
    if (cell === '') {
      throw fail('GTX-TRC-004', line, 'has no value: a gap', 'Fill the missing row, or cut the file before it.');
    }
    if (timeAt !== undefined) {
      const time = parseLocalTime(cells[timeAt] ?? '');
      if (time === undefined) {
        const found = JSON.stringify(cells[timeAt] ?? '');
        throw fail(
          'GTX-TRC-006',
          line,
          `has no local time, found ${found}`,
          'Write times like 2021-07-01T00:15 or 00:15.',
        );
      }
      if (i === 1) start = time;
      else {
        step ??= time.seconds - previous;
        if (step <= 0 || time.seconds - previous !== step) {
          const came = time.seconds - previous;
          throw fail(
            'GTX-TRC-004',
            line,
            `comes ${came} s after the row before it, expected ${step > 0 ? `${step} s` : 'a later time'}: a gap`,
            'Fill the missing rows, or remove the repeated ones, so that every row is one step after the last.',
          );
        }
      }
      previous = time.seconds;
    }
    rowsW[i - 1] = wattsOf(cell, options, (code, message, hint) => fail(code, line, message, hint));
  }
  if (step === undefined || start === undefined) {
    throw fail('GTX-TRC-004', 2, 'is the only row, so the step is not known', 'Give the step in traces.yaml.');
  }
  return { rowsW, stepSeconds: step, start: start.seconds, isDated: start.isDated };
}

function wattsOf(
  cell: string,
  { factor, clampNegative }: TraceColumn,
  fail: (code: GridErrorCode, message: string, hint: string) => GridError,
): number {
  const watts = numeral.test(cell) ? Math.round(Number(cell) * factor) : Number.NaN;
  if (!(Math.abs(watts) <= mostW)) {
    throw fail(
      'GTX-TRC-005',
      `expected a number, found ${JSON.stringify(cell)}`,
      'Numbers have a decimal point and no unit.',
    );
  }
  if (watts < 0 && !clampNegative) {
    throw fail(
      'GTX-TRC-007',
      `is ${watts} W, expected 0 or more`,
      'Where consumption is counted negative give a negative scale; clampNegative: true takes the rest as 0.',
    );
  }
  return Math.max(0, watts);
}

const cellsOf = (line: string, separator: string): string[] =>
  line.split(separator).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
