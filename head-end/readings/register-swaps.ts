import type { Pool } from 'pg';
import type { UnixSeconds } from '#hal/units.ts';
import { databaseError } from '../database/connect.ts';
import { Turns } from '../database/transaction.ts';
import type { Channel } from './channels.ts';
import { MridTable } from './mrid-table.ts';
import type { ReadingRow } from './reading-sql.ts';

interface Swap {
  readonly at: number;
  /** The building's register when it was swapped. */
  readonly base: number;
  /** What is added to values of the new register; undefined until its first one has come. */
  readonly offset: number | undefined;
}

interface SwapRow {
  readonly device_id: number;
  readonly mrid: Buffer;
  readonly swapped_at: number;
  readonly base: number;
  readonly offset: number | null;
}

const sql = {
  all: 'SELECT device_id, mrid, swapped_at, base, "offset" FROM register_swaps ORDER BY swapped_at',
  put: `
    INSERT INTO register_swaps (device_id, mrid, swapped_at, base) VALUES ($1, $2, $3, $4)
    ON CONFLICT (device_id, mrid, swapped_at) DO NOTHING`,
  setOffset: `
    UPDATE register_swaps SET "offset" = $4
    WHERE device_id = $1 AND mrid = $2 AND swapped_at = $3 AND "offset" IS NULL`,
} as const;

/** AccumulationBehaviourType of registers that only grow: cumulative and summation (IEEE 2030.5-2018). */
const growing: readonly (number | undefined)[] = [3, 9];
/** In memory, of one register; the base of a swap has all those before it in it. */
const keptSwaps = 64;

/**
 * Keeps the registers of a building continuous when a board or its clamps are replaced: what a new register says is
 * counted from its first value, on top of what the building's register had. A time period that ends by a swap is the
 * old register's.
 */
export class RegisterSwaps {
  readonly #pool: Pool;
  readonly #turns = new Turns();
  /** By device and mRID, the oldest swap first; most devices have none. */
  readonly #swaps = new Map<number, MridTable<readonly Swap[]>>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async start(): Promise<void> {
    const { rows } = await this.#pool.query<SwapRow>(sql.all);
    for (const { device_id, mrid, swapped_at, base, offset } of rows) {
      this.#remember(device_id, mrid, { at: swapped_at, base, offset: offset ?? undefined });
    }
  }

  /** The registers of these channels begin anew at `at`; `latest` is a channel's newest stored reading. */
  swap(
    channels: readonly Channel[],
    at: UnixSeconds,
    latest: (channelId: number) => ReadingRow | undefined,
  ): Promise<void> {
    return this.#turns.take(async () => {
      for (const { id, deviceId, mRID, accumulationBehaviour } of channels) {
        const newest = latest(id);
        if (!growing.includes(accumulationBehaviour) || newest === undefined) continue;
        // Twice at once is one swap; one whose new register never said anything gives way to the next.
        if (this.#of({ deviceId, mRID })?.at(-1)?.at === at) continue;
        await this.#pool.query(sql.put, [deviceId, Buffer.from(mRID), at, newest.value]).catch(failed);
        this.#remember(deviceId, mRID, { at, base: newest.value, offset: undefined });
      }
    });
  }

  /** The readings of a channel as the building's register has them; most channels were never swapped. */
  adjusted(channel: Channel, rows: readonly ReadingRow[]): readonly ReadingRow[] | Promise<readonly ReadingRow[]> {
    const swaps = this.#of(channel);
    if (swaps === undefined) return rows;
    if (rows.every((row) => swapOf(swaps, row)?.offset !== undefined || swapOf(swaps, row) === undefined)) {
      return rows.map((row) => shifted(row, swapOf(swaps, row)?.offset ?? 0));
    }
    return this.#turns.take(async () => {
      const first = rows.toSorted((a, b) => a.periodStart - b.periodStart);
      for (const row of first) await this.#settle(channel, row);
      const settled = this.#of(channel) ?? [];
      return rows.map((row) => shifted(row, swapOf(settled, row)?.offset ?? 0));
    });
  }

  /** The first value of a new register stands where the old one ended. */
  async #settle({ deviceId, mRID }: Channel, row: ReadingRow): Promise<void> {
    const swaps = this.#of({ deviceId, mRID }) ?? [];
    const swap = swapOf(swaps, row);
    if (swap === undefined || swap.offset !== undefined) return;
    const offset = swap.base - row.value;
    await this.#pool.query(sql.setOffset, [deviceId, Buffer.from(mRID), swap.at, offset]).catch(failed);
    const settled = swaps.map((one) => (one === swap ? { ...one, offset } : one));
    this.#swaps.get(deviceId)?.set(mRID, settled);
  }

  #of({ deviceId, mRID }: Pick<Channel, 'deviceId' | 'mRID'>): readonly Swap[] | undefined {
    return this.#swaps.get(deviceId)?.get(mRID);
  }

  #remember(deviceId: number, mRID: Uint8Array, swap: Swap): void {
    const ofDevice = this.#swaps.get(deviceId) ?? new MridTable<readonly Swap[]>();
    this.#swaps.set(deviceId, ofDevice);
    ofDevice.set(mRID, [...(ofDevice.get(mRID) ?? []), swap].slice(-keptSwaps));
  }
}

const failed = (error: unknown): never => {
  throw databaseError(error);
};

/** The newest swap before a reading's time period ends. */
const swapOf = (swaps: readonly Swap[], { periodStart, duration }: ReadingRow): Swap | undefined =>
  swaps.findLast(({ at }) => periodStart + duration > at);

const shifted = (row: ReadingRow, offset: number): ReadingRow =>
  offset === 0 ? row : { ...row, value: row.value + offset };
