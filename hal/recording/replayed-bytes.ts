import { Duplex } from 'node:stream';
import { GridError, type GridErrorCode } from '../errors.ts';
import type { BytePort } from '../ports.ts';
import { parseBody, type RecordedFailure } from './calls.ts';
import type { Frame, RecordedFrame } from './frame.ts';
import type { RecordedPort } from './header.ts';
import { type RecordedAt, RecordedEvents } from './recorded-events.ts';

/** Time in which a recording is replayed, milliseconds since its beginning. */
export interface Timeline {
  monotonicMs(): number;
  /**
   * Calls `run` at that time, or as soon as possible where it has passed; of what is due at one time the least `rank`
   * first, which for what was recorded is its place.
   */
  at(ms: number, run: () => void, rank?: number): Disposable;
}

/** One attempt to open a port. */
interface Opening extends RecordedAt {
  readonly place: number;
  readonly tookMs: number;
  readonly failure: RecordedFailure | undefined;
}

const opens = 'open';

export const msOf = ({ us }: Frame): number => us / 1000;

/** A failure of the recording, made to happen again. */
export const failureAgain = ({ code, message, hint }: RecordedFailure): Error =>
  code === '' ? new Error(message) : new GridError(code as GridErrorCode, message, hint === undefined ? {} : { hint });

/** How a port could be opened at which time. */
export class RecordedOpenings {
  readonly #events = new RecordedEvents<Opening>();
  readonly #timeline: Timeline;

  constructor(frames: readonly RecordedFrame[], timeline: Timeline) {
    this.#timeline = timeline;
    for (const frame of frames) {
      const { place } = frame;
      if (frame.kind === 'opened') {
        const tookMs = Number(frame.body.toString()) / 1000 || 0;
        this.#events.add(opens, { ms: msOf(frame) - tookMs, tookMs, place, failure: undefined });
      }
      if (frame.kind !== 'refused') continue;
      const failure = parseBody('refused', frame.body);
      if (failure === undefined) continue;
      const tookMs = failure.us / 1000;
      this.#events.add(opens, { ms: msOf(frame) - tookMs, tookMs, place, failure });
    }
  }

  /** Opens as it was recorded about now; at once where nobody opened it then. */
  async open(): Promise<void> {
    const now = this.#timeline.monotonicMs();
    const opening = this.#events.take(opens, now);
    if (opening === undefined) return;
    const { ms, tookMs, place, failure } = opening;
    // No later than it was: what followed is about to follow.
    const doneMs = Math.min(now, ms) + tookMs;
    await new Promise<void>((resolve) => void this.#timeline.at(doneMs, resolve, place));
    if (failure !== undefined) throw failureAgain(failure);
  }
}

/** The device's end of a byte port that is replayed. */
export class ReplayedStream extends Duplex {
  readonly #onSent: (bytes: Buffer) => void;

  constructor(onSent: (bytes: Buffer) => void) {
    super({ allowHalfOpen: false });
    this.#onSent = onSent;
  }

  /** What comes in. What nobody reads waits, as far as the recording goes. */
  receive(bytes: Buffer): void {
    if (!this.destroyed) this.push(bytes);
  }

  override _read(): void {
    // Bytes come when it is their time.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#onSent(chunk);
    done();
  }
}

/** A line on which bytes come unasked: they come again at their times, whatever is sent. */
export class ReplayedLine implements BytePort {
  readonly name: string;
  readonly isChecked?: boolean;
  readonly #openings: RecordedOpenings;
  readonly #frames: readonly RecordedFrame[];
  readonly #timeline: Timeline;
  #next = 0;
  #stream: ReplayedStream | undefined;

  constructor({ name, isChecked }: RecordedPort, frames: readonly RecordedFrame[], timeline: Timeline) {
    this.name = name;
    if (isChecked !== undefined) this.isChecked = isChecked;
    this.#openings = new RecordedOpenings(frames, timeline);
    this.#frames = frames.filter(({ kind }) => kind === 'received' || kind === 'closed');
    this.#timeline = timeline;
    this.#schedule();
  }

  async open(): Promise<Duplex> {
    await this.#openings.open();
    const stream = new ReplayedStream(() => undefined);
    this.#stream = stream;
    return stream;
  }

  #schedule(): void {
    const frame = this.#frames[this.#next++];
    if (frame === undefined) return;
    const again = (): void => {
      if (frame.kind === 'received') this.#stream?.receive(frame.body);
      else this.#stream?.destroy();
      this.#schedule();
    };
    this.#timeline.at(msOf(frame), again, frame.place);
  }
}
