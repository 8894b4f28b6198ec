import { UnixSeconds } from '#hal/units.ts';
import type { ChannelName } from '#ieee2030_5/ext/channels.ts';
import type { Meaning } from './minute-means.ts';
import { agedGroup, defaultRetention, merged, type RetentionPolicy, secondsOfDay } from './outbox-aging.ts';
import type { Gap, GapReason, OutboxFile, OutboxRow, StoredRow } from './outbox-file.ts';
import { type Posting, postingOf, type QueuedPosting, readingsIn, rowOf } from './posting.ts';

/** Counters since installation: a reading is one value of one channel for one time period. */
export interface OutboxTotals {
  readonly queued: number;
  readonly acknowledged: number;
  /** Readings given up because the outbox was full, or because the file lost them. */
  readonly dropped: number;
  /** Readings that the head-end would not take. */
  readonly refused: number;
}

/** What waits, and what is missing. */
export interface OutboxReport {
  readonly waiting: number;
  /** Start of the oldest that waits; `undefined` when nothing does. */
  readonly since: UnixSeconds | undefined;
  /** Readings that were made part of coarser ones: their sums are kept, their resolution is not. */
  readonly coarsened: number;
  /** What the file's flash is worn by, at the pace since it was opened, by all boards in it; `undefined` at first. */
  readonly writtenBytesADay: number | undefined;
  /** The newest, the oldest of them first. */
  readonly gaps: readonly Gap[];
}

/** Everything a board keeps beside its postings. */
interface Kept {
  readonly sequence: number;
  readonly totals: OutboxTotals;
  /** The end of the newest acknowledged time period; 0 before the first. */
  readonly through: UnixSeconds;
  readonly state: Readonly<Record<string, unknown>>;
  /** The end of the newest queued time period. */
  readonly end?: number;
  readonly coarsened?: number;
  /** By tier: up to where rows were gone through. */
  readonly aged?: readonly number[];
}

export interface OutboxOptions {
  /** How channels are made coarser: `last` (registers, states) unless told `mean`. */
  readonly meanings?: ReadonlyMap<string, Meaning>;
  readonly retention?: RetentionPolicy;
}

/** Postings held in memory; the rest of a long outage waits in the file. */
const windowSize = 256;
/** Rows of one slot at most, and the slots that are made coarser with one posting. */
const mostOfSlot = 64;
const slotsAtOnce = 4;

/** Seconds of postings from which on the pace of writing tells something. */
const paceSeconds = 900;

const nothing: OutboxTotals = { queued: 0, acknowledged: 0, dropped: 0, refused: 0 };
const sumOfTotals = (a: OutboxTotals, b: OutboxTotals): OutboxTotals => ({
  queued: a.queued + b.queued,
  acknowledged: a.acknowledged + b.acknowledged,
  dropped: a.dropped + b.dropped,
  refused: a.refused + b.refused,
});
const fresh: Kept = { sequence: 0, totals: nothing, through: UnixSeconds(0), state: {} };

/**
 * A board's durable memory: the postings that the head-end has not acknowledged yet, and with them the board's own
 * state (registers). An acknowledgement is written with the next posting, so that after a crash the last one may be
 * sent once more; the head-end stores it once. What waits for long is made coarser, and only then given up, counted.
 */
export class Outbox<Name extends string = ChannelName> {
  readonly #file: OutboxFile;
  readonly #board: string;
  readonly #names: readonly Name[];
  readonly #meanings: ReadonlyMap<string, Meaning>;
  readonly #retention: RetentionPolicy;
  /** The oldest postings, in order; empty only when the file has none beyond it. */
  #window: QueuedPosting<Name>[] = [];
  #newest: QueuedPosting<Name> | undefined;
  #size = 0;
  #doneThrough = 0;
  /** Beyond it, and still in the file. */
  readonly #doneApart = new Set<number>();
  #gaps: Gap[] = [];
  #kept = fresh;
  #isNew = false;
  /** What the file keeps of the board was read. */
  #isRead = false;
  /** The first posting since the file was opened. */
  #pace: { readonly since: number; readonly bytes: number } | undefined;
  /** What ended after it may be lost, up to the next posting; `undefined` when the file was whole. */
  #damagedAfter: number | undefined;

  /** `names` are the channels, in the order in which the file keeps them. Throws `GTX-OUT-003` as `OutboxFile.stateOf` does. */
  constructor(file: OutboxFile, board: string, names: readonly Name[], options: OutboxOptions = {}) {
    this.#file = file;
    this.#board = board;
    this.#names = names;
    const { meanings = new Map<string, Meaning>(), retention = defaultRetention } = options;
    this.#meanings = new Map(names.map((name) => [name, meanings.get(name) ?? 'last']));
    this.#retention = retention;
    if (file.isOpen) this.#read();
  }

  /** Nothing was ever saved: the board has not run before. Nobody knows while the file is absent. */
  get isNew(): boolean {
    return this.#isNew;
  }

  /** Whether its file is there, and what it keeps is known. */
  get isOpen(): boolean {
    return this.#isRead;
  }

  /** Opens the file where it was absent; throws `GTX-OUT-001` while it cannot be had, and as the constructor does. */
  open(): void {
    if (this.#isRead) return;
    this.#file.open();
    this.#join();
  }

  /** Postings that wait for an acknowledgement. */
  get size(): number {
    return this.#size;
  }

  get totals(): OutboxTotals {
    return this.#kept.totals;
  }

  /** The end of the newest acknowledged time period; 0 before the first. Later ones that were sent first do not count. */
  get acknowledgedThrough(): UnixSeconds {
    return this.#kept.through;
  }

  report(): OutboxReport {
    return {
      waiting: this.#size,
      since: this.#window[0]?.start,
      coarsened: this.#kept.coarsened ?? 0,
      writtenBytesADay: this.#writtenADay(),
      gaps: [...this.#file.gapsOf(this.#board), ...this.#gaps],
    };
  }

  /** Queues a posting and keeps the board's state with it, all or nothing; one at a time. */
  async append(posting: Posting<Name>, state: Readonly<Record<string, unknown>>): Promise<void> {
    this.#join();
    const { totals, end: before } = this.#kept;
    const sequence = this.#kept.sequence + 1;
    const end = posting.start + posting.duration;
    const queued = totals.queued + this.#countOf(posting);
    const kept: Kept = { ...this.#kept, sequence, end, totals: { ...totals, queued }, state };
    if (this.#damagedAfter !== undefined) {
      this.#gap(Math.min(this.#damagedAfter, posting.start), posting.start, 'memory damaged');
      this.#damagedAfter = undefined;
    } else if (before !== undefined && posting.start > before) this.#gap(before, posting.start, 'not measured');
    const isAtHand = this.#window.length === this.#size && this.#size < windowSize;
    await this.#write(kept, [rowOf(this.#names, { ...posting, sequence })]);
    this.#newest = { ...posting, sequence };
    this.#pace ??= { since: end, bytes: this.#file.bytesWritten };
    if (isAtHand) this.#window.push(this.#newest);
    this.#size++;
    await this.#age(UnixSeconds(end));
    this.#limit(end);
  }

  /** A posting that could not be kept: its readings are counted, and its time is a gap where it is known. */
  giveUp(posting: Posting<Name>, isTimeKnown = true): void {
    const { totals } = this.#kept;
    const [end, lost] = [posting.start + posting.duration, this.#countOf(posting)];
    const counted = { ...totals, queued: totals.queued + lost, dropped: totals.dropped + lost };
    this.#kept = { ...this.#kept, totals: counted, ...(isTimeKnown && { end }) };
    if (isTimeKnown) this.#gap(posting.start, end, 'not kept');
  }

  /** The posting to send next, or `undefined` when everything is acknowledged. */
  oldest(): QueuedPosting<Name> | undefined {
    return this.#window[0];
  }

  /** The newest posting, while so many others wait before it that it would be long until its turn. */
  live(): QueuedPosting<Name> | undefined {
    const newest = this.#newest;
    const last = this.#window.at(-1);
    return newest !== undefined && last !== undefined && newest.sequence > last.sequence ? newest : undefined;
  }

  /** The oldest postings that are at hand, in order; all of them but in a long outage. */
  get waiting(): readonly QueuedPosting<Name>[] {
    return this.#window;
  }

  /** The head-end holds the oldest posting, or the live one: forget it. */
  acknowledge(posting: QueuedPosting<Name>): void {
    this.#finish(posting);
    this.#count('acknowledged', posting);
  }

  /** The head-end will never take this posting: it is counted, and does not keep the others waiting. */
  refuse(posting: QueuedPosting<Name>): void {
    this.#finish(posting);
    this.#count('refused', posting);
    this.#gap(posting.start, posting.start + posting.duration, 'refused');
  }

  /** What `append` kept under this key last; the caller knows its type. */
  state(key: string): unknown {
    return this.#kept.state[key];
  }

  /** Writes what was acknowledged since the last posting. */
  async save(): Promise<void> {
    this.#join();
    await this.#write(this.#kept, []);
  }

  /** What the file keeps goes before what was counted while it was absent. */
  #join(): void {
    if (this.#isRead || !this.#file.isOpen) return;
    const { totals: counted, end } = this.#kept;
    const [first] = this.#gaps;
    this.#read();
    const { totals, end: before } = this.#kept;
    this.#kept = { ...this.#kept, totals: sumOfTotals(totals, counted), ...(end !== undefined && { end }) };
    if (before === undefined || first === undefined || first.from <= before) return;
    this.#gaps = [{ from: before, until: first.from, why: 'not measured' }, ...this.#gaps];
  }

  #read(): void {
    const { state, isDamaged } = this.#file.stateOf(this.#board);
    this.#isNew = state === undefined && !isDamaged;
    const newest = this.#file.newestOf(this.#board);
    const kept = state === undefined ? fresh : (JSON.parse(state) as Kept);
    this.#kept = { ...kept, sequence: Math.max(kept.sequence, newest?.sequence ?? 0) };
    this.#size = this.#file.sizeOf(this.#board);
    this.#load();
    this.#isRead = true;
    if (!isDamaged) return;
    this.#damagedAfter = state === undefined ? (newest?.end ?? Infinity) : kept.through;
    this.#countLost();
  }

  async #write(kept: Kept, rows: readonly OutboxRow[], replaced: readonly number[] = []): Promise<void> {
    const gaps = this.#gaps;
    const apart = [...this.#doneApart];
    const doneApart = [...apart, ...replaced];
    const state = JSON.stringify(kept);
    await this.#file.write({ board: this.#board, doneThrough: this.#doneThrough, doneApart, rows, gaps, state });
    this.#kept = kept;
    this.#gaps = this.#gaps.slice(gaps.length);
    for (const sequence of apart) this.#doneApart.delete(sequence);
  }

  /** Makes coarser what is old enough. What is at hand stays as it is: it may be on its way. */
  async #age(now: UnixSeconds): Promise<void> {
    const { tiers } = this.#retention;
    const lastAtHand = this.#window.at(-1)?.sequence;
    // The whole outbox is at hand, or young.
    if (lastAtHand === undefined || this.#size <= this.#window.length) return;
    for (const [i, tier] of tiers.entries()) {
      for (let slots = 0; slots < slotsAtOnce; slots++) {
        const aged = this.#kept.aged ?? tiers.map(() => 0);
        const after = Math.max(aged[i] ?? 0, lastAtHand);
        if (agedGroup(this.#rows(after, 1), tier, now) === undefined) break;
        const group = agedGroup(this.#rows(after, mostOfSlot), tier, now);
        const last = group?.at(-1);
        if (group === undefined || last === undefined) break;
        const kept = { ...this.#kept, aged: tiers.map((_, j) => (j === i ? last.sequence : (aged[j] ?? 0))) };
        if (group.length === 1) this.#kept = kept;
        else await this.#coarsen(group, kept);
      }
    }
  }

  async #coarsen(group: readonly QueuedPosting<Name>[], kept: Kept): Promise<void> {
    const one: Posting<Name> | undefined = merged(group, this.#meanings);
    const last = group.at(-1);
    if (one === undefined || last === undefined) return;
    const before = group.reduce((sum, each) => sum + this.#countOf(each), 0);
    const coarsened = (kept.coarsened ?? 0) + before - this.#countOf(one);
    const row = rowOf(this.#names, { ...one, sequence: last.sequence });
    const replaced = group.slice(0, -1).map(({ sequence }) => sequence);
    await this.#write({ ...kept, coarsened }, [row], replaced);
    this.#size -= replaced.length;
  }

  /** What is too old, or too much for the disk, is given up, and counted. */
  #limit(now: number): void {
    const { days, mostRows } = this.#retention;
    for (;;) {
      const oldest = this.oldest();
      if (oldest === undefined) return;
      const isTooOld = oldest.start + oldest.duration < now - days * secondsOfDay;
      if (!isTooOld && this.#size <= mostRows) return;
      this.#finish(oldest);
      this.#count('dropped', oldest);
      this.#gap(oldest.start, oldest.start + oldest.duration, 'given up');
    }
  }

  #count(what: 'acknowledged' | 'dropped' | 'refused', posting: Posting<Name>): void {
    const { totals } = this.#kept;
    this.#kept = { ...this.#kept, totals: { ...totals, [what]: totals[what] + this.#countOf(posting) } };
  }

  #countOf(posting: Posting<Name>): number {
    return readingsIn(this.#names, posting);
  }

  #writtenADay(): number | undefined {
    if (this.#pace === undefined) return undefined;
    const seconds = (this.#kept.end ?? 0) - this.#pace.since;
    if (seconds < paceSeconds) return undefined;
    return Math.round(((this.#file.bytesWritten - this.#pace.bytes) * secondsOfDay) / seconds);
  }

  /** Of what was queued, what is neither settled nor here any more. */
  #countLost(): void {
    let here = 0;
    let rows: readonly QueuedPosting<Name>[] = this.#window;
    for (let last = rows.at(-1); last !== undefined; last = rows.at(-1)) {
      here += rows.reduce((sum, row) => sum + this.#countOf(row), 0);
      rows = this.#rows(last.sequence, windowSize);
    }
    const { totals, coarsened = 0 } = this.#kept;
    const settled = totals.acknowledged + totals.dropped + totals.refused + coarsened;
    const dropped = totals.dropped + Math.max(0, totals.queued - settled - here);
    this.#kept = { ...this.#kept, totals: { ...totals, dropped } };
  }

  #finish(posting: QueuedPosting<Name>): void {
    if (this.#window[0]?.sequence === posting.sequence) {
      this.#window.shift();
      this.#doneThrough = posting.sequence;
      const end = UnixSeconds(posting.start + posting.duration);
      if (end > this.#kept.through) this.#kept = { ...this.#kept, through: end };
    } else if (this.live()?.sequence === posting.sequence) {
      this.#doneApart.add(posting.sequence);
      this.#newest = undefined;
    } else throw new RangeError(`posting ${posting.sequence} is neither the oldest nor the live one`);
    this.#size--;
    if (this.#window.length === 0 && this.#size > 0) this.#load();
  }

  #gap(from: number, until: number, why: GapReason): void {
    const last = this.#gaps.at(-1);
    if (last?.until === from && last.why === why) this.#gaps = [...this.#gaps.slice(0, -1), { ...last, until }];
    else this.#gaps = [...this.#gaps, { from, until, why }];
  }

  #load(): void {
    this.#window = this.#rows(this.#doneThrough, windowSize);
  }

  /**
   * The first rows that are whole, at most `limit`; none only where there are no more. Of damaged ones the time is told
   * as a gap, and they are done with.
   */
  #rows(after: number, limit: number): QueuedPosting<Name>[] {
    for (let from = after; ; ) {
      const rows = this.#file.rowsOf(this.#board, from, limit);
      const last = rows.at(-1);
      if (last === undefined) return [];
      const whole = rows.filter(({ sequence }) => !this.#doneApart.has(sequence)).flatMap((row) => this.#whole(row));
      if (whole.length > 0) return whole;
      from = last.sequence;
    }
  }

  #whole({ values, ...row }: StoredRow): readonly QueuedPosting<Name>[] {
    if (values !== undefined) return [postingOf(this.#names, { ...row, values })];
    this.#lose(row.sequence, row.start, row.duration);
    return [];
  }

  /** How many readings it held nobody knows: as many as there are channels. */
  #lose(sequence: number, start: number, duration: number): void {
    const { totals } = this.#kept;
    this.#doneApart.add(sequence);
    this.#size--;
    this.#kept = { ...this.#kept, totals: { ...totals, dropped: totals.dropped + this.#names.length } };
    this.#gap(start, start + duration, 'damaged');
  }
}
