import { uniform } from '#hal/random.ts';
import { MicroPerKWh, Wh } from '#hal/units.ts';
import type { BuildingType } from '#drivers/site/load-shapes.ts';

/**
 * How a building type splits what it expects between the market and its own storage; shares in [0, 1]. What the
 * market does not take the storage does, so little is kept back from it.
 */
export interface Strategy {
  /** Share of an expected surplus that the storage takes while it has room. */
  readonly storeShare: number;
  /** Share of an expected need that the storage covers while it is above its reserve. */
  readonly coverShare: number;
  /** Share of the storage's power that is for sale, beside what the building needs, while it is well charged. */
  readonly supplyShare: number;
}

export const strategies: { readonly [B in BuildingType]: Strategy } = {
  academic: { storeShare: 0.1, coverShare: 0.2, supplyShare: 0 },
  residential: { storeShare: 0.2, coverShare: 0.3, supplyShare: 0 },
  administrative: { storeShare: 0.2, coverShare: 0.2, supplyShare: 0 },
  athletic: { storeShare: 0.4, coverShare: 0.4, supplyShare: 0.3 },
  research: { storeShare: 0.1, coverShare: 0.1, supplyShare: 0 },
  support: { storeShare: 0, coverShare: 0.5, supplyShare: 0.5 },
};

/** A storage is well charged from here on. */
const supplyCentiPercent = 6_000;

export interface Outlook {
  /** Mean of load − PV over the last window. */
  readonly netW: number;
  readonly windowSeconds: number;
  /** Mean power that the connection may carry in the window, 0 and up. */
  readonly limits: { readonly importW: number; readonly exportW: number };
  readonly storage:
    | {
        readonly stateOfChargeCentiPercent: number;
        readonly reserveCentiPercent: number;
        readonly capacityWh: number;
        readonly ratedW: number;
      }
    | undefined;
}

/**
 * The energy that a building offers for a window: need is positive, surplus negative, integer Wh. Persistence is
 * the forecast: what the last window was, less what the storage is to take or give. What a limit at the connection
 * point does not let through is not offered.
 */
export function offeredEnergy(outlook: Outlook, strategy: Strategy): Wh {
  const { windowSeconds, limits } = outlook;
  const mostWh = Math.floor((limits.importW * windowSeconds) / 3600);
  const leastWh = 0 - Math.floor((limits.exportW * windowSeconds) / 3600);
  return Wh(Math.min(Math.max(wantedEnergy(outlook, strategy), leastWh), mostWh));
}

function wantedEnergy(outlook: Outlook, strategy: Strategy): Wh {
  const { netW, windowSeconds, storage } = outlook;
  const expectedWh = (netW * windowSeconds) / 3600;
  if (storage === undefined) return Wh(Math.trunc(expectedWh));
  const perWindowWh = (storage.ratedW * windowSeconds) / 3600;
  const storedWh = (storage.capacityWh * storage.stateOfChargeCentiPercent) / 10_000;
  const reserveWh = (storage.capacityWh * storage.reserveCentiPercent) / 10_000;
  if (expectedWh < 0) {
    const roomWh = Math.max(0, storage.capacityWh - storedWh);
    const takenWh = Math.min(-expectedWh * strategy.storeShare, perWindowWh, roomWh);
    return Wh(Math.trunc(expectedWh + takenWh));
  }
  const aboveReserveWh = Math.max(0, storedWh - reserveWh);
  const isForSale = storage.stateOfChargeCentiPercent >= supplyCentiPercent;
  const suppliedWh = Math.min(perWindowWh * strategy.supplyShare, aboveReserveWh);
  if (isForSale && suppliedWh > 0) return Wh(-Math.trunc(suppliedWh));
  const coveredWh = Math.min(expectedWh * strategy.coverShare, perWindowWh, aboveReserveWh);
  return Wh(Math.trunc(expectedWh - coveredWh));
}

/** What the grid pays and asks for a kilowatt-hour: the range in which a trade between neighbours pays. */
export interface Tariff {
  readonly retail: MicroPerKWh;
  readonly gridFee: MicroPerKWh;
  readonly feedIn: MicroPerKWh;
}

/** Until a TariffProfile is served: 0.30 retail, 0.04 grid fee and 0.08 feed-in per kWh. */
export const defaultTariff: Tariff = {
  retail: MicroPerKWh(300_000),
  gridFee: MicroPerKWh(40_000),
  feedIn: MicroPerKWh(80_000),
};

/**
 * The worst price at which a building still trades. An empty store makes its own surplus dear, a full one makes
 * its need patient; a seeded margin keeps neighbours from all asking the same.
 */
export function priceLimit(
  side: 'buy' | 'sell',
  stateOfChargeCentiPercent: number,
  tariff: Tariff,
  seed: number,
  window: number,
): MicroPerKWh {
  const low = tariff.feedIn;
  const span = tariff.retail - tariff.gridFee - low;
  const charge = stateOfChargeCentiPercent / 10_000;
  const margin = uniform(seed, window);
  const position = side === 'sell' ? 0.1 + 0.3 * (1 - charge) + 0.1 * margin : 0.95 - 0.3 * charge - 0.1 * margin;
  return MicroPerKWh(low + Math.round(span * position));
}
