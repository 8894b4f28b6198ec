import { GridError, reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { isoTime, type UnixSeconds } from '#hal/units.ts';
import type { WindowSnapshot } from './gateway/snapshot.ts';
import type { LiveState } from './live.ts';
import type { Clearing } from './market/clear.ts';
import type { MarketDesk } from './market/desk.ts';
import type { MarketStore, UnsettledWindow } from './market/store.ts';
import { settlementSnapshot } from './past.ts';
import type { SettlementEngine } from './settlement/engine.ts';
import type { SettlementToken } from './settlement/token.ts';

export interface MarketCycleParts {
  readonly desk: MarketDesk;
  readonly store: MarketStore;
  readonly token: Pick<SettlementToken, 'openMissing'>;
  readonly engine: SettlementEngine;
  readonly live: LiveState;
  readonly log: Log;
}

/**
 * Why one window cannot be settled though ledger and database are well: a party has no account (`GTX-SET-003`), too
 * many parties for one transaction (`-004`), or the ledger rejects it, as when someone cannot pay (`GTX-LED-008`).
 */
const ofOneWindow: readonly string[] = ['GTX-SET-003', 'GTX-SET-004', 'GTX-LED-008'];

/** What happens at every window's border: windows that ended are settled, the next gate closes. */
export class MarketCycle {
  readonly #parts: MarketCycleParts;
  #settled = 0;

  constructor(parts: MarketCycleParts) {
    this.#parts = parts;
  }

  /** Windows settled since the start, those without trades included. */
  get windowsSettled(): number {
    return this.#settled;
  }

  /**
   * Settles in the order of windows. A window that cannot be settled is shown, and tried again at every turn; metering
   * and the market go on. Any other failure is the ledger's or the database's, and rejects.
   */
  async turn(now: UnixSeconds): Promise<void> {
    const { desk, store, live, token } = this.#parts;
    // Of devices that have enrolled since, or that are let in again.
    await token.openMissing(now);
    for (const unsettled of await store.unsettled(now)) await this.#settle(unsettled, now);
    const { window, clearing } = await desk.closeGate(now);
    live.cleared(clearedSnapshot(window, clearing), clearing.trades);
  }

  async #settle({ window, trades }: UnsettledWindow, now: UnixSeconds): Promise<void> {
    const { engine, live, log } = this.#parts;
    try {
      const settlement = await engine.settleWindow(window, trades, now);
      this.#settled++;
      const status: WindowSnapshot['status'] = settlement.state === 'empty' ? 'empty' : 'settled';
      const { volumeWh } = settlement;
      const shown = { window, priceMicroPerKWh: trades[0]?.price ?? null, volumeWh, trades: trades.length, status };
      live.settled(shown, settlementSnapshot(settlement));
    } catch (error) {
      if (!(error instanceof GridError) || !ofOneWindow.includes(error.code)) throw error;
      log.error({ window, reason: reasonOf(error) }, 'a window cannot be settled; it is tried again');
      live.failed(`Window ${isoTime(window)} cannot be settled: ${error.message}`);
    }
  }
}

const clearedSnapshot = (window: UnixSeconds, clearing: Clearing): WindowSnapshot => ({
  window,
  priceMicroPerKWh: clearing.price,
  volumeWh: clearing.matchedWh,
  trades: clearing.trades.length,
  status: clearing.trades.length === 0 ? 'empty' : 'cleared',
});
