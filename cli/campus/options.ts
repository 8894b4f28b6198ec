import { InvalidArgumentError } from 'commander';
import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { postSeconds } from '#edge/board.ts';

/** What `gridtokenx campus` was asked to do, checked. */
export interface CampusOptions {
  readonly data: string;
  readonly boards: string;
  readonly hours: number | undefined;
  readonly speed: number | 'max';
  readonly sample: number;
  readonly start: UnixSeconds | undefined;
  readonly seed: number;
  readonly traces: string | undefined;
  readonly tpm: 'none' | 'swtpm';
  readonly json: string | undefined;
  readonly database: string | undefined;
  readonly sepPort: number;
  readonly httpPort: number;
  readonly enrolmentPort: number;
  readonly revocationPort: number;
}

const number = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

export function parsePort(text: string): number {
  const port = number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('a port is a number from 0 (any free one) to 65535.');
  return port;
}

export function parseHours(text: string): number {
  const hours = number(text);
  if (!(hours > 0 && hours <= 24 * 366)) throw new InvalidArgumentError('hours are a number above 0, at most 8784.');
  return hours;
}

export function parseSpeed(text: string): number | 'max' {
  if (text === 'max') return 'max';
  const speed = number(text);
  if (!(speed >= 0.01 && speed <= 100_000))
    throw new InvalidArgumentError('a speed is `max` or a number from 0.01 to 100000 (virtual seconds a second).');
  return speed;
}

/** A board posts every 15 s what it sampled last, so a sampling period divides that. */
export function parseSample(text: string): number {
  const seconds = number(text);
  if (!Number.isInteger(seconds) || seconds < 1 || postSeconds % seconds !== 0) {
    throw new InvalidArgumentError(`a sampling period in seconds divides ${postSeconds}: 1, 3, 5 or 15.`);
  }
  return seconds;
}

export function parseStart(text: string): UnixSeconds {
  const ms = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(ms) || !isDate(text.slice(0, 10)))
    throw new InvalidArgumentError('a start is an ISO 8601 time such as 2026-06-21T00:00:00-07:00.');
  return UnixSeconds(Math.floor(ms / 1000));
}

/** `Date.parse` takes the 30th of February for the 2nd of March. */
const isDate = (day: string): boolean => new Date(day).toISOString().startsWith(day);

export function parseSeed(text: string): number {
  const seed = number(text);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
    throw new InvalidArgumentError('a seed is an integer from 0 to 4294967295.');
  return seed;
}

const align = (time: number): UnixSeconds => UnixSeconds(time - (time % postSeconds));

/** The instant at which a campus begins: aligned to the posting period, and after everything it has stored. */
export function startTime(
  asked: UnixSeconds | undefined,
  now: UnixSeconds,
  newest: UnixSeconds | undefined,
): UnixSeconds {
  const earliest = newest === undefined ? UnixSeconds(0) : align(newest + 2 * postSeconds - 1);
  if (asked === undefined) return align(Math.max(now, earliest));
  const start = align(asked);
  if (start >= earliest) return start;
  throw new GridError(
    'GTX-CMP-001',
    `The data folder already holds readings up to ${new Date(earliest * 1000).toISOString()}`,
    {
      kind: 'input',
      hint: 'Use a later --start, or another folder: --data DIR.',
    },
  );
}
