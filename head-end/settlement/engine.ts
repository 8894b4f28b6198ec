import { GridError, reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { Trade } from '../market/trade.ts';
import type { Confirmation, Ledger } from './ledger.ts';
import { type Netting, netWindow } from './netting.ts';
import type { SignedTransaction } from './sign.ts';
import type { BatchKey, SettlementBatch, SettlementStore } from './store.ts';
import type { SettlementToken } from './token.ts';

/** A batch that needs nothing more: on the ledger, or empty. */
export type Settlement = SettlementBatch & { readonly state: 'confirmed' | 'empty' };

export interface SettlementEngineOptions {
  readonly ledger: Ledger;
  readonly token: SettlementToken;
  readonly store: SettlementStore;
  readonly log: Log;
  readonly zone?: string;
}

/** The text by which anyone finds a window's settlement on the ledger and checks it against the list of trades. */
export const memoOf = ({ window, version }: BatchKey, tradesHash: string): string =>
  `gtx1:${window}:${version}:${tradesHash}`;

const isSettled = (batch: SettlementBatch): batch is Settlement =>
  batch.state === 'confirmed' || batch.state === 'empty';

/**
 * Settles each window in one transaction, exactly once. The signed transaction is stored under (zone, window,
 * version) before the ledger sees it, and only ever that transaction is submitted; the ledger takes a signature
 * once. So a crash at any point is mended by submitting what is stored. It is signed anew only when the ledger does
 * not know it and can no longer accept it.
 */
export class SettlementEngine {
  readonly #ledger: Ledger;
  readonly #token: SettlementToken;
  readonly #store: SettlementStore;
  readonly #log: Log;
  readonly #zone: string;
  #isRecovered = false;

  constructor({ ledger, token, store, log, zone = 'campus' }: SettlementEngineOptions) {
    this.#ledger = ledger;
    this.#token = token;
    this.#store = store;
    this.#log = log;
    this.#zone = zone;
  }

  /**
   * Completes what a crash interrupted; to be called once before anything is settled. Resolves with the batches
   * that it confirmed; one that the ledger rejects is logged and stays for the next try. Rejects with `GTX-SET-006`
   * when the ledger lacks a settlement that was confirmed.
   */
  async recover(now: UnixSeconds): Promise<Settlement[]> {
    const newest = await this.#store.newestConfirmed();
    const signature = newest?.signature ?? null;
    if (newest !== null && signature !== null && !this.#ledger.has(signature)) {
      throw new GridError('GTX-SET-006', `The ledger does not know the settlement of window ${newest.window}`, {
        hint: 'Ledger and database are not from the same time: restore both from one backup.',
      });
    }
    const settled: Settlement[] = [];
    for (const batch of await this.#store.unconfirmed()) {
      try {
        settled.push(await this.#submit(batch, now));
      } catch (error) {
        if (!(error instanceof GridError) || error.code !== 'GTX-LED-008') throw error;
        this.#log.error({ window: batch.window, reason: reasonOf(error) }, 'a stored settlement was rejected again');
      }
    }
    this.#isRecovered = true;
    return settled;
  }

  /**
   * Settles the trades of a window; again, it answers what was settled. Rejects with `GTX-SET-001` or `-002` (not
   * conserved, not sound), `-003` (a party has no account), `-004` (too many parties), `-007` (other trades than
   * before), `-008` (not recovered), or the ledger's error.
   */
  async settleWindow(window: UnixSeconds, trades: readonly Trade[], now: UnixSeconds): Promise<Settlement> {
    if (!this.#isRecovered) throw new GridError('GTX-SET-008', 'Settlement has to recover before it settles');
    const key: BatchKey = { zone: this.#zone, window, version: 1 };
    const netting = netWindow(trades);
    if (trades.some((trade) => trade.window !== window || trade.zone !== this.#zone)) {
      throw new GridError('GTX-SET-002', `Trades of another window or zone came with window ${window}`);
    }
    const batch =
      (await this.#store.batch(key)) ?? (await this.#store.saveBatch(await this.#newBatch(key, netting, now)));
    if (batch.tradesHash !== netting.tradesHash) {
      throw new GridError('GTX-SET-007', `Window ${window} was settled or signed with other trades`, {
        hint: 'History is never edited: a correction is settled as another version of the window.',
      });
    }
    return this.#submit(batch, now);
  }

  async #newBatch(key: BatchKey, netting: Netting, now: UnixSeconds): Promise<SettlementBatch> {
    const { tradesHash, trades, volumeWh, paymentMicro, transferredMicro, transfers } = netting;
    const isEmpty = trades === 0;
    const signed = isEmpty ? null : await this.#sign(key, netting);
    return {
      ...key,
      state: isEmpty ? 'empty' : 'stored',
      tradesHash,
      trades,
      volumeWh,
      paymentMicro,
      transferredMicro,
      transfers: transfers.length,
      signature: signed?.signature ?? null,
      signed: signed?.bytes ?? null,
      sequence: null,
      storedAt: now,
      confirmedAt: isEmpty ? now : null,
    };
  }

  #sign(key: BatchKey, { transfers, tradesHash }: Netting): Promise<SignedTransaction> {
    return this.#token.signTransfers(transfers, memoOf(key, tradesHash));
  }

  /** Brings a stored batch onto the ledger. */
  async #submit(batch: SettlementBatch, now: UnixSeconds): Promise<Settlement> {
    if (isSettled(batch)) return batch;
    const { signature, signed } = batch;
    if (signature === null || signed === null) {
      throw new GridError('GTX-SET-009', `The stored settlement of window ${batch.window} has no transaction`);
    }
    let confirmed = { ...batch, signature };
    let confirmation: Confirmation;
    try {
      // A known signature is answered from the ledger's memory.
      confirmation = await this.#ledger.submit(signed, now);
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      if (error.code === 'GTX-LED-008') await this.#store.markFailed(batch, reasonOf(error));
      if (error.code !== 'GTX-LED-010') throw error;
      const anew = await this.#sign(batch, netWindow(await this.#store.tradesOf(batch)));
      await this.#store.replaceSigned(batch, anew.signature, anew.bytes);
      confirmation = await this.#ledger.submit(anew.bytes, now);
      confirmed = { ...batch, signature: anew.signature, signed: anew.bytes };
    }
    await this.#store.markConfirmed(batch, confirmation.sequence, now);
    return { ...confirmed, state: 'confirmed', sequence: confirmation.sequence, confirmedAt: now };
  }
}
