import { access, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brokenAt, type ChainEntry, type ChainHead, checkedEntry, emptyHead } from './chain-links.ts';
import { GridError, reasonOf, systemCode } from './errors.ts';

/** What a chain's head file says. */
export interface StoredHead extends ChainHead {
  /** The entry before the first one that still lies in the folder, where older ones have been archived. */
  readonly from?: ChainHead;
}

/** Where the segments go that are older than those that are kept. */
export const archiveOf = (folder: string): string => join(folder, 'archive');

export const segmentPath = (folder: string, name: string, first: number): string =>
  join(folder, `${name}-${String(first).padStart(10, '0')}.jsonl`);

export const headPath = (folder: string, name: string): string => join(folder, `${name}.head`);

/** The first entries of the segments in a folder, ascending; none where there is no such folder. */
export async function segmentsIn(folder: string, name: string): Promise<number[]> {
  try {
    const numbers = (await readdir(folder)).map((file) => segmentNumber(file, name));
    return numbers.filter((number) => number !== undefined).toSorted((a, b) => a - b);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw unreadable(folder, error);
  }
}

const segmentNumber = (file: string, name: string): number | undefined => {
  const number = file.startsWith(`${name}-`) ? /^(\d{10})\.jsonl$/.exec(file.slice(name.length + 1))?.[1] : undefined;
  return number === undefined ? undefined : Number(number);
};

/**
 * Reads a log from its beginning, and what is appended later, checking every link. It is read in segments, of which
 * each is named by its first entry.
 */
export class ChainReader {
  readonly #folder: string;
  readonly #name: string;
  /** The entry before the first one to be read; where the head file says, unless told. */
  #begin: ChainHead | undefined;
  #head: ChainHead = emptyHead;
  #segment = 0;
  #offset = 0;
  #tornOctets = 0;

  constructor(folder: string, name: string, begin?: ChainHead) {
    this.#folder = folder;
    this.#name = name;
    if (begin !== undefined) this.#beginAfter(begin);
  }

  /** The last entry that was read. */
  get head(): ChainHead {
    return this.#head;
  }

  /** Where the next entry goes, and how many octets of a line without end stand there: a crash's rest. */
  get end(): { readonly segment: number; readonly octets: number; readonly torn: number } {
    return { segment: this.#segment, octets: this.#offset, torn: this.#tornOctets };
  }

  /** The next entry begins a segment of its own. */
  beginSegment(): void {
    this.#segment = this.#head.seq + 1;
    this.#offset = 0;
    this.#tornOctets = 0;
  }

  /**
   * The entries that are new since the last call, at most a segment of them; none at the end. Throws GTX-CHN-001
   * where the chain is broken, GTX-CHN-002 where the file cannot be read.
   */
  async next(): Promise<ChainEntry[]> {
    if (this.#begin === undefined) {
      const { from = emptyHead } = (await readHead(this.#folder, this.#name)) ?? {};
      this.#beginAfter(from);
    }
    const path = segmentPath(this.#folder, this.#name, this.#segment);
    const text = await readFrom(path, this.#offset);
    const whole = text.subarray(0, text.lastIndexOf(0x0a) + 1);
    this.#tornOctets = text.length - whole.length;
    if (whole.length === 0) return (await this.#advance()) ? this.next() : [];
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

  #beginAfter(begin: ChainHead): void {
    this.#begin = begin;
    this.#head = begin;
    this.#segment = begin.seq + 1;
  }

  /** Whether the segment is at its end, so that the next one begins here. */
  async #advance(): Promise<boolean> {
    const next = this.#head.seq + 1;
    if (next === this.#segment || this.#tornOctets > 0) return false;
    if (!(await isThere(segmentPath(this.#folder, this.#name, next)))) return false;
    this.beginSegment();
    return true;
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    (error: unknown) => {
      if (systemCode(error) === 'ENOENT') return false;
      throw unreadable(path, error);
    },
  );

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

export const unreadable = (path: string, cause: unknown): GridError =>
  new GridError('GTX-CHN-002', `Cannot read the log ${path}: ${reasonOf(cause)}`, { cause });

const isHead = (head: Partial<ChainHead> | undefined): head is ChainHead =>
  typeof head?.seq === 'number' && typeof head.hash === 'string';

/** What a log's head file says; undefined where there is none. Throws GTX-CHN-001 and 002. */
export async function readHead(folder: string, name: string): Promise<StoredHead | undefined> {
  const path = headPath(folder, name);
  let head: Partial<StoredHead>;
  try {
    head = JSON.parse(await readFile(path, 'utf8')) as Partial<StoredHead>;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    if (error instanceof SyntaxError) throw brokenAt(path, 'it names no entry');
    throw unreadable(path, error);
  }
  const { from } = head;
  if (!isHead(head) || (from !== undefined && !isHead(from))) throw brokenAt(path, 'it names no entry');
  return head;
}

export async function* entriesOf(reader: ChainReader): AsyncGenerator<ChainEntry> {
  for (let entries = await reader.next(); entries.length > 0; entries = await reader.next()) yield* entries;
}
