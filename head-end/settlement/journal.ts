import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { type FileHandle, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '#hal/atomic-file.ts';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';

/** The bytes of a record's frame before its body: the body's length and a checksum of that length. */
const HEADER = 8;
const HASH = 32;
const noChain = Buffer.alloc(HASH);

/** What stands between the journal and the disk; a test puts a full disk in its place. */
export interface JournalDisk {
  append(file: FileHandle, bytes: Uint8Array, position: number): Promise<void>;
}

/** Writes and returns only when the bytes would survive a loss of power. */
export const durableDisk: JournalDisk = {
  async append(file, bytes, position) {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
    await file.datasync();
  },
};

const chainOf = (before: Uint8Array, body: Uint8Array): Buffer =>
  createHash('sha256').update('gtx:journal:v1\n').update(before).update(body).digest();

function frameOf(body: Uint8Array, chain: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(body.length);
  header.writeUInt32LE(crc32(header.subarray(0, 4)), 4);
  return Buffer.concat([header, body, chain]);
}

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

const damaged = (name: string, at: number): GridError =>
  new GridError('GTX-LED-004', `The ledger's journal ${name} was changed or damaged at byte ${at}`, {
    hint: 'Restore the ledger folder from a backup; nothing was changed.',
  });

export interface Frames {
  readonly bodies: readonly Buffer[];
  /** Hash of the chain after the last body. */
  readonly chain: Buffer;
  /** Bytes up to the end of the last whole record. What follows is a write that was cut off. */
  readonly length: number;
}

/**
 * Splits a segment into its records and follows the chain of hashes. A last record that is not whole was never
 * confirmed and is left out: cut short, or (after a loss of power) with zeros where its end should be.
 * Anything else that does not fit throws `GTX-LED-004`.
 */
export function readFrames(bytes: Buffer, name: string, first: Uint8Array): Frames {
  const bodies: Buffer[] = [];
  let chain: Buffer = Buffer.from(first);
  let at = 0;
  while (bytes.length - at >= HEADER) {
    const length = bytes.readUInt32LE(at);
    if (crc32(bytes.subarray(at, at + 4)) !== bytes.readUInt32LE(at + 4)) {
      if (isZero(bytes.subarray(at))) break;
      throw damaged(name, at);
    }
    const end = at + HEADER + length + HASH;
    if (end > bytes.length) break;
    const body = bytes.subarray(at + HEADER, at + HEADER + length);
    const hash = bytes.subarray(end - HASH, end);
    const next = chainOf(chain, body);
    if (!next.equals(hash)) {
      if (end === bytes.length && isZero(hash)) break;
      throw damaged(name, at);
    }
    bodies.push(body);
    chain = next;
    at = end;
  }
  return { bodies, chain, length: at };
}

const segmentName = (number: number): string => `journal-${String(number).padStart(6, '0')}`;

export interface OpenedJournal {
  readonly journal: Journal;
  /** The records of the newest segment; empty when the folder had no journal. */
  readonly bodies: readonly Buffer[];
  /** Bytes of an unconfirmed record that were cut off the end. */
  readonly cut: number;
}

/**
 * An append-only file of records, each chained to the one before by SHA-256 and on disk before `append` resolves.
 * It is kept in segments: a segment opens with a record that holds everything (a checkpoint), and only the newest
 * is read at start. Older segments stay for audit.
 */
export class Journal {
  readonly #folder: string;
  readonly #disk: JournalDisk;
  #segment: number;
  #file: FileHandle | null;
  #length: number;
  #chain: Buffer;

  private constructor(folder: string, disk: JournalDisk, segment: number, file: FileHandle | null, frames: Frames) {
    this.#folder = folder;
    this.#disk = disk;
    this.#segment = segment;
    this.#file = file;
    this.#length = frames.length;
    this.#chain = frames.chain;
  }

  static async open(folder: string, disk: JournalDisk): Promise<OpenedJournal> {
    const names = await readdir(folder);
    // A segment that was being begun when the process died; the one before it is still the newest.
    for (const name of names) if (/^journal-\d{6}\.new$/.test(name)) await rm(join(folder, name));
    const segment = Math.max(0, ...names.filter((name) => /^journal-\d{6}$/.test(name)).map((name) => +name.slice(8)));
    if (segment === 0) {
      const journal = new Journal(folder, disk, 0, null, { bodies: [], chain: noChain, length: 0 });
      return { journal, bodies: [], cut: 0 };
    }
    const name = segmentName(segment);
    const bytes = await readFile(join(folder, name));
    // A segment starts with the hash at which the one before it ended.
    const frames = readFrames(bytes.subarray(HASH), name, bytes.subarray(0, HASH));
    if (frames.bodies.length === 0) throw damaged(name, 0);
    const length = HASH + frames.length;
    const file = await open(join(folder, name), 'r+');
    if (length < bytes.length) {
      await file.truncate(length);
      await file.datasync();
    }
    const journal = new Journal(folder, disk, segment, file, { ...frames, length });
    return { journal, bodies: frames.bodies, cut: bytes.length - length };
  }

  /** Bytes of the newest segment. */
  get length(): number {
    return this.#length;
  }

  /** Resolves when the record is on disk. Rejects with `GTX-LED-006` and leaves the file as it was. */
  async append(body: Uint8Array): Promise<void> {
    const file = this.#file;
    if (file === null) throw new RangeError('A journal begins with a segment');
    const chain = chainOf(this.#chain, body);
    const frame = frameOf(body, chain);
    try {
      await this.#disk.append(file, frame, this.#length);
    } catch (cause) {
      // A part of a record that stays behind is cut off at the next start, so this may fail too.
      await file.truncate(this.#length).catch(() => undefined);
      throw notWritten(this.#folder, cause);
    }
    this.#length += frame.length;
    this.#chain = chain;
  }

  /** Goes on in a new segment whose first record is `body`. Rejects with `GTX-LED-006` and stays in the old one. */
  async begin(body: Uint8Array): Promise<void> {
    const name = segmentName(this.#segment + 1);
    const path = join(this.#folder, name);
    const chain = chainOf(this.#chain, body);
    const content = Buffer.concat([this.#chain, frameOf(body, chain)]);
    let file: FileHandle | null = null;
    try {
      file = await open(`${path}.new`, 'w+', 0o600);
      await this.#disk.append(file, content, 0);
      await rename(`${path}.new`, path);
      await syncFolder(this.#folder);
    } catch (cause) {
      await file?.close();
      await rm(`${path}.new`, { force: true });
      throw notWritten(this.#folder, cause);
    }
    await this.#file?.close();
    this.#file = file;
    this.#segment++;
    this.#length = content.length;
    this.#chain = chain;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }
}

function notWritten(folder: string, cause: unknown): GridError {
  const isFull = systemCode(cause) === 'ENOSPC' || systemCode(cause) === 'EDQUOT';
  return new GridError(
    'GTX-LED-006',
    isFull
      ? `No space is left for the ledger in ${folder}`
      : `The ledger cannot write to ${folder}: ${reasonOf(cause)}`,
    { cause, hint: 'Free some space or mend the disk, then start again: nothing unconfirmed was kept.' },
  );
}
