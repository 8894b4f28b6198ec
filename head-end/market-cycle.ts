import type { MicroPerKWh, UnixSeconds } from '#hal/units.ts';
import type { SettlementSnapshot, WindowSnapshot } from './gateway/snapshot.ts';
import type { LiveState } from './live.ts';
import type { Clearing } from './market/clear.ts';
import type { MarketDesk } from './market/desk.ts';
import type { MarketStore } from './market/store.ts';
import type { Settlement, SettlementEngine } from './settlement/engine.ts';

/** What happens at every window's border: windows that ended are settled, the next gate closes. */
export class MarketCycle {
  readonly #desk: MarketDesk;
  readonly #store: MarketStore;
  readonly #engine: SettlementEngine;
  readonly #live: LiveState;
  #settled = 0;

  constructor(desk: MarketDesk, store: MarketStore, engine: SettlementEngine, live: LiveState) {
    this.#desk = desk;
    this.#store = store;
    this.#engine = engine;
    this.#live = live;
  }

  /** Windows settled since the start, those without trades included. */
  get windowsSettled(): number {
    return this.#settled;
  }

  /** Settles in the order of windows; one that fails stops the cycle, and is settled by the next start. */
  async turn(now: UnixSeconds): Promise<void> {
    for (const { window, trades } of await this.#store.unsettled(now)) {
      const settlement = await this.#engine.settleWindow(window, trades, now);
      this.#settled++;
      this.#show(settlement, trades[0]?.price ?? null);
    }
    const { window, clearing } = await this.#desk.closeGate(now);
    this.#live.cleared(clearedSnapshot(window, clearing), clearing.trades);
  }

  #show(settlement: Settlement, price: MicroPerKWh | null): void {
    const { window, trades, volumeWh, signature, transfers, transferredMicro, confirmedAt } = settlement;
    const status = settlement.state === 'empty' ? 'empty' : 'settled';
    const shown: SettlementSnapshot | null =
      signature === null
        ? null
        : {
            window,
            signature,
            transfers,
            volumeWh,
            amountMicro: transferredMicro,
            confirmedAt: confirmedAt ?? window,
            ledger: 'embedded',
          };
    this.#live.settled({ window, priceMicroPerKWh: price, volumeWh, trades, status }, shown);
  }
}

const clearedSnapshot = (window: UnixSeconds, clearing: Clearing): WindowSnapshot => ({
  window,
  priceMicroPerKWh: clearing.price,
  volumeWh: clearing.matchedWh,
  trades: clearing.trades.length,
  status: clearing.trades.length === 0 ? 'empty' : 'cleared',
});
