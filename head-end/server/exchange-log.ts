import { createReadStream, type ReadStream } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { dirname } from 'node:path';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { exchangeLine, interestingHeaders } from './exchange-record.ts';
import type { SentAnswer } from './wire.ts';

/** What is recorded: every device's exchanges, or some devices'. */
export interface Recording {
  /** LFDIs; all peers when undefined. */
  readonly lfdis: ReadonlySet<string> | undefined;
  /** Of the file: the first exchange beyond is left out, and the recording ends. */
  readonly maxBytes: number;
}

export type RecordingState =
  | { readonly at: 'off' }
  | { readonly at: 'on' | 'full'; readonly recording: Recording; readonly bytes: number; readonly exchanges: number };

/** What may wait for the disk. */
const maxWaitingBytes = 4 << 20;

/**
 * The record of 2030.5 exchanges, one JSON line each, in one file that begins anew with every recording. When the file
 * is full, or the disk does not keep up, the recording ends: what is there begins at the beginning and has no hole.
 */
export class ExchangeLog implements AsyncDisposable {
  readonly #path: string;
  readonly #log: Log;
  readonly #now: () => UnixSeconds;
  #file: FileHandle | undefined;
  #state: RecordingState = { at: 'off' };
  #waiting = 0;
  /** Changes and writes, one after another. */
  #turn: Promise<void> = Promise.resolve();

  constructor({ path, log, now }: { readonly path: string; readonly log: Log; readonly now: () => UnixSeconds }) {
    this.#path = path;
    this.#log = log;
    this.#now = now;
  }

  get state(): RecordingState {
    return this.#state;
  }

  /** Whether exchanges of this peer are wanted. */
  wants(lfdi: string): boolean {
    const state = this.#state;
    return state.at === 'on' && state.recording.lfdis?.has(lfdi) !== false;
  }

  /** Begins a recording; the one before is gone. Rejects with `GTX-EXL-001` when the file cannot be made. */
  start(recording: Recording): Promise<void> {
    return this.#next(async () => {
      await this.#close();
      try {
        await mkdir(dirname(this.#path), { recursive: true });
        this.#file = await open(this.#path, 'w', 0o600);
      } catch (error) {
        throw new GridError('GTX-EXL-001', `The record of exchanges cannot be written: ${reasonOf(error)}`, {
          hint: `Is there room, and may the head-end write to ${dirname(this.#path)}?`,
          cause: error,
        });
      }
      this.#state = { at: 'on', recording, bytes: 0, exchanges: 0 };
    });
  }

  /** Ends the recording; what was recorded stays. */
  stop(): Promise<void> {
    return this.#next(async () => {
      await this.#close();
      this.#state = { at: 'off' };
    });
  }

  /** Notes a request of a peer, with its body, and what was answered. */
  note(
    lfdi: string,
    { method = 'GET', url = '/', headers }: IncomingMessage,
    body: Uint8Array,
    answer: SentAnswer,
  ): void {
    const state = this.#state;
    const file = this.#file;
    if (state.at !== 'on' || file === undefined) return;
    const line = Buffer.from(
      exchangeLine({
        time: this.#now(),
        lfdi,
        method,
        url,
        headers: interestingHeaders(headers),
        body: Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString(),
        status: answer.status,
        answerHeaders: interestingHeaders(answer.headers),
        answerBody: answer.body ?? '',
      }),
    );
    if (state.bytes + line.length > state.recording.maxBytes || this.#waiting + line.length > maxWaitingBytes) {
      this.#state = { ...state, at: 'full' };
      return;
    }
    this.#state = { ...state, bytes: state.bytes + line.length, exchanges: state.exchanges + 1 };
    this.#waiting += line.length;
    void this.#next(async () => {
      try {
        // Started anew since: the line belongs to the file that is gone.
        if (file === this.#file) await file.write(line);
      } catch (error) {
        this.#log.warn({ reason: reasonOf(error) }, 'the recording of exchanges ended');
        if (this.#state.at === 'on') this.#state = { ...this.#state, at: 'full' };
      } finally {
        this.#waiting -= line.length;
      }
    });
  }

  /** What was recorded, as far as it is on the disk; undefined when nothing ever was. */
  async read(): Promise<ReadStream | undefined> {
    await this.#turn;
    const file = await open(this.#path, 'r').catch(() => undefined);
    if (file === undefined) return undefined;
    const { size } = await file.stat();
    await file.close();
    // As large as it is now: it may grow while it is read.
    return createReadStream(this.#path, { start: 0, end: Math.max(0, size - 1) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #next(task: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(task);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }
}
