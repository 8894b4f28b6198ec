import { GridError } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';

export type Headers = Readonly<Record<string, string>>;

/** One request of a device and its answer, as they went over the wire, without what is secret. */
export interface Exchange {
  /** The head-end's time. */
  readonly time: UnixSeconds;
  /** Of the peer's certificate. */
  readonly lfdi: string;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** The ones of interest, names in lower case. */
  readonly headers: Headers;
  readonly body: string;
  readonly status: number;
  readonly answerHeaders: Headers;
  readonly answerBody: string;
}

/** What tells how a request was meant and an answer is to be read. */
const interesting = new Set([
  'accept',
  'allow',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'if-modified-since',
  'if-none-match',
  'last-modified',
  'location',
  'range',
  'user-agent',
]);

export const interestingHeaders = (headers: Readonly<Record<string, unknown>>): Headers =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name, value]) => interesting.has(name.toLowerCase()) && value !== undefined)
      .map(([name, value]) => [name.toLowerCase(), String(value)]),
  );

/** A PIN in the place of every PIN, in any namespace prefix. */
const redacted = (body: string): string =>
  body.replaceAll(/(<(?:[\w.-]+:)?pIN(?:\s[^>]*)?>)[^<]*/g, `$1${redactedPin}`);
export const redactedPin = '0';

/** As one line of the record. */
export const exchangeLine = (exchange: Exchange): string =>
  `${JSON.stringify({ ...exchange, body: redacted(exchange.body), answerBody: redacted(exchange.answerBody) })}\n`;

/** The exchanges of a record; throws `GTX-EXL-002` with the line that is none. A line that was cut off ends it. */
export function parseExchanges(text: string): readonly Exchange[] {
  const lines = text.split('\n');
  // What follows the last line's end was being written.
  lines.pop();
  return lines.map((line, i) => {
    const exchange = exchangeOf(line);
    if (exchange !== undefined) return exchange;
    throw new GridError('GTX-EXL-002', `Line ${i + 1} is no recorded exchange`, {
      hint: 'A record is what GET /api/v1/exchanges answers, one JSON object a line.',
      kind: 'input',
    });
  });
}

function exchangeOf(line: string): Exchange | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const members = value as Readonly<Record<string, unknown>>;
  const isComplete =
    ['time', 'status'].every((name) => typeof members[name] === 'number') &&
    ['lfdi', 'method', 'url', 'body', 'answerBody'].every((name) => typeof members[name] === 'string') &&
    ['headers', 'answerHeaders'].every((name) => isHeaders(members[name]));
  return isComplete ? (value as Exchange) : undefined;
}

const isHeaders = (value: unknown): value is Headers =>
  typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');
