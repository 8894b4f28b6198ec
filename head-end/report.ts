import { UnixSeconds } from '#hal/units.ts';
import { channelMrid, type ChannelName, channelNames } from '#ieee2030_5/ext/channels.ts';
import { formatMrid } from '#ieee2030_5/identity.ts';
import { WINDOW_SECONDS } from '#ieee2030_5/ext/windows.ts';
import type { MarketStore } from './market/store.ts';
import type { HeadEndReport, ReportOf } from './protocol.ts';
import type { ReadingStore } from './readings/store.ts';
import type { Registry } from './registry/devices.ts';
import type { PostgresSettlementStore } from './settlement/postgres-store.ts';
import { moneyResidue } from './settlement/residue.ts';
import type { SettlementToken } from './settlement/token.ts';

const energyChannels = [
  'generation',
  'consumption',
  'gridImport',
  'gridExport',
  'storageCharge',
  'storageDischarge',
  'losses',
] as const satisfies readonly ChannelName[];

/** What the database holds of a run's readings: how many of each meter, and what its registers counted. */
export async function readingsReport(
  readings: ReadingStore,
  registry: Registry,
  { since, through }: ReportOf,
  start: UnixSeconds,
): Promise<Pick<HeadEndReport, 'readings' | 'energyWh'>> {
  const counts = await readings.countsSince(since);
  return {
    readings: {
      stored: counts.reduce((sum, { readings: count }) => sum + count, 0),
      duplicates: readings.statistics.duplicates,
      storedThrough: await readings.countsThrough(through),
    },
    energyWh: await energyOf(readings, registry, start),
  };
}

async function energyOf(
  readings: ReadingStore,
  registry: Registry,
  since: UnixSeconds,
): Promise<HeadEndReport['energyWh']> {
  const names = new Map(registry.all().flatMap((device) => [...channelIds(readings, device.id, device.meterId)]));
  const energyWh = {
    generation: 0,
    consumption: 0,
    gridImport: 0,
    gridExport: 0,
    storageCharge: 0,
    storageDischarge: 0,
    losses: 0,
  };
  for (const { channelId, first, last } of await readings.registersSince(since)) {
    const name = energyChannels.find((channel) => channel === names.get(channelId));
    if (name !== undefined) energyWh[name] += last - first;
  }
  return energyWh;
}

function* channelIds(readings: ReadingStore, deviceId: number, meterId: string): Iterable<[number, ChannelName]> {
  const byMrid = new Map(channelNames.map((name) => [formatMrid(channelMrid(meterId, name)), name]));
  for (const channel of readings.channelsOf(deviceId)) {
    const name = byMrid.get(formatMrid(channel.mRID));
    if (name !== undefined) yield [channel.id, name];
  }
}

/** What the market did in a run, and whether the ledger holds what its trades say. */
export async function marketReport(
  market: MarketStore,
  settlements: PostgresSettlementStore,
  token: SettlementToken,
  { since, now }: { readonly since: UnixSeconds; readonly now: UnixSeconds },
): Promise<Pick<HeadEndReport, 'market' | 'settlement'>> {
  // A window that is cleared but not over yet belongs to the next run, as its settlement does.
  const until = UnixSeconds(now - WINDOW_SECONDS + 1);
  const { trades, pairsUsed, volumeWh, meanPriceMicroPerKWh, matchSuccess } = await market.totals(since, until);
  const { transactions, confirmed, failed, tradesSettled } = await settlements.totals(since);
  const moneyResidueMicro = moneyResidue(token.balances(), await settlements.settledNets());
  return {
    market: { trades, pairsUsed, volumeWh, meanPriceMicroPerKWh, matchSuccess },
    settlement: { transactions, confirmed, failed, tradesSettled, moneyResidueMicro, ledger: 'embedded' },
  };
}
