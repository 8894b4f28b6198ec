import type { Pool } from 'pg';
import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import type { MirrorMeterReading, MirrorUsagePoint } from '#ieee2030_5/types.generated.ts';
import type { IngestOutcome } from './batch.ts';
import { type Channel, Channels, type MirrorPoint } from './channels.ts';
import { GroupCommit, type IngestStatistics } from './group-commit.ts';
import { rowsOf } from './mirror-rows.ts';
import { type ReadingRow, sql } from './reading-sql.ts';
import { RegisterSwaps } from './register-swaps.ts';

export interface ReadingStoreOptions {
  readonly pool: Pool;
  readonly log: Log;
  /** Readings that may wait for the database before posts are refused; 50,000 unless told. */
  readonly maxPendingRows?: number;
}

/** How many readings a channel of a meter has. */
export interface ReadingCount {
  readonly meterId: string;
  readonly channelId: number;
  readonly readings: number;
}

/** What came in one posting to a MirrorUsagePoint. */
export interface Posting {
  readonly mirrorPointId: number;
  readonly rows: readonly ReadingRow[];
}

/** A channel's values over a span of time. */
export interface Registers {
  readonly meterId: string;
  readonly channelId: number;
  /** At the end of the span's first time period. */
  readonly first: number;
  readonly last: number;
}

/** Every reading of every device: takes them in, each once, and answers for them. */
export class ReadingStore implements AsyncDisposable {
  readonly #pool: Pool;
  readonly #channels: Channels;
  readonly #swaps: RegisterSwaps;
  readonly #commits: GroupCommit;
  readonly #listeners = new Set<(posting: Posting) => void>();

  constructor({ pool, log, maxPendingRows = 50_000 }: ReadingStoreOptions) {
    this.#pool = pool;
    this.#channels = new Channels(pool);
    this.#swaps = new RegisterSwaps(pool);
    this.#commits = new GroupCommit(pool, log, maxPendingRows);
  }

  /** Loads the channels and the newest reading of each. */
  async start(): Promise<void> {
    await this.#channels.start();
    await this.#swaps.start();
    await this.#commits.start();
  }

  /** Commits what is waiting, then takes no more. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#commits.close();
  }

  /**
   * Creates a device's MirrorUsagePoint, or replaces the one of the same mRID, with the MirrorMeterReadings in it.
   * IEEE 2030.5-2018 §10.10. Rejects with `GTX-RDG-006` when the device has too many, and as `post` does.
   */
  async upsertMirrorUsagePoint(deviceId: number, posted: MirrorUsagePoint): Promise<{ id: number; created: boolean }> {
    const answer = await this.#channels.upsertPoint(deviceId, posted);
    const { MirrorMeterReading: readings = [] } = posted;
    const point = this.#channels.point(answer.id) as MirrorPoint;
    for (const reading of readings) await this.#channels.retireOthers(point, reading);
    if (readings.length > 0) await this.post(answer.id, readings);
    return answer;
  }

  /**
   * A device's registers count from another value from now on: what is stored goes on from where it is, whatever the
   * new ones say. IEEE 2030.5 has no word for it.
   */
  swapRegisters(deviceId: number, at: UnixSeconds): Promise<void> {
    return this.#swaps.swap(this.channelsOf(deviceId), at, (channelId) => this.latest(channelId));
  }

  /** Removes a MirrorUsagePoint; answers whether there was one. Its readings stay. */
  removeMirrorUsagePoint(id: number, at: UnixSeconds): Promise<boolean> {
    return this.#channels.removePoint(id, at);
  }

  /** Forgets the MirrorUsagePoints of a device that was removed from the registry; its readings stay. */
  forgetDevice(deviceId: number): void {
    this.#channels.forget(deviceId);
  }

  mirrorUsagePoint(id: number): MirrorPoint | undefined {
    return this.#channels.point(id);
  }

  mirrorUsagePointsOf(deviceId: number): readonly MirrorPoint[] {
    return this.#channels.pointsOf(deviceId);
  }

  channelsOf(deviceId: number): readonly Channel[] {
    return this.#channels.channelsOf(deviceId);
  }

  /**
   * Stores what was posted to a MirrorUsagePoint; resolves when it is on the disk. Rejects with `GTX-RDG-004`…`006`
   * or `008` for a post that is wrong, and as `ingest` does.
   */
  async post(mirrorPointId: number, posted: readonly MirrorMeterReading[]): Promise<IngestOutcome> {
    const point = this.#channels.point(mirrorPointId);
    if (point === undefined) throw new GridError('GTX-RDG-007', `There is no MirrorUsagePoint ${mirrorPointId}`);
    const rows: ReadingRow[] = [];
    for (const reading of posted) {
      const channel = this.#channels.known(point, reading) ?? (await this.#channels.createChannel(point, reading));
      const adjusted = this.#swaps.adjusted(channel, rowsOf(channel.id, reading));
      for (const row of adjusted instanceof Promise ? await adjusted : adjusted) rows.push(row);
    }
    const outcome = await this.ingest(rows);
    if (outcome.stored > 0) for (const listener of this.#listeners) listener({ mirrorPointId, rows });
    return outcome;
  }

  /** Called after the commit of every posting with a reading that was not there. */
  onPosted(listener: (posting: Posting) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /**
   * Stores readings of known channels; resolves when they are on the disk. A reading that is there already counts
   * as a duplicate, or as a conflict when its value differs; the first one stays. Rejects, with nothing stored that
   * sending it again would not mend, with `GTX-RDG-001` (too much waiting), `GTX-RDG-002` (stopping), `GTX-RDG-003`
   * (the database failed), `GTX-DB-003` (disk full).
   */
  ingest(rows: readonly ReadingRow[]): Promise<IngestOutcome> {
    if (rows.length === 0) return Promise.resolve({ stored: 0, duplicates: 0, conflicts: 0 });
    for (const row of rows) if (!isStorable(row) || !this.#channels.has(row.channelId)) return refuse(row);
    return this.#commits.add(rows);
  }

  /** Since the start of the process. */
  get statistics(): IngestStatistics {
    return this.#commits.statistics;
  }

  /** A channel's newest committed reading. */
  latest(channelId: number): ReadingRow | undefined {
    return this.#commits.newest(channelId);
  }

  /** The end of the newest time period of all; undefined when nothing was ever stored. */
  get newest(): UnixSeconds | undefined {
    const end = this.#commits.newestEnd();
    return Number.isFinite(end) ? UnixSeconds(end) : undefined;
  }

  /** The readings of each channel whose time period starts at `since` or later; by meterId, then channel. */
  async countsSince(since: UnixSeconds): Promise<readonly ReadingCount[]> {
    const { rows } = await this.#pool.query<ReadingCount>(sql.countsSince, [since]);
    return rows;
  }

  /** The readings of each meter whose time period ends by the time given for it; nothing for a meter without any. */
  async countsThrough(ends: Readonly<Record<string, UnixSeconds>>): Promise<Readonly<Record<string, number>>> {
    const values = [Object.keys(ends), Object.values(ends)];
    const { rows } = await this.#pool.query<{ meterId: string; readings: number }>(sql.countsThrough, values);
    return Object.fromEntries(rows.map(({ meterId, readings }) => [meterId, readings]));
  }

  /** First and last value of each channel in time periods that start at `since` or later; by meterId, then channel. */
  async registersSince(since: UnixSeconds): Promise<readonly Registers[]> {
    const { rows } = await this.#pool.query<Registers>(sql.registersSince, [since]);
    return rows;
  }
}

const isStorable = ({ periodStart, duration, value }: ReadingRow): boolean =>
  Number.isSafeInteger(value) &&
  Number.isSafeInteger(periodStart) &&
  Number.isInteger(duration) &&
  duration >= 0 &&
  duration <= 0x7fff_ffff;

const refuse = (row: ReadingRow): Promise<never> =>
  Promise.reject(new GridError('GTX-RDG-004', `Not a reading of a known channel: ${JSON.stringify(row)}`));
