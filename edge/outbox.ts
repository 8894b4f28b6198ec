import { UnixSeconds } from '#hal/units.ts';
import type { ChannelName } from '#ieee2030_5/ext/channels.ts';
import type { OutboxFile, OutboxRow } from './outbox-file.ts';

/** What one post carries: the values at the end of `[start, start + duration]`. */
export interface Posting<Name extends string = ChannelName> {
  readonly start: UnixSeconds;
  readonly duration: number;
  /** `undefined` where it was not measured. */
  readonly values: Readonly<Record<Name, number | undefined>>;
}

export interface QueuedPosting<Name extends string = ChannelName> extends Posting<Name> {
  readonly sequence: number;
}

/** Counters since installation: a reading is one value of one channel for one time period. */
export interface OutboxTotals {
  readonly queued: number;
  readonly acknowledged: number;
  /** Readings given up because the outbox was full. */
  readonly dropped: number;
  /** Readings that the head-end would not take. */
  readonly refused: number;
}

/** Everything a board keeps beside its postings. */
interface Kept {
  readonly sequence: number;
  readonly totals: OutboxTotals;
  /** The end of the newest acknowledged time period; 0 before the first. */
  readonly through: UnixSeconds;
  readonly state: Readonly<Record<string, unknown>>;
}

/** About a month of postings at one every 15 s; then the oldest is given up, and counted. */
const defaultLimit = 200_000;
/** Postings held in memory; the rest of a long outage waits in the file. */
const windowSize = 256;

const nothing: OutboxTotals = { queued: 0, acknowledged: 0, dropped: 0, refused: 0 };

/**
 * A board's durable memory: the postings that the head-end has not acknowledged yet, and with them the board's own
 * state (registers). An acknowledgement is written with the next posting, so that after a crash the last one may be
 * sent once more; the head-end stores it once.
 */
export class Outbox<Name extends string = ChannelName> {
  readonly #file: OutboxFile;
  readonly #board: string;
  readonly #names: readonly Name[];
  readonly #limit: number;
  /** The oldest postings, in order; empty only when the file has none beyond it. */
  #window: QueuedPosting<Name>[];
  #size: number;
  #doneThrough = 0;
  #kept: Kept;

  /** `names` are the channels, in the order in which the file keeps them. */
  constructor(file: OutboxFile, board: string, names: readonly Name[], limit = defaultLimit) {
    this.#file = file;
    this.#board = board;
    this.#names = names;
    this.#limit = limit;
    const kept = file.stateOf(board);
    this.#kept =
      kept === undefined
        ? { sequence: 0, totals: nothing, through: UnixSeconds(0), state: {} }
        : (JSON.parse(kept) as Kept);
    this.#size = file.sizeOf(board);
    this.#window = this.#load();
  }

  /** Postings that wait for an acknowledgement. */
  get size(): number {
    return this.#size;
  }

  get totals(): OutboxTotals {
    return this.#kept.totals;
  }

  /** The end of the newest acknowledged time period; 0 before the first. */
  get acknowledgedThrough(): UnixSeconds {
    return this.#kept.through;
  }

  /** Queues a posting and keeps the board's state with it, all or nothing; one at a time. */
  async append(posting: Posting<Name>, state: Readonly<Record<string, unknown>>): Promise<void> {
    const { totals, through } = this.#kept;
    const sequence = this.#kept.sequence + 1;
    const kept: Kept = {
      sequence,
      through,
      totals: { ...totals, queued: totals.queued + this.#countOf(posting) },
      state,
    };
    await this.#write(kept, {
      sequence,
      start: posting.start,
      duration: posting.duration,
      values: JSON.stringify(this.#names.map((name) => posting.values[name] ?? null)),
    });
    if (this.#window.length === this.#size && this.#size < windowSize) this.#window.push({ ...posting, sequence });
    this.#size++;
    while (this.#size > this.#limit) this.#giveUpOldest();
  }

  /** The posting to send next, or `undefined` when everything is acknowledged. */
  oldest(): QueuedPosting<Name> | undefined {
    return this.#window[0];
  }

  /** The oldest postings that are at hand, in order; all of them but in a long outage. */
  get waiting(): readonly QueuedPosting<Name>[] {
    return this.#window;
  }

  /** The head-end holds the oldest posting: forget it. */
  acknowledge(posting: QueuedPosting<Name>): void {
    this.#finish(posting);
    this.#count('acknowledged', posting);
    const end = UnixSeconds(posting.start + posting.duration);
    if (end > this.#kept.through) this.#kept = { ...this.#kept, through: end };
  }

  /** The head-end will never take the oldest posting: it is counted, and does not keep the others waiting. */
  refuse(posting: QueuedPosting<Name>): void {
    this.#finish(posting);
    this.#count('refused', posting);
  }

  /** What `append` kept under this key last; the caller knows its type. */
  state(key: string): unknown {
    return this.#kept.state[key];
  }

  /** Writes what was acknowledged since the last posting. */
  save(): Promise<void> {
    return this.#write(this.#kept, undefined);
  }

  async #write(kept: Kept, row: OutboxRow | undefined): Promise<void> {
    await this.#file.write({ board: this.#board, doneThrough: this.#doneThrough, row, state: JSON.stringify(kept) });
    this.#kept = kept;
  }

  #giveUpOldest(): void {
    const oldest = this.oldest();
    if (oldest === undefined) throw new RangeError('an outbox that is full is not empty');
    this.#finish(oldest);
    this.#count('dropped', oldest);
  }

  #count(what: 'acknowledged' | 'dropped' | 'refused', posting: Posting<Name>): void {
    const { totals } = this.#kept;
    this.#kept = { ...this.#kept, totals: { ...totals, [what]: totals[what] + this.#countOf(posting) } };
  }

  #countOf({ values }: Posting<Name>): number {
    return this.#names.filter((name) => values[name] !== undefined).length;
  }

  #finish(posting: QueuedPosting<Name>): void {
    if (this.#window[0]?.sequence !== posting.sequence) {
      throw new RangeError(`posting ${posting.sequence} is not the oldest`);
    }
    this.#window.shift();
    this.#doneThrough = posting.sequence;
    this.#size--;
    if (this.#window.length === 0 && this.#size > 0) this.#window = this.#load();
  }

  #load(): QueuedPosting<Name>[] {
    return this.#file
      .rowsOf(this.#board, this.#doneThrough, windowSize)
      .map(({ sequence, start, duration, values }) => {
        const numbers = JSON.parse(values) as (number | null)[];
        const named = this.#names.map((name, i) => [name, numbers[i] ?? undefined] as const);
        const byName = Object.fromEntries(named) as Record<Name, number | undefined>;
        return { sequence, start: start as UnixSeconds, duration, values: byName };
      });
  }
}
