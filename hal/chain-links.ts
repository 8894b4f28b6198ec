import { createHash } from 'node:crypto';
import { GridError } from './errors.ts';

export type ChainValue =
  | string
  | number
  | boolean
  | readonly ChainValue[]
  | { readonly [field: string]: string | number };

/** What is written down, beside what the chain itself adds. A field that is undefined is left out. */
export interface ChainFields {
  /** The kind of event. */
  readonly what: string;
  readonly [field: string]: ChainValue | undefined;
}

/** One line of the log, and one link of the chain. */
export interface ChainEntry extends ChainFields {
  /** 0, 1, 2, … without a gap. */
  readonly seq: number;
  /** ISO 8601, UTC, wall time. */
  readonly time: string;
  /** The hash of the entry before; zeros for the first. */
  readonly previous: string;
  /** SHA-256 over the line's octets up to this field, closed by a brace; in hexadecimal. */
  readonly hash: string;
}

/** The last entry of a chain: whoever keeps it elsewhere can tell a log that was rewritten as a whole. */
export interface ChainHead {
  /** -1 for a chain without entries. */
  readonly seq: number;
  readonly hash: string;
}

export const emptyHead: ChainHead = { seq: -1, hash: '0'.repeat(64) };

/** What the finder of a broken chain is told: where, and why. */
export const brokenAt = (place: string, reason: string): GridError =>
  new GridError('GTX-CHN-001', `The log is broken at ${place}: ${reason}`, {
    hint: 'It was edited, cut or reordered, or the disk is damaged. Keep it as evidence and compare with a backup.',
  });

/** The line of an entry that follows another, without its end of line. */
export function chainLine(head: ChainHead, time: string, fields: ChainFields): string {
  const { what, ...rest } = fields;
  const body = JSON.stringify({ seq: head.seq + 1, time, what, ...rest, previous: head.hash });
  return `${body.slice(0, -1)},"hash":"${sha256(body)}"}`;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The entry of a line, if it is the one that follows `head`. Throws GTX-CHN-001 with what is wrong at `place`. */
export function checkedEntry(line: string, head: ChainHead, place: string): ChainEntry {
  const [, body, hash] = /^(\{.*),"hash":"([0-9a-f]{64})"\}$/s.exec(line) ?? [];
  if (body === undefined || hash === undefined) throw brokenAt(place, 'it is no entry');
  if (sha256(`${body}}`) !== hash) throw brokenAt(place, 'its text does not have its hash');
  const entry = JSON.parse(line) as ChainEntry;
  if (entry.seq !== head.seq + 1) throw brokenAt(place, `entry ${entry.seq} stands after entry ${head.seq}`);
  if (entry.previous !== head.hash) throw brokenAt(place, 'it does not follow the entry before it');
  return entry;
}
