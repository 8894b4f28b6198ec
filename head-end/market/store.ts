import type pg from 'pg';
import { GridError } from '#hal/errors.ts';
import { Micro, MicroPerKWh, UnixSeconds, Wh } from '#hal/units.ts';
import { WINDOW_SECONDS } from '#ieee2030_5/ext/windows.ts';
import type { Clearing } from './clear.ts';
import * as sql from './market-sql.ts';
import { type Int, OrderCommits, orderOf, type OrderRow } from './order-commits.ts';
import { type Order } from './orders.ts';
import type { PriceInterval } from './price.ts';
import type { Trade } from './trade.ts';

interface ClearingRow {
  readonly window_start: Int;
  readonly price: Int | null;
  readonly interval_low: Int | null;
  readonly interval_high: Int | null;
  readonly orders: number;
  readonly trades: number;
  readonly matchable_wh: Int;
  readonly matched_wh: Int;
  readonly cleared_at: Int;
}

interface TradeRow {
  readonly zone: string;
  readonly window_start: Int;
  readonly seq: number;
  readonly id: string;
  readonly seller: string;
  readonly sell_mrid: string;
  readonly buyer: string;
  readonly buy_mrid: string;
  readonly energy_wh: Int;
  readonly price: Int;
  readonly payment_micro: Int;
}

/** A window's clearing without its lists. */
export interface ClearingSummary {
  readonly window: UnixSeconds;
  readonly price: MicroPerKWh | null;
  readonly interval: PriceInterval | null;
  readonly orders: number;
  readonly trades: number;
  readonly matchableWh: Wh;
  readonly matchedWh: Wh;
  readonly clearedAt: UnixSeconds;
}

export interface UnsettledWindow {
  readonly window: UnixSeconds;
  readonly trades: readonly Trade[];
}

/** The market over a span of windows. */
export interface MarketTotals {
  readonly windows: number;
  readonly trades: number;
  /** Different pairs of meters that traded at least once. */
  readonly pairsUsed: number;
  readonly volumeWh: Wh;
  /** Weighted by energy, rounded to a whole micro-unit; null without trades. */
  readonly meanPriceMicroPerKWh: MicroPerKWh | null;
  /** Matched ÷ matchable Wh, 0 to 1; null when there was nothing to match. */
  readonly matchSuccess: number | null;
}

/** A trade as it stands in the table. */
export const tradeOf = (row: TradeRow): Trade => ({
  id: row.id,
  window: UnixSeconds(Number(row.window_start)),
  zone: row.zone,
  seq: row.seq,
  seller: row.seller,
  sellMRID: row.sell_mrid,
  buyer: row.buyer,
  buyMRID: row.buy_mrid,
  energyWh: Wh(Number(row.energy_wh)),
  price: MicroPerKWh(Number(row.price)),
  paymentMicro: Micro(Number(row.payment_micro)),
});

const clearingOf = (row: ClearingRow): ClearingSummary => {
  const { price, interval_low: low, interval_high: high } = row;
  const isMatched = price !== null && low !== null && high !== null;
  return {
    window: UnixSeconds(Number(row.window_start)),
    price: isMatched ? MicroPerKWh(Number(price)) : null,
    interval: isMatched ? { low: MicroPerKWh(Number(low)), high: MicroPerKWh(Number(high)) } : null,
    orders: row.orders,
    trades: row.trades,
    matchableWh: Wh(Number(row.matchable_wh)),
    matchedWh: Wh(Number(row.matched_wh)),
    clearedAt: UnixSeconds(Number(row.cleared_at)),
  };
};

/** Orders, clearings and trades in PostgreSQL; what it resolves is committed. */
export class MarketStore {
  readonly #pool: pg.Pool;
  readonly #zone: string;
  readonly #orders: OrderCommits;

  constructor(pool: pg.Pool, zone = 'campus') {
    this.#pool = pool;
    this.#orders = new OrderCommits(pool);
    this.#zone = zone;
  }

  /** As `OrderCommits.save`. */
  saveOrder(order: Order, at: UnixSeconds): Promise<'stored' | 'known'> {
    return this.#orders.save(order, at);
  }

  /** Removes an order that is not cleared. */
  removeOrder(meterId: string, mRID: string): Promise<void> {
    return this.#orders.remove(meterId, mRID);
  }

  /** Orders of this window and later ones that await their clearing, by window, meterId, mRID. */
  async openOrders(from: UnixSeconds): Promise<Order[]> {
    const { rows } = await this.#pool.query<OrderRow>(sql.selectOpenOrders, [from]);
    return rows.map(orderOf);
  }

  /** Orders of this window and later ones that were cleared, with what they got, by window, meterId, mRID. */
  async filledOrders(from: UnixSeconds): Promise<(Order & { readonly filledWh: Wh })[]> {
    const { rows } = await this.#pool.query<OrderRow & { readonly filled_wh: Int }>(sql.selectFilledOrders, [from]);
    return rows.map((row) => ({ ...orderOf(row), filledWh: Wh(Number(row.filled_wh)) }));
  }

  /**
   * Stores a window's clearing, its trades and what each order got, once and together. Rejects with `GTX-MKT-004`
   * when the window was cleared with another outcome.
   */
  async saveClearing(window: UnixSeconds, clearing: Clearing, at: UnixSeconds): Promise<'stored' | 'known'> {
    const client = await this.#pool.connect();
    try {
      await client.query('BEGIN');
      const isNew = await this.#insertClearing(client, window, clearing, at);
      await client.query('COMMIT');
      if (!isNew) await this.#assertSame(window, clearing);
      return isNew ? 'stored' : 'known';
    } catch (error) {
      // A connection that is gone has rolled back by itself.
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }

  /** The trades of a window, by their position. */
  async tradesOf(window: UnixSeconds): Promise<Trade[]> {
    const { rows } = await this.#pool.query<TradeRow>(sql.selectTrades, [this.#zone, window]);
    return rows.map(tradeOf);
  }

  async clearing(window: UnixSeconds): Promise<ClearingSummary | null> {
    const { rows } = await this.#pool.query<ClearingRow>(sql.selectClearing, [this.#zone, window]);
    return rows[0] === undefined ? null : clearingOf(rows[0]);
  }

  /** The newest first. */
  async newestClearings(limit: number): Promise<ClearingSummary[]> {
    const { rows } = await this.#pool.query<ClearingRow>(sql.selectNewestClearings, [this.#zone, limit]);
    return rows.map(clearingOf);
  }

  /** Cleared windows that ended at `by` or before and are not settled, with their trades; the oldest, at most a day's. */
  async unsettled(by: UnixSeconds): Promise<UnsettledWindow[]> {
    const values = [this.#zone, by - WINDOW_SECONDS];
    const { rows } = await this.#pool.query<{ readonly window_start: Int }>(sql.selectUnsettled, values);
    const windows: UnsettledWindow[] = [];
    for (const { window_start: start } of rows) {
      const window = UnixSeconds(Number(start));
      windows.push({ window, trades: await this.tradesOf(window) });
    }
    return windows;
  }

  /** Windows that start at `since` or later, and before `until`. */
  async totals(since: UnixSeconds, until = UnixSeconds(Number.MAX_SAFE_INTEGER)): Promise<MarketTotals> {
    const { rows } = await this.#pool.query<Record<string, Int | null>>(sql.selectTotals, [this.#zone, since, until]);
    const row = rows[0] ?? {};
    const matchable = Number(row['matchable_wh'] ?? 0);
    const meanPrice = row['mean_price'] ?? null;
    return {
      windows: Number(row['windows'] ?? 0),
      trades: Number(row['trades'] ?? 0),
      pairsUsed: Number(row['pairs_used'] ?? 0),
      volumeWh: Wh(Number(row['volume_wh'] ?? 0)),
      meanPriceMicroPerKWh: meanPrice === null ? null : MicroPerKWh(Number(meanPrice)),
      matchSuccess: matchable === 0 ? null : Number(row['matched_wh'] ?? 0) / matchable,
    };
  }

  async #insertClearing(
    client: pg.ClientBase,
    window: UnixSeconds,
    clearing: Clearing,
    at: UnixSeconds,
  ): Promise<boolean> {
    const { price, interval, fills, trades, matchableWh, matchedWh } = clearing;
    const { rowCount } = await client.query(sql.insertClearing, [
      this.#zone,
      window,
      price,
      interval?.low ?? null,
      interval?.high ?? null,
      fills.length,
      trades.length,
      matchableWh,
      matchedWh,
      at,
    ]);
    if (rowCount === 0) return false;
    if (fills.length > 0) {
      const columns = [
        fills.map((fill) => fill.meterId),
        fills.map((fill) => fill.mRID),
        fills.map((fill) => fill.energyWh),
      ];
      await client.query(sql.updateFills, columns);
    }
    if (trades.length > 0) {
      await client.query(sql.insertTrades, [
        this.#zone,
        window,
        trades.map((trade) => trade.seq),
        trades.map((trade) => trade.id),
        trades.map((trade) => trade.seller),
        trades.map((trade) => trade.sellMRID),
        trades.map((trade) => trade.buyer),
        trades.map((trade) => trade.buyMRID),
        trades.map((trade) => trade.energyWh),
        trades.map((trade) => trade.price),
        trades.map((trade) => trade.paymentMicro),
      ]);
    }
    return true;
  }

  async #assertSame(window: UnixSeconds, clearing: Clearing): Promise<void> {
    const stored = await this.clearing(window);
    const trades = await this.tradesOf(window);
    const isSame =
      stored?.price === clearing.price &&
      stored.matchedWh === clearing.matchedWh &&
      trades.length === clearing.trades.length &&
      trades.every(
        ({ id, energyWh }, seq) => id === clearing.trades[seq]?.id && energyWh === clearing.trades[seq].energyWh,
      );
    if (isSame) return;
    throw new GridError('GTX-MKT-004', `Window ${window} was already cleared with another outcome`, {
      hint: 'History is never edited: the first clearing stands.',
    });
  }
}
