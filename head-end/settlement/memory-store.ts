import type { Trade } from '../market/trade.ts';
import type { BatchKey, SettlementBatch, SettlementStore } from './store.ts';

/** A settlement store for tests: what it holds outlives an engine, as a database would. */
export class MemoryStore implements SettlementStore {
  readonly batches = new Map<string, SettlementBatch>();
  readonly trades = new Map<number, readonly Trade[]>();

  async saveBatch(batch: SettlementBatch): Promise<SettlementBatch> {
    const stored = this.batches.get(this.#key(batch));
    if (stored === undefined) this.batches.set(this.#key(batch), batch);
    return stored ?? batch;
  }

  async batch(key: BatchKey): Promise<SettlementBatch | null> {
    return this.batches.get(this.#key(key)) ?? null;
  }

  async replaceSigned(key: BatchKey, signature: string, signed: Uint8Array): Promise<void> {
    this.#update(key, { signature, signed });
  }

  async markConfirmed(key: BatchKey, sequence: number, confirmedAt: number): Promise<void> {
    this.#update(key, { state: 'confirmed', sequence, confirmedAt: confirmedAt as SettlementBatch['confirmedAt'] });
  }

  async markFailed(key: BatchKey): Promise<void> {
    this.#update(key, { state: 'failed' });
  }

  async unconfirmed(): Promise<SettlementBatch[]> {
    return [...this.batches.values()].filter(({ state }) => state === 'stored' || state === 'failed');
  }

  async newestConfirmed(): Promise<SettlementBatch | null> {
    return [...this.batches.values()].findLast(({ state }) => state === 'confirmed') ?? null;
  }

  async settledNets(): Promise<ReadonlyMap<string, bigint>> {
    const nets = new Map<string, bigint>();
    const add = (meterId: string, micro: number): unknown =>
      nets.set(meterId, (nets.get(meterId) ?? 0n) + BigInt(micro));
    for (const { window, state } of this.batches.values()) {
      for (const trade of state === 'confirmed' ? (this.trades.get(window) ?? []) : []) {
        add(trade.seller, trade.paymentMicro);
        add(trade.buyer, 0 - trade.paymentMicro);
      }
    }
    return nets;
  }

  async tradesOf({ window }: BatchKey): Promise<readonly Trade[]> {
    return this.trades.get(window) ?? [];
  }

  #key({ zone, window, version }: BatchKey): string {
    return `${zone}/${window}/${version}`;
  }

  #update(key: BatchKey, fields: Partial<SettlementBatch>): void {
    const batch = this.batches.get(this.#key(key));
    if (batch !== undefined) this.batches.set(this.#key(key), { ...batch, ...fields });
  }
}
