import { MicroPerKWh } from '#hal/units.ts';
import type { Order } from './orders.ts';

/** Prices at which the same energy changes hands; both ends included. */
export interface PriceInterval {
  readonly low: MicroPerKWh;
  readonly high: MicroPerKWh;
}

/**
 * The true equilibrium interval of a uniform-price auction: [max(last accepted ask, first rejected bid),
 * min(last accepted bid, first rejected ask)]. An order that is accepted in part is both accepted and rejected.
 * @param sells cheapest first
 * @param buys highest bid first
 * @returns null when no bid reaches any ask
 */
export function equilibrium(sells: readonly Order[], buys: readonly Order[]): PriceInterval | null {
  let low: number | null = null;
  let high = 0;
  let [i, j] = [0, 0];
  let [offered, wanted] = [0, 0];
  for (;;) {
    const [sell, buy] = [sells[i], buys[j]];
    if (sell === undefined || buy === undefined || sell.limit > buy.limit) break;
    [low, high] = [sell.limit, buy.limit];
    const gap = sell.energyWh - offered - (buy.energyWh - wanted);
    // Whichever side is used up moves on; the other keeps what is left of its order.
    offered = gap > 0 ? sell.energyWh - gap : 0;
    wanted = gap < 0 ? buy.energyWh + gap : 0;
    if (gap <= 0) i++;
    if (gap >= 0) j++;
  }
  if (low === null) return null;
  return {
    low: MicroPerKWh(Math.max(low, buys[j]?.limit ?? low)),
    high: MicroPerKWh(Math.min(high, sells[i]?.limit ?? high)),
  };
}

/** k = ½: the middle of the interval, rounded down to a whole micro-unit per kWh, hence never outside it. */
export const middleOf = ({ low, high }: PriceInterval): MicroPerKWh => MicroPerKWh(Math.floor((low + high) / 2));
