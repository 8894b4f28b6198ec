import { open, rename, type FileHandle } from 'node:fs/promises';
import { writeFailed } from '../atomic-file.ts';
import { systemCode } from '../errors.ts';
import { everyWall, monotonicMs } from '../wall.ts';
import { fileHead, sealBlock } from './block.ts';
import { encodeFrame, type FrameKind, maxBodyBytes } from './frame.ts';
import type { RecordingHeader } from './header.ts';

export interface RecordingWriterOptions {
  readonly path: string;
  readonly header: RecordingHeader;
  /** The file grows to so many bytes and no further; 100,000,000 unless told. */
  readonly maxBytes?: number;
  /** Called once: why nothing is recorded any more, with the `GridError` where the disk is the reason. */
  readonly onEnd?: (why: 'full' | 'failed', error?: Error) => void;
}

/** A block goes to the disk when it has so many bytes, and at least so often where there is something to write. */
const blockBytes = 65_536;
const blockMs = 10_000;
/** Blocks that wait for the disk at the most: frames that find them all waiting are counted and lost. */
const maxWaiting = 16;

/**
 * Writes a recording beside the work that it records: `append` only remembers; what it remembers is compressed and
 * written block by block, and what a disk that is too slow, full or broken cannot take is lost, never waited for.
 * A file of the same name is kept as `PATH.old`.
 */
export class RecordingWriter implements AsyncDisposable {
  readonly #options: RecordingWriterOptions;
  readonly #maxBytes: number;
  #startedMs = 0;
  #file: FileHandle | undefined;
  #written = 0;
  #frames: Buffer[] = [];
  #bytes = 0;
  #lastUs = 0;
  #waiting: Buffer[] = [];
  #draining: Promise<void> | undefined;
  #flusher: Disposable | undefined;
  /** Of which the recording does not tell yet. */
  #lost = 0;
  #lostEver = 0;

  constructor(options: RecordingWriterOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? 100_000_000;
  }

  /** Frames that were lost because the disk was too slow. */
  get lost(): number {
    return this.#lostEver;
  }

  /** Bytes of the file. */
  get bytes(): number {
    return this.#written;
  }

  /** Begins the file. Rejects with `GTX-HAL-020`. */
  async start(): Promise<void> {
    const { path, header } = this.#options;
    try {
      await rename(path, `${path}.old`);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw writeFailed(path, error);
    }
    const head = Buffer.concat([fileHead, await sealBlock(Buffer.from(JSON.stringify(header)))]);
    try {
      this.#file = await open(path, 'wx');
      await this.#file.write(head);
    } catch (error) {
      throw writeFailed(path, error);
    }
    this.#written = head.length;
    this.#startedMs = monotonicMs();
    this.#flusher = everyWall(blockMs, () => {
      // While the disk is busy the block grows.
      if (this.#draining === undefined) this.#seal();
    });
  }

  /** Never waits and never throws. The body may not change afterwards. */
  append(kind: FrameKind, port: number, body: Buffer): void {
    if (this.#file === undefined) return;
    const isCuttable = kind === 'sent' || kind === 'received';
    if (this.#waiting.length >= maxWaiting || (body.length > maxBodyBytes && !isCuttable)) {
      this.#lost++;
      this.#lostEver++;
      return;
    }
    if (this.#lost > 0) {
      const lost = Buffer.from(String(this.#lost));
      this.#lost = 0;
      this.#add('lost', 0, lost);
    }
    for (let at = 0; at === 0 || at < body.length; at += maxBodyBytes) {
      this.#add(kind, port, body.subarray(at, at + maxBodyBytes));
    }
  }

  /** Writes what there is and ends the recording. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#seal();
    this.#flusher?.[Symbol.dispose]();
    await this.#draining;
    await this.#close();
  }

  #add(kind: FrameKind, port: number, body: Buffer): void {
    const us = Math.max(this.#lastUs, Math.round((monotonicMs() - this.#startedMs) * 1000));
    const frame = encodeFrame({ us, kind, port, body }, this.#frames.length === 0 ? 0 : this.#lastUs);
    this.#lastUs = us;
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#bytes >= blockBytes) this.#seal();
  }

  #seal(): void {
    if (this.#frames.length === 0) return;
    this.#waiting.push(Buffer.concat(this.#frames));
    this.#frames = [];
    this.#bytes = 0;
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
    });
  }

  async #drain(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const block = await sealBlock(next);
      if (this.#written + block.length > this.#maxBytes) {
        await this.#end('full');
        return;
      }
      try {
        await this.#file?.write(block);
      } catch (error) {
        await this.#end('failed', writeFailed(this.#options.path, error));
        return;
      }
      this.#written += block.length;
      this.#waiting.shift();
    }
  }

  async #end(why: 'full' | 'failed', error?: Error): Promise<void> {
    this.#flusher?.[Symbol.dispose]();
    this.#waiting = [];
    this.#frames = [];
    await this.#close();
    this.#options.onEnd?.(why, error);
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}
