import { mkdir, open, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { syncFolder, writeFailed, writeFileAtomic } from './atomic-file.ts';
import { checkHead, cut, headBefore } from './chain-check.ts';
import { brokenAt, type ChainEntry, type ChainFields, type ChainHead, chainLine, emptyHead } from './chain-links.ts';
import {
  archiveOf,
  ChainReader,
  entriesOf,
  headPath,
  readHead,
  segmentPath,
  segmentsIn,
  type StoredHead,
} from './chain-reader.ts';
import { lockFolder } from './folder-lock.ts';
import { isoTime } from './units.ts';
import { wallSeconds } from './wall.ts';

export { type CheckedChain, type CheckedFile, verifyChain, verifyChainFile } from './chain-check.ts';
export { type ChainEntry, type ChainFields, type ChainHead, chainLine, emptyHead } from './chain-links.ts';
export { ChainReader } from './chain-reader.ts';

export interface ChainOptions {
  /** A new file is begun when one has grown to so many octets; 4 MiB unless told. */
  readonly segmentOctets?: number;
  /** So many files stay in the folder, older ones go to its `archive`, from where they may be taken; all unless told. */
  readonly keptSegments?: number;
}

const defaultSegmentOctets = 4 * 1024 * 1024;
const longestLine = 64 * 1024;
/** So many appends share one write to the disk at most. */
const largestBatch = 256;
/** How long an append waits for another program that is writing the same log. */
const lockTimeoutMs = 10_000;

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
  readonly #segmentOctets: number;
  readonly #keptSegments: number;
  readonly #tail: ChainReader;
  #waiting: Waiting[] = [];
  #isWriting = false;

  /** `name` begins the names of its files. */
  constructor(folder: string, name: string, options: ChainOptions = {}) {
    this.folder = folder;
    this.name = name;
    this.#segmentOctets = options.segmentOctets ?? defaultSegmentOctets;
    this.#keptSegments = options.keptSegments ?? Number.POSITIVE_INFINITY;
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
    await makeFolder(this.folder);
    using _lock = await lockFolder(this.folder, lockTimeoutMs);
    const known = await this.#catchUp();
    const lines: string[] = [];
    const entries: ChainEntry[] = [];
    let at: ChainHead = this.#tail.head;
    for (const fields of batch) {
      const line = chainLine(at, isoTime(wallSeconds()), fields);
      if (line.length > longestLine) throw new RangeError(`A log entry of ${line.length} characters is too long`);
      const entry = JSON.parse(line) as ChainEntry;
      lines.push(`${line}\n`);
      entries.push(entry);
      at = { seq: entry.seq, hash: entry.hash };
    }
    const isNew = this.#tail.end.octets >= this.#segmentOctets;
    if (isNew) this.#tail.beginSegment();
    await this.#store(lines.join(''));
    const { from } = known;
    await this.#writeHead({ ...at, ...(from !== undefined && { from }) });
    if (isNew) await this.#archive(at);
    return entries;
  }

  /** To the end of what others and a crash have left; begins the log where there is none. */
  async #catchUp(): Promise<StoredHead> {
    const known = await readHead(this.folder, this.name);
    for await (const entry of entriesOf(this.#tail)) checkHead(entry, known, this.folder);
    const { head } = this.#tail;
    if (known !== undefined) {
      if (known.seq > head.seq) throw cut(this.folder, known, head);
      return known;
    }
    if (head.seq >= 0) throw brokenAt(headPath(this.folder, this.name), 'it is missing');
    await this.#writeHead(emptyHead);
    return emptyHead;
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

  /** The head says first from where the folder goes on: a crash leaves files that the next time moves. */
  async #archive(head: ChainHead): Promise<void> {
    const segments = await segmentsIn(this.folder, this.name);
    const first = segments.at(-this.#keptSegments);
    if (first === undefined || first === segments[0]) return;
    await this.#writeHead({ ...head, from: await headBefore(segmentPath(this.folder, this.name, first), first) });
    const archive = archiveOf(this.folder);
    await makeFolder(archive);
    for (const segment of segments.filter((one) => one < first)) {
      const path = segmentPath(this.folder, this.name, segment);
      try {
        await rename(path, join(archive, basename(path)));
      } catch (error) {
        throw writeFailed(path, error);
      }
    }
    await syncFolder(archive);
  }

  #writeHead(head: StoredHead): Promise<void> {
    return writeFileAtomic(headPath(this.folder, this.name), `${JSON.stringify(head)}\n`, 0o600);
  }
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw writeFailed(folder, error);
  });
}
