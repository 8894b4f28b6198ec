import { type MicroPerKWh, type UnixSeconds, Wh } from '#hal/units.ts';
import { fillsAt, mostFeasible } from './fills.ts';
import { type Book, bookOf, type Order, type Side } from './orders.ts';
import { pairsOf } from './pair.ts';
import { equilibrium, middleOf, type PriceInterval } from './price.ts';
import { paymentOf, type Trade, tradeId } from './trade.ts';

/** What an order got; 0 Wh when it was left out. */
export interface Fill {
  readonly meterId: string;
  readonly mRID: string;
  readonly side: Side;
  readonly energyWh: Wh;
}

export interface Clearing {
  readonly zone: string;
  /** The orders' window; null when there were no orders. */
  readonly window: UnixSeconds | null;
  /** The one price of all trades; null, like the interval, when nothing was matched. */
  readonly price: MicroPerKWh | null;
  readonly interval: PriceInterval | null;
  /** One for each order, by meterId, then mRID. */
  readonly fills: readonly Fill[];
  readonly trades: readonly Trade[];
  /** The most that one price could have matched without anyone trading with itself. */
  readonly matchableWh: Wh;
  readonly matchedWh: Wh;
}

/** matchedWh ÷ matchableWh, 0 to 1; null when there was nothing to match. */
export const matchSuccess = (clearing: Pick<Clearing, 'matchableWh' | 'matchedWh'>): number | null =>
  clearing.matchableWh === 0 ? null : clearing.matchedWh / clearing.matchableWh;

/**
 * Clears one zone's window at a uniform price, the middle of the true equilibrium interval (k = ½, rounded down).
 * A pure function of the set of orders: their sequence does not matter. Orders strictly better than the price are
 * filled first, those at the price share pro rata (largest remainder, ties by meterId).
 *
 * Sold, bought and traded Wh are equal; a payment is what its buyer pays and its seller receives. Of a participant
 * on both sides only what it could sell to nobody but itself is left out; its orders still count for the price.
 * Throws `GTX-MKT-002` for two live orders of one key or for mixed windows.
 */
export function clearZone(orders: readonly Order[], zone = 'campus'): Clearing {
  const book = bookOf(orders);
  const { window, sells, buys } = book;
  const interval = equilibrium(sells, buys);
  const price = interval === null ? null : middleOf(interval);
  const filled = price === null ? null : fillsAt(book, price);
  // The equilibrium quantity is the most that any price can match, unless a participant's own orders block it.
  const matchableWh = filled?.boundBySelf === true ? mostFeasible(book) : (filled?.matchedWh ?? 0);
  const fills = book.orders.map((order) => ({
    meterId: order.meterId,
    mRID: order.mRID,
    side: order.side,
    energyWh: Wh(filled?.shares.get(order) ?? 0),
  }));
  const outcome = { zone, window, fills, matchableWh: Wh(matchableWh) };
  if (price === null || filled === null || filled.matchedWh === 0) {
    return { ...outcome, price: null, interval: null, trades: [], matchedWh: Wh(0) };
  }
  const trades = tradesOf(book, filled.shares, price, zone);
  return { ...outcome, price, interval, trades, matchedWh: Wh(filled.matchedWh) };
}

function tradesOf(
  { sells, buys }: Book,
  shares: ReadonlyMap<Order, number>,
  price: MicroPerKWh,
  zone: string,
): Trade[] {
  return pairsOf(sells, buys, shares).map(({ sell, buy, energyWh }, seq) => {
    const paymentMicro = paymentOf(Wh(energyWh), price);
    const parties = {
      window: sell.window,
      zone,
      seq,
      seller: sell.meterId,
      sellMRID: sell.mRID,
      buyer: buy.meterId,
      buyMRID: buy.mRID,
    };
    return { id: tradeId(parties), ...parties, energyWh: Wh(energyWh), price, paymentMicro };
  });
}
