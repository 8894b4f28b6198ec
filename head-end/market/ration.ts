import { compareKeys, type Order } from './orders.ts';

/** Energy by order, in the order of the list that was rationed. */
export type Shares = Map<Order, number>;

export const totalOf = (orders: readonly Order[]): number => orders.reduce((sum, order) => sum + order.energyWh, 0);

/** a × b ÷ c as quotient and remainder, exact although the product may exceed a safe integer. */
function portion(a: number, b: number, c: number): readonly [quotient: number, remainder: number] {
  const product = a * b;
  if (Number.isSafeInteger(product)) return [(product - (product % c)) / c, product % c];
  const exact = BigInt(a) * BigInt(b);
  return [Number(exact / BigInt(c)), Number(exact % BigInt(c))];
}

/** Shares an amount out in proportion to the orders; odd Wh go to the largest remainders, ties by key. */
function proRata(orders: readonly Order[], amount: number, shares: Shares): void {
  const total = totalOf(orders);
  let rest = amount;
  const parts = orders.map((order) => {
    const [share, remainder] = portion(order.energyWh, amount, total);
    rest -= share;
    return { order, share, remainder };
  });
  parts.sort((a, b) => b.remainder - a.remainder || compareKeys(a.order, b.order));
  for (const [index, { order, share }] of parts.entries()) shares.set(order, index < rest ? share + 1 : share);
}

/**
 * Gives `target` Wh to orders of one side: those with a limit better than the price in turn, then those at the
 * price pro rata.
 * @param orders acceptable at the price, in canonical order (better limits first)
 * @param target at most their total
 */
export function ration(orders: readonly Order[], target: number, price: number, shares: Shares): void {
  let left = target;
  const margin: Order[] = [];
  for (const order of orders) {
    if (order.limit === price) {
      margin.push(order);
      continue;
    }
    const share = Math.min(order.energyWh, left);
    shares.set(order, share);
    left -= share;
  }
  if (margin.length > 0) proRata(margin, left, shares);
}
