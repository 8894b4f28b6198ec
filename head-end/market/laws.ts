import assert from 'node:assert/strict';
import type { Clearing } from './clear.ts';
import type { Order } from './orders.ts';
import { paymentOf } from './trade.ts';

const sum = (values: Iterable<number>): number => Iterator.from(values).reduce((total, value) => total + value, 0);

const add = (to: Map<string, number>, key: string, energyWh: number): unknown =>
  to.set(key, (to.get(key) ?? 0) + energyWh);

/** What every clearing must satisfy, checked from its published parts alone. */
export function assertLaws(orders: readonly Order[], clearing: Clearing): void {
  const { fills, trades, price, interval, matchedWh, matchableWh } = clearing;
  const orderOf = new Map(orders.map((order) => [`${order.meterId}/${order.mRID}`, order]));
  const bought = new Map<string, number>();
  const sold = new Map<string, number>();

  for (const trade of trades) {
    const sell = orderOf.get(`${trade.seller}/${trade.sellMRID}`);
    const buy = orderOf.get(`${trade.buyer}/${trade.buyMRID}`);
    assert.ok(sell?.side === 'sell' && buy?.side === 'buy', 'a trade joins a sell order and a buy order');
    assert.notEqual(trade.seller, trade.buyer, 'nobody trades with itself');
    assert.ok(trade.price >= sell.limit && trade.price <= buy.limit, 'nobody trades outside its limit');
    assert.equal(trade.price, price, 'one price for all');
    assert.ok(trade.energyWh > 0);
    assert.equal(trade.paymentMicro, paymentOf(trade.energyWh, trade.price));
    add(sold, `${trade.seller}/${trade.sellMRID}`, trade.energyWh);
    add(bought, `${trade.buyer}/${trade.buyMRID}`, trade.energyWh);
  }
  assert.equal(new Set(trades.map((trade) => trade.id)).size, trades.length, 'trade ids are unique');
  assert.ok(trades.length <= 4 * orders.length, `${trades.length} trades of ${orders.length} orders`);

  assert.equal(fills.length, orders.length, 'every order is answered');
  for (const fill of fills) {
    const order = orderOf.get(`${fill.meterId}/${fill.mRID}`);
    assert.ok(order !== undefined && fill.energyWh >= 0 && fill.energyWh <= order.energyWh, 'no order is exceeded');
    const traded = (fill.side === 'sell' ? sold : bought).get(`${fill.meterId}/${fill.mRID}`) ?? 0;
    assert.equal(traded, fill.energyWh, 'an order trades what it was filled with');
  }
  const energyOf = (side: string): number =>
    sum(fills.filter((fill) => fill.side === side).map((fill) => fill.energyWh));
  assert.equal(energyOf('sell'), matchedWh, 'sold = matched');
  assert.equal(energyOf('buy'), matchedWh, 'bought = matched');
  assert.equal(sum(trades.map((trade) => trade.energyWh)), matchedWh, 'traded = matched');
  assert.ok(matchedWh <= matchableWh);

  assert.equal(price === null, matchedWh === 0);
  if (price === null || interval === null) return;
  assert.ok(interval.low <= price && price <= interval.high, 'the price lies inside the interval');

  const open = fills.flatMap((fill) => {
    const order = orderOf.get(`${fill.meterId}/${fill.mRID}`) as Order;
    return fill.energyWh < order.energyWh ? [order] : [];
  });
  for (const sell of open.filter((order) => order.side === 'sell' && order.limit <= price)) {
    const partner: Order | undefined = open.find(
      (buy) => buy.side === 'buy' && buy.limit >= price && buy.meterId !== sell.meterId,
    );
    assert.equal(partner, undefined, 'no two are left that both would trade at the price');
  }
}

/** The most energy that can be matched, by trying every price on demand and supply curves; knows nothing of meters. */
export function naiveVolume(orders: readonly Order[]): number {
  const energyAt = (side: string, accepts: (limit: number) => boolean): number =>
    sum(orders.filter((order) => order.side === side && accepts(order.limit)).map((order) => order.energyWh));
  const volumes = orders.map(({ limit: price }) =>
    Math.min(
      energyAt('sell', (limit) => limit <= price),
      energyAt('buy', (limit) => limit >= price),
    ),
  );
  return Math.max(0, ...volumes);
}

/** The greatest welfare, Σ (bid − ask) × Wh, by matching one Wh after another, best bid with best ask. */
export function naiveWelfare(orders: readonly Order[]): number {
  const unitsOf = (side: string): number[] =>
    orders.filter((order) => order.side === side).flatMap((order) => Array(order.energyWh).fill(order.limit));
  const asks = unitsOf('sell').toSorted((a, b) => a - b);
  const bids = unitsOf('buy').toSorted((a, b) => b - a);
  return sum(bids.map((bid, index) => Math.max(0, bid - (asks[index] ?? Number.POSITIVE_INFINITY))));
}

/** The most Wh that pairs of different meters could trade at one price: augmenting paths over single Wh. */
export function naiveMatching(orders: readonly Order[], price: number): number {
  const unitsOf = (side: string, accepts: (limit: number) => boolean): string[] =>
    orders
      .filter((order) => order.side === side && accepts(order.limit))
      .flatMap((order) => Array(order.energyWh).fill(order.meterId));
  const sellers = unitsOf('sell', (limit) => limit <= price);
  const buyers = unitsOf('buy', (limit) => limit >= price);
  const matchOf: number[] = Array(buyers.length).fill(-1);
  const augment = (seller: number, seen: Set<number>): boolean =>
    buyers.some((buyer, index) => {
      if (buyer === sellers[seller] || seen.has(index)) return false;
      seen.add(index);
      const holder = matchOf[index] as number;
      if (holder >= 0 && !augment(holder, seen)) return false;
      matchOf[index] = seller;
      return true;
    });
  return sellers.filter((_, seller) => augment(seller, new Set())).length;
}

/** Σ (bid − ask) × Wh of a clearing's trades. */
export function welfareOf(orders: readonly Order[], clearing: Clearing): number {
  const limitOf = new Map(orders.map((order) => [`${order.meterId}/${order.mRID}`, order.limit]));
  return sum(
    clearing.fills.map((fill) => {
      const limit = limitOf.get(`${fill.meterId}/${fill.mRID}`) ?? 0;
      return (fill.side === 'buy' ? limit : 0 - limit) * fill.energyWh;
    }),
  );
}
