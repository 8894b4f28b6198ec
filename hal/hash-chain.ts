import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, writeFailed, writeFileAtomic } from './atomic-file.ts';
import { GridError, reasonOf, systemCode } from './errors.ts';
import { lockFolder } from './folder-lock.ts';
import { isoTime } from './units.ts';
import { wallSeconds } from './wall.ts';

export type ChainValue = string | number | boolean | readonly ChainValue[];

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

const brokenAt = (place: string, reason: string): GridError =>
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

/** A new file is begun when one has grown to so many octets. */
const segmentBytes = 4 * 1024 * 1024;
const longestLine = 64 * 1024;
/** So many appends share one write to the disk at most. */
const largestBatch = 256;
/** How long an append waits for another program that is writing the same log. */
const lockTimeoutMs = 10_000;

/**
 * Reads a log from its beginning, and what is appended later, checking every link. It is read in segments, of which
 * each is named by its first entry.
 */
export class ChainReader {
  readonly #folder: string;
  readonly #name: string;
  #head: ChainHead = emptyHead;
  #segment = 0;
  #offset = 0;
  #tornOctets = 0;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  /** The last entry that was read. */
  get head(): ChainHead {
    return this.#head;
  }

  /** Where the next entry goes, and how many octets of a line without end stand there: a crash's rest. */
  get end(): { readonly segment: number; readonly octets: number; readonly torn: number } {
    return { segment: this.#segment, octets: this.#offset, torn: this.#tornOctets };
  }

  /**
   * The entries that are new since the last call, at most a segment of them; none at the end. Throws GTX-CHN-001
   * where the chain is broken, GTX-CHN-002 where the file cannot be read.
   */
  async next(): Promise<ChainEntry[]> {
    const path = segmentPath(this.#folder, this.#name, this.#segment);
    const text = await readFrom(path, this.#offset);
    const whole = text.subarray(0, text.lastIndexOf(0x0a) + 1);
    this.#tornOctets = text.length - whole.length;
    if (whole.length === 0) return this.#advance() ? this.next() : [];
    const lines = whole.toString('utf8').slice(0, -1).split('\n');
    const entries: ChainEntry[] = [];
    for (const line of lines) {
      const entry = checkedEntry(line, this.#head, `${path}, entry ${this.#head.seq + 1}`);
      this.#head = { seq: entry.seq, hash: entry.hash };
      entries.push(entry);
    }
    this.#offset += whole.length;
    return entries;
  }

  /** Whether the segment is at its end, so that the next one begins here. */
  #advance(): boolean {
    if (this.#offset < segmentBytes || this.#tornOctets > 0) return false;
    this.#segment = this.#head.seq + 1;
    this.#offset = 0;
    return true;
  }
}

const segmentPath = (folder: string, name: string, first: number): string =>
  join(folder, `${name}-${String(first).padStart(10, '0')}.jsonl`);

const headPath = (folder: string, name: string): string => join(folder, `${name}.head`);

async function readFrom(path: string, offset: number): Promise<Buffer> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (size < offset) throw brokenAt(path, 'it has become shorter');
    const buffer = Buffer.alloc(size - offset);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' && offset === 0) return Buffer.alloc(0);
    throw error instanceof GridError ? error : unreadable(path, error);
  }
}

const unreadable = (path: string, cause: unknown): GridError =>
  new GridError('GTX-CHN-002', `Cannot read the log ${path}: ${reasonOf(cause)}`, { cause });

async function readHead(folder: string, name: string): Promise<ChainHead | undefined> {
  const path = headPath(folder, name);
  try {
    const { seq, hash } = JSON.parse(await readFile(path, 'utf8')) as Partial<ChainHead>;
    if (typeof seq === 'number' && typeof hash === 'string') return { seq, hash };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw unreadable(path, error);
  }
  throw brokenAt(path, 'it names no entry');
}

interface Waiting {
  readonly fields: ChainFields;
  readonly resolve: (entry: ChainEntry) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * An append-only log of JSON lines in a folder, of which every line carries the hash of the one before. It shows any
 * edit, cut or reordering of less than the whole; `verifyChain` with a head that was kept elsewhere shows the rest.
 * Several programs may append to one log; each append is on the disk when its promise resolves.
 */
export class HashChain {
  readonly folder: string;
  readonly name: string;
  readonly #tail: ChainReader;
  #waiting: Waiting[] = [];
  #isWriting = false;

  /** `name` begins the names of its files. */
  constructor(folder: string, name: string) {
    this.folder = folder;
    this.name = name;
    this.#tail = new ChainReader(folder, name);
  }

  reader(): ChainReader {
    return new ChainReader(this.folder, this.name);
  }

  /** Throws GTX-CHN-001 and 002, GTX-HAL-020 and 022; then nothing of it is in the log, or it is and the disk lies. */
  append(fields: ChainFields): Promise<ChainEntry> {
    const { promise, resolve, reject } = Promise.withResolvers<ChainEntry>();
    this.#waiting.push({ fields, resolve, reject });
    if (!this.#isWriting) void this.#drain();
    return promise;
  }

  async #drain(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, largestBatch);
      try {
        const entries = await this.#write(batch.map(({ fields }) => fields));
        for (const [i, { resolve }] of batch.entries()) resolve(entries[i]!);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isWriting = false;
  }

  async #write(batch: readonly ChainFields[]): Promise<ChainEntry[]> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw writeFailed(this.folder, error);
    });
    using _lock = await lockFolder(this.folder, lockTimeoutMs);
    const head = await this.#catchUp();
    const lines: string[] = [];
    const entries: ChainEntry[] = [];
    let at = head;
    for (const fields of batch) {
      const line = chainLine(at, isoTime(wallSeconds()), fields);
      if (line.length > longestLine) throw new RangeError(`A log entry of ${line.length} characters is too long`);
      const entry = JSON.parse(line) as ChainEntry;
      lines.push(`${line}\n`);
      entries.push(entry);
      at = { seq: entry.seq, hash: entry.hash };
    }
    await this.#store(lines.join(''));
    await this.#writeHead(at);
    return entries;
  }

  /** To the end of what others and a crash have left; begins the log where there is none. */
  async #catchUp(): Promise<ChainHead> {
    const known = await readHead(this.folder, this.name);
    for await (const entry of entriesOf(this.#tail)) checkHead(entry, known, this.folder);
    const { head } = this.#tail;
    if (known === undefined) {
      if (head.seq >= 0) throw brokenAt(headPath(this.folder, this.name), 'it is missing');
      await this.#writeHead(emptyHead);
    } else if (known.seq > head.seq) throw cut(this.folder, known, head);
    return head;
  }

  async #store(text: string): Promise<void> {
    const { segment, octets, torn } = this.#tail.end;
    const path = segmentPath(this.folder, this.name, segment);
    try {
      await using file = await open(path, 'a', 0o600);
      // A line without end was never acknowledged: its append died with the power.
      if (torn > 0) await file.truncate(octets);
      await file.writeFile(text);
      await file.sync();
      if (octets === 0) await syncFolder(this.folder);
    } catch (error) {
      throw writeFailed(path, error);
    }
  }

  #writeHead(head: ChainHead): Promise<void> {
    return writeFileAtomic(headPath(this.folder, this.name), `${JSON.stringify(head)}\n`, 0o600);
  }
}

async function* entriesOf(reader: ChainReader): AsyncGenerator<ChainEntry> {
  for (let entries = await reader.next(); entries.length > 0; entries = await reader.next()) yield* entries;
}

function checkHead(entry: ChainEntry, head: ChainHead | undefined, folder: string): void {
  if (entry.seq === head?.seq && entry.hash !== head.hash) {
    throw brokenAt(`${folder}, entry ${entry.seq}`, 'it is another entry than the one that was written last');
  }
}

const cut = (folder: string, head: ChainHead, last: ChainHead): GridError =>
  brokenAt(`${folder}, entry ${last.seq + 1}`, `it ends with entry ${last.seq}, entry ${head.seq} was written`);

/**
 * Checks a log from its first entry to its last; `expected` is a head that was kept elsewhere and has to be part of
 * it. Throws GTX-CHN-001 with the first place that is wrong.
 */
export async function verifyChain(folder: string, name: string, expected?: ChainHead['hash']): Promise<ChainHead> {
  const known = await readHead(folder, name);
  if (known === undefined) throw brokenAt(headPath(folder, name), 'it is missing');
  const reader = new ChainReader(folder, name);
  let isFound = expected === undefined || expected === emptyHead.hash;
  for await (const entry of entriesOf(reader)) {
    checkHead(entry, known, folder);
    isFound ||= entry.hash === expected;
  }
  if (known.seq > reader.head.seq) throw cut(folder, known, reader.head);
  if (reader.end.torn > 0) throw brokenAt(`${folder}, entry ${reader.head.seq + 1}`, 'its line does not end');
  await checkSegments(folder, name, reader);
  if (!isFound) throw brokenAt(folder, `it has no entry with the hash ${expected}`);
  return reader.head;
}

/** Files that are none of the chain's: entries put behind a gap would never be read. */
async function checkSegments(folder: string, name: string, { end }: ChainReader): Promise<void> {
  const last = segmentPath(folder, name, end.segment);
  const files = await readdir(folder);
  const beyond = files.find((file) => file.startsWith(`${name}-`) && join(folder, file) > last);
  if (beyond !== undefined) throw brokenAt(join(folder, beyond), 'it does not follow the file before it');
}
