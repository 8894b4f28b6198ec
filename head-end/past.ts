import type { UnixSeconds } from '#hal/units.ts';
import { windowOf } from '#ieee2030_5/ext/windows.ts';
import { shownWindows, type SettlementSnapshot, type WindowSnapshot } from './gateway/snapshot.ts';
import type { LiveState } from './live.ts';
import type { MarketStore } from './market/store.ts';
import type { PostgresSettlementStore } from './settlement/postgres-store.ts';
import type { SettlementBatch } from './settlement/store.ts';

/** A settled window as the page shows it; `null` for one in which nothing was traded. */
export const settlementSnapshot = (batch: SettlementBatch): SettlementSnapshot | null =>
  batch.signature === null
    ? null
    : {
        window: batch.window,
        signature: batch.signature,
        transfers: batch.transfers,
        volumeWh: batch.volumeWh,
        amountMicro: batch.transferredMicro,
        confirmedAt: batch.confirmedAt ?? batch.window,
        ledger: 'embedded',
      };

/** After a restart the page goes on with what the database holds: the newest windows, trades and settlements. */
export async function showPast(
  live: LiveState,
  market: MarketStore,
  settlements: PostgresSettlementStore,
  now: UnixSeconds,
): Promise<void> {
  const settled = new Map((await settlements.newestSettled(shownWindows)).map((batch) => [batch.window, batch]));
  for (const clearing of (await market.newestClearings(shownWindows)).toReversed()) {
    const { window, price, trades, matchedWh } = clearing;
    const shown = { window, priceMicroPerKWh: price, volumeWh: matchedWh, trades };
    const status: WindowSnapshot['status'] = trades === 0 ? 'empty' : 'cleared';
    live.cleared({ ...shown, status }, trades === 0 ? [] : await market.tradesOf(window));
    const batch = settled.get(window);
    if (batch !== undefined) live.settled({ ...shown, status: 'settled' }, settlementSnapshot(batch));
    else if (window < windowOf(now)) live.settled({ ...shown, status }, null);
  }
}
