import type pg from 'pg';
import { Micro, UnixSeconds, Wh } from '#hal/units.ts';
import { MarketStore } from '../market/store.ts';
import type { Trade } from '../market/trade.ts';
import * as sql from './settlement-sql.ts';
import type { BatchKey, BatchState, SettlementBatch, SettlementStore } from './store.ts';

/** PostgreSQL's bigint comes as text unless the pool was told otherwise. */
type Int = string | number;

interface BatchRow {
  readonly zone: string;
  readonly window_start: Int;
  readonly version: number;
  readonly state: BatchState;
  readonly trades_hash: string;
  readonly trades: number;
  readonly volume_wh: Int;
  readonly payment_micro: Int;
  readonly transferred_micro: Int;
  readonly transfers: number;
  readonly signature: string | null;
  readonly signed: Buffer | null;
  readonly ledger_sequence: Int | null;
  readonly stored_at: Int;
  readonly confirmed_at: Int | null;
}

/** Settlement over a span of windows. */
export interface SettlementTotals {
  /** Batches with a transaction. */
  readonly transactions: number;
  readonly confirmed: number;
  readonly failed: number;
  readonly tradesSettled: number;
  /** Sum of the settled trades' payments. */
  readonly paymentMicro: Micro;
}

const batchOf = (row: BatchRow): SettlementBatch => ({
  zone: row.zone,
  window: UnixSeconds(Number(row.window_start)),
  version: row.version,
  state: row.state,
  tradesHash: row.trades_hash,
  trades: row.trades,
  volumeWh: Wh(Number(row.volume_wh)),
  paymentMicro: Micro(Number(row.payment_micro)),
  transferredMicro: Micro(Number(row.transferred_micro)),
  transfers: row.transfers,
  signature: row.signature,
  signed: row.signed,
  sequence: row.ledger_sequence === null ? null : Number(row.ledger_sequence),
  storedAt: UnixSeconds(Number(row.stored_at)),
  confirmedAt: row.confirmed_at === null ? null : UnixSeconds(Number(row.confirmed_at)),
});

const keyOf = ({ zone, window, version }: BatchKey): [string, number, number] => [zone, window, version];

/** The outbox of settlement in PostgreSQL; what it resolves is committed. */
export class PostgresSettlementStore implements SettlementStore {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async saveBatch(batch: SettlementBatch): Promise<SettlementBatch> {
    await this.#pool.query(sql.insertBatch, [
      ...keyOf(batch),
      batch.state,
      batch.tradesHash,
      batch.trades,
      batch.volumeWh,
      batch.paymentMicro,
      batch.transferredMicro,
      batch.transfers,
      batch.signature,
      batch.signed === null ? null : Buffer.from(batch.signed),
      batch.storedAt,
      batch.confirmedAt,
    ]);
    return (await this.batch(batch)) ?? batch;
  }

  async batch(key: BatchKey): Promise<SettlementBatch | null> {
    const { rows } = await this.#pool.query<BatchRow>(sql.selectBatch, keyOf(key));
    return rows[0] === undefined ? null : batchOf(rows[0]);
  }

  async replaceSigned(key: BatchKey, signature: string, signed: Uint8Array): Promise<void> {
    await this.#pool.query(sql.updateSigned, [...keyOf(key), signature, Buffer.from(signed)]);
  }

  async markConfirmed(key: BatchKey, sequence: number, at: UnixSeconds): Promise<void> {
    await this.#pool.query(sql.updateConfirmed, [...keyOf(key), sequence, at]);
  }

  async markFailed(key: BatchKey, reason: string): Promise<void> {
    await this.#pool.query(sql.updateFailed, [...keyOf(key), reason]);
  }

  async unconfirmed(): Promise<SettlementBatch[]> {
    const { rows } = await this.#pool.query<BatchRow>(sql.selectUnconfirmed);
    return rows.map(batchOf);
  }

  async newestConfirmed(): Promise<SettlementBatch | null> {
    const { rows } = await this.#pool.query<BatchRow>(sql.selectNewestConfirmed);
    return rows[0] === undefined ? null : batchOf(rows[0]);
  }

  async settledNets(): Promise<ReadonlyMap<string, bigint>> {
    const { rows } = await this.#pool.query<{ readonly meter_id: string; readonly net_micro: Int }>(sql.selectNets);
    return new Map(rows.map((row) => [row.meter_id, BigInt(row.net_micro)]));
  }

  tradesOf({ zone, window }: BatchKey): Promise<readonly Trade[]> {
    return new MarketStore(this.#pool, zone).tradesOf(window);
  }

  /** Confirmed batches, the newest window first. */
  async newestSettled(limit: number): Promise<SettlementBatch[]> {
    const { rows } = await this.#pool.query<BatchRow>(sql.selectNewestSettled, [limit]);
    return rows.map(batchOf);
  }

  /** Windows that start at `since` or later. */
  async totals(since: UnixSeconds): Promise<SettlementTotals> {
    const { rows } = await this.#pool.query<Record<string, Int>>(sql.selectTotals, [since]);
    const row = rows[0] ?? {};
    return {
      transactions: Number(row['transactions'] ?? 0),
      confirmed: Number(row['confirmed'] ?? 0),
      failed: Number(row['failed'] ?? 0),
      tradesSettled: Number(row['trades_settled'] ?? 0),
      paymentMicro: Micro(Number(row['payment_micro'] ?? 0)),
    };
  }
}
