import type { Book, Order } from './orders.ts';
import { ration, type Shares, totalOf } from './ration.ts';

/** A participant that stands on both sides, with the Wh of each. */
interface TwoSided {
  readonly meterId: string;
  sells: number;
  buys: number;
}

type Sides = Pick<Book, 'sells' | 'buys' | 'twoSided'>;

const acceptable = ({ sells, buys, twoSided }: Sides, price: number): Sides => ({
  sells: sells.filter((order) => order.limit <= price),
  buys: buys.filter((order) => order.limit >= price),
  twoSided,
});

function bothSides({ sells, buys, twoSided }: Sides, amount: (order: Order) => number): TwoSided[] {
  if (twoSided.size === 0) return [];
  const sums = new Map<string, TwoSided>();
  for (const meterId of twoSided) sums.set(meterId, { meterId, sells: 0, buys: 0 });
  for (const side of ['sells', 'buys'] as const) {
    for (const order of side === 'sells' ? sells : buys) {
      const sum = sums.get(order.meterId);
      if (sum !== undefined) sum[side] += amount(order);
    }
  }
  return [...sums.values()];
}

/**
 * The most energy that can change hands at one price when nobody trades with itself: the lesser of supply and
 * demand, and for no participant more than all the others offer and want together (minimum cut of the matching).
 */
function feasible(sides: Sides): { energyWh: number; bound: TwoSided | null } {
  const [supply, demand] = [totalOf(sides.sells), totalOf(sides.buys)];
  let energyWh = Math.min(supply, demand);
  let bound: TwoSided | null = null;
  for (const one of bothSides(sides, (order) => order.energyWh)) {
    const others = supply + demand - one.sells - one.buys;
    if (others < energyWh) [energyWh, bound] = [others, one];
  }
  return { energyWh, bound };
}

export interface Fills {
  /** Wh of each order that is acceptable at the price. */
  readonly shares: Shares;
  readonly matchedWh: number;
  /** Less energy than supply and demand would allow, because one participant could only have traded with itself. */
  readonly boundBySelf: boolean;
}

/**
 * Who gets how much at the price. Sold equals bought, and no participant's sales and purchases together exceed the
 * energy matched, which is what a pairing without self-trades needs and all that it needs (Hall's condition). A
 * participant on both sides keeps both: only what it could sell to nobody but itself is left out.
 */
export function fillsAt(book: Sides, price: number): Fills {
  const sides = acceptable(book, price);
  const { sells, buys } = sides;
  const shares: Shares = new Map();
  const { energyWh: matchedWh, bound } = feasible(sides);
  const split = (orders: readonly Order[], meterId: string, ownWh: number): void => {
    const isOwn = (order: Order): boolean => order.meterId === meterId;
    ration(orders.filter(isOwn), ownWh, price, shares);
    ration(
      orders.filter((order) => !isOwn(order)),
      matchedWh - ownWh,
      price,
      shares,
    );
  };
  if (bound !== null) {
    // Everyone else is served in full: this participant takes all their supply and covers all their demand.
    split(sells, bound.meterId, totalOf(buys) - bound.buys);
    split(buys, bound.meterId, totalOf(sells) - bound.sells);
    return { shares, matchedWh, boundBySelf: true };
  }
  ration(sells, matchedWh, price, shares);
  ration(buys, matchedWh, price, shares);
  // Pro rata may give one participant so much that the rest could not take it up; at most one can be in that place.
  // Every acceptable order has its share by now, be it 0.
  const shareOf = (order: Order): number => shares.get(order) as number;
  const tooMuch = bothSides(sides, shareOf).find((one) => one.sells + one.buys > matchedWh);
  if (tooMuch !== undefined) {
    if (totalOf(sells) > matchedWh) split(sells, tooMuch.meterId, matchedWh - tooMuch.buys);
    else split(buys, tooMuch.meterId, matchedWh - tooMuch.sells);
  }
  return { shares, matchedWh, boundBySelf: false };
}

/** The most energy that any one price could match without self-trades: what a clearing is measured against. */
export function mostFeasible(book: Book): number {
  let most = 0;
  for (const price of new Set(book.orders.map((order) => order.limit))) {
    most = Math.max(most, feasible(acceptable(book, price)).energyWh);
  }
  return most;
}
