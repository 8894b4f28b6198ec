import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { brokenAt, type ChainEntry, type ChainHead, checkedEntry, emptyHead } from './chain-links.ts';
import {
  archiveOf,
  ChainReader,
  entriesOf,
  headPath,
  readHead,
  segmentPath,
  segmentsIn,
  unreadable,
} from './chain-reader.ts';

/** What a log that holds consists of. */
export interface CheckedChain extends ChainHead {
  /** The first entry that was there to be checked; those before it have been taken away from the archive. */
  readonly first: number;
}

/**
 * Checks a log from its first entry to its last, the archived ones included; `expected` is the hash of an entry that
 * was kept elsewhere and has to be part of it. Throws GTX-CHN-001 with the first place that is wrong.
 */
export async function verifyChain(folder: string, name: string, expected?: ChainHead['hash']): Promise<CheckedChain> {
  const known = await readHead(folder, name);
  if (known === undefined) throw brokenAt(headPath(folder, name), 'it is missing');
  const { from = emptyHead } = known;
  let isFound = expected === undefined || expected === emptyHead.hash || expected === from.hash;
  const note = (entry: ChainEntry): void => {
    isFound ||= entry.hash === expected;
  };
  const first = await checkArchive(folder, name, from, note);
  const reader = new ChainReader(folder, name, from);
  for await (const entry of entriesOf(reader)) {
    checkHead(entry, known, folder);
    note(entry);
  }
  if (known.seq > reader.head.seq) throw cut(folder, known, reader.head);
  if (reader.end.torn > 0) throw brokenAt(`${folder}, entry ${reader.head.seq + 1}`, 'its line does not end');
  const stray = (await segmentsIn(folder, name)).find((segment) => segment > reader.end.segment);
  // Entries put behind a gap would never be read.
  if (stray !== undefined) throw brokenAt(segmentPath(folder, name, stray), 'it does not follow the file before it');
  if (!isFound) throw brokenAt(folder, `it has no entry with the hash ${expected}`);
  return { ...reader.head, first };
}

/**
 * Checks the entries up to `end`, from the first one that is there: whoever took older files away from the archive did
 * what archives are for. Gives the number of the first entry.
 */
async function checkArchive(
  folder: string,
  name: string,
  end: ChainHead,
  note: (entry: ChainEntry) => void,
): Promise<number> {
  const archive = archiveOf(folder);
  // Those that a crash kept from being moved still lie in the folder.
  const left = (await segmentsIn(folder, name)).filter((segment) => segment <= end.seq);
  const moved = await segmentsIn(archive, name);
  const oldest = moved[0] ?? left[0];
  if (oldest === undefined) return end.seq + 1;
  const at = segmentPath(moved.length > 0 ? archive : folder, name, oldest);
  let head = oldest === 0 ? emptyHead : await headBefore(at, oldest);
  for (const place of [archive, folder]) {
    const reader = new ChainReader(place, name, head);
    for (let next = await reader.next(); next.length > 0 && head.seq < end.seq; next = await reader.next()) {
      next.forEach(note);
      head = reader.head;
    }
  }
  if (head.seq === end.seq && head.hash === end.hash) return oldest;
  throw brokenAt(archive, `it ends with entry ${head.seq}, and ${folder} goes on after entry ${end.seq}`);
}

/** What the first entry of a file says of the one before it, which is elsewhere. */
export async function headBefore(path: string, first: number): Promise<ChainHead> {
  for await (const line of linesOf(path)) {
    const previous = /"previous":"([0-9a-f]{64})","hash":"[0-9a-f]{64}"\}$/.exec(line)?.[1];
    if (previous !== undefined) return { seq: first - 1, hash: previous };
    break;
  }
  throw brokenAt(path, 'it is no entry');
}

async function* linesOf(path: string): AsyncGenerator<string> {
  await using file = await open(path, 'r').catch((error: unknown) => {
    throw unreadable(path, error);
  });
  yield* file.readLines();
}

/** One file of a log, on its own. */
export interface CheckedFile {
  readonly first: number;
  /** What its first entry says of the one before it. */
  readonly previous: string;
  readonly last: ChainHead;
}

/**
 * Checks one file of a log without any other: no entry in it was edited, left out, put in or moved. Whether whole
 * entries are missing at its end only `expected`, the hash of the entry that is to be the last, can tell.
 */
export async function verifyChainFile(path: string, expected?: ChainHead['hash']): Promise<CheckedFile> {
  let head: ChainHead | undefined;
  let begin: ChainHead | undefined;
  for await (const line of linesOf(path)) {
    if (head === undefined) {
      const first = Number(/^\{"seq":(\d{1,15}),/.exec(line)?.[1] ?? Number.NaN);
      if (Number.isNaN(first)) throw brokenAt(path, 'it is no log');
      begin = first === 0 ? emptyHead : await headBefore(path, first);
      head = begin;
    }
    const { seq, hash } = checkedEntry(line, head, `${path}, entry ${head.seq + 1}`);
    head = { seq, hash };
  }
  if (head === undefined || begin === undefined) throw brokenAt(path, 'it has no entry');
  if (expected !== undefined && head.hash !== expected) {
    throw brokenAt(path, `its last entry has the hash ${head.hash}, not ${expected}`);
  }
  return { first: begin.seq + 1, previous: begin.hash, last: head };
}

export function checkHead(entry: ChainEntry, head: ChainHead | undefined, folder: string): void {
  if (entry.seq === head?.seq && entry.hash !== head.hash) {
    throw brokenAt(`${folder}, entry ${entry.seq}`, 'it is another entry than the one that was written last');
  }
}

export const cut = (folder: string, head: ChainHead, last: ChainHead): Error =>
  brokenAt(join(folder, `entry ${last.seq + 1}`), `it ends with entry ${last.seq}, entry ${head.seq} was written`);
