import type { Order } from './orders.ts';

/** Energy that one order delivers to another. */
export interface Pair {
  sell: Order;
  buy: Order;
  energyWh: number;
}

const isSelf = ({ sell, buy }: Pair): boolean => sell.meterId === buy.meterId;
const involves = ({ sell, buy }: Pair, meterId: string): boolean => sell.meterId === meterId || buy.meterId === meterId;

/**
 * Replaces the pairs in which a participant meets itself: each swaps partners with pairs that it has no part in.
 * There is enough of those because its sales and purchases do not exceed all the energy (see `fillsAt`).
 */
function withoutSelf(pairs: Pair[]): Pair[] {
  for (let at = 0; at < pairs.length; at++) {
    const self = pairs[at] as Pair;
    for (let other = 0; isSelf(self) && other < pairs.length; other++) {
      const donor = pairs[other] as Pair;
      if (involves(donor, self.sell.meterId)) continue;
      const energyWh = Math.min(self.energyWh, donor.energyWh);
      const swapped: Pair = { sell: donor.sell, buy: self.buy, energyWh };
      const { sell } = self;
      // What is left of either pair stays in the list for the next swap.
      if (self.energyWh > energyWh) pairs.push({ ...self, energyWh: self.energyWh - energyWh });
      if (donor.energyWh > energyWh) pairs.push({ ...donor, energyWh: donor.energyWh - energyWh });
      Object.assign(self, swapped);
      Object.assign(donor, { sell, energyWh });
    }
  }
  return pairs;
}

/**
 * Who delivers to whom: both lists are walked in canonical order, so that there are at most sells + buys − 1
 * pairs, plus the few that keep a participant from meeting itself.
 * @param shares Wh of each order; both sides add up to the same
 */
export function pairsOf(sells: readonly Order[], buys: readonly Order[], shares: ReadonlyMap<Order, number>): Pair[] {
  const pairs: Pair[] = [];
  const demand = buys.values();
  let buy = demand.next();
  let wanted = 0;
  for (const sell of sells) {
    let offered = shares.get(sell) ?? 0;
    while (offered > 0) {
      while (wanted === 0 && !buy.done) {
        wanted = shares.get(buy.value) ?? 0;
        if (wanted === 0) buy = demand.next();
      }
      if (buy.done) throw new RangeError('More was sold than bought');
      const energyWh = Math.min(offered, wanted);
      pairs.push({ sell, buy: buy.value, energyWh });
      offered -= energyWh;
      wanted -= energyWh;
      if (wanted === 0) buy = demand.next();
    }
  }
  return withoutSelf(pairs);
}
