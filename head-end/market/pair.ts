import type { Order } from './orders.ts';

/** Energy that one order delivers to another. */
export interface Pair {
  sell: Order;
  buy: Order;
  energyWh: number;
}

const isSelf = ({ sell, buy }: Pair): boolean => sell.meterId === buy.meterId;
const involves = ({ sell, buy }: Pair, meterId: string): boolean => sell.meterId === meterId || buy.meterId === meterId;

/** Has each pair in which a participant meets itself swap partners with such others as will do for it. */
function swapEach(pairs: Pair[], willDo: (other: Pair, self: Pair) => boolean): void {
  for (let at = 0; at < pairs.length; at++) {
    const self = pairs[at] as Pair;
    for (let other = 0; isSelf(self) && other < pairs.length; other++) {
      const donor = pairs[other] as Pair;
      if (!willDo(donor, self)) continue;
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
}

/**
 * Replaces the pairs in which a participant meets itself. There is enough to swap with because its sales and purchases
 * do not exceed all the energy (see `fillsAt`).
 */
function withoutSelf(pairs: Pair[]): Pair[] {
  // First among themselves, until one participant at the most is left: two would pass the same few Wh of a third to and
  // fro, a pair each time.
  swapEach(pairs, (other, self) => isSelf(other) && other.sell.meterId !== self.sell.meterId);
  swapEach(pairs, (other, self) => !involves(other, self.sell.meterId));
  return pairs;
}

/**
 * Who delivers to whom: both lists are walked in canonical order, so that there are at most sells + buys − 1 pairs, plus
 * those that keep a participant from meeting itself: at most four an order. (Each swap leaves at the most one pair more,
 * and one fewer that is a participant's own or, in the second round, that is free to swap with.)
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
