import type { Micro, UnixSeconds, Wh } from '#hal/units.ts';
import type { Trade } from '../market/trade.ts';

/** A batch is settled once; a true-up of the same window is another version. */
export interface BatchKey {
  readonly zone: string;
  readonly window: UnixSeconds;
  /** 1, 2, … */
  readonly version: number;
}

/**
 * A window's settlement. `empty`: no trades, nothing to settle. `stored`: signed and on its way. `confirmed`: on the
 * ledger. `failed`: the ledger rejected it; it is tried again.
 */
export type BatchState = 'empty' | 'stored' | 'confirmed' | 'failed';

export interface SettlementBatch extends BatchKey {
  readonly state: BatchState;
  /** SHA-256 of the trades, 64 hexadecimal digits. */
  readonly tradesHash: string;
  readonly trades: number;
  readonly volumeWh: Wh;
  /** Sum of the trades' payments. */
  readonly paymentMicro: Micro;
  /** What moves on the ledger after netting, and in how many transfers. */
  readonly transferredMicro: Micro;
  readonly transfers: number;
  /** Base58, and the signed wire bytes; null of an empty batch. */
  readonly signature: string | null;
  readonly signed: Uint8Array | null;
  /** Position on the ledger once it is confirmed. */
  readonly sequence: number | null;
  readonly storedAt: UnixSeconds;
  readonly confirmedAt: UnixSeconds | null;
}

/** The outbox of settlement: what was signed is durable here before the ledger hears of it. */
export interface SettlementStore {
  /** Stores a batch unless there is one of this key already; resolves with the one that is stored. */
  saveBatch(batch: SettlementBatch): Promise<SettlementBatch>;
  batch(key: BatchKey): Promise<SettlementBatch | null>;
  /** Puts a new signature in the place of one that the ledger can no longer accept. */
  replaceSigned(key: BatchKey, signature: string, signed: Uint8Array): Promise<void>;
  markConfirmed(key: BatchKey, sequence: number, at: UnixSeconds): Promise<void>;
  markFailed(key: BatchKey, reason: string): Promise<void>;
  /** Stored or failed, by window. */
  unconfirmed(): Promise<readonly SettlementBatch[]>;
  newestConfirmed(): Promise<SettlementBatch | null>;
  /** Σ received − Σ paid over the trades of all confirmed batches, micro-units by meterId. */
  settledNets(): Promise<ReadonlyMap<string, bigint>>;
  /** What a settlement transfers is rebuilt from its trades when it must be signed anew. */
  tradesOf(key: BatchKey): Promise<readonly Trade[]>;
}
