import { GridError } from '#hal/errors.ts';
import { MicroPerKWh, UnixSeconds, Wh } from '#hal/units.ts';
import { WINDOW_SECONDS } from '#ieee2030_5/ext/windows.ts';

/** 100 MWh within one window: far above any building, and small enough that payments stay exact. */
export const MAX_ORDER_WH = 100_000_000;
/** The largest price limit that the wire carries (UInt32 of `/gtx` offer terms). */
export const MAX_LIMIT = 0xffff_ffff;

export type Side = 'buy' | 'sell';

/** An offer for one window. Its key is (meterId, mRID); never the LFDI, which changes with each certificate. */
export interface Order {
  readonly meterId: string;
  /** mRID of the FlowReservationRequest, 32 lower-case hexadecimal digits. */
  readonly mRID: string;
  readonly side: Side;
  /** 1 to `MAX_ORDER_WH`. */
  readonly energyWh: Wh;
  /** The worst price that the participant accepts, 0 to `MAX_LIMIT`. */
  readonly limit: MicroPerKWh;
  /** Start of the window, a multiple of `WINDOW_SECONDS`. */
  readonly window: UnixSeconds;
}

/** The same fields before anyone has checked them. */
export interface OrderInput {
  readonly meterId: string;
  readonly mRID: string;
  readonly side: string;
  readonly energyWh: number;
  readonly limit: number;
  readonly window: number;
}

const isIn = (value: number, least: number, most: number): boolean =>
  Number.isSafeInteger(value) && value >= least && value <= most;

const refuse = (what: string, hint: string): GridError =>
  new GridError('GTX-MKT-001', `The order is not acceptable: ${what}`, { hint });

/** Checks an order at the border. Throws `GTX-MKT-001`, which names the field and its range. */
export function checkOrder(input: OrderInput): Order {
  const { meterId, side, energyWh, limit, window } = input;
  const mRID = input.mRID.toLowerCase();
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(meterId)) {
    throw refuse(`meter id ${JSON.stringify(meterId)}`, 'A meter id has 1 to 64 letters, digits, _, . or -.');
  }
  if (!/^[0-9a-f]{32}$/.test(mRID)) {
    throw refuse(`mRID ${JSON.stringify(input.mRID)}`, 'An mRID has 32 hexadecimal digits.');
  }
  if (side !== 'buy' && side !== 'sell') throw refuse(`side ${JSON.stringify(side)}`, 'A side is buy or sell.');
  if (!isIn(energyWh, 1, MAX_ORDER_WH)) {
    throw refuse(`energy ${energyWh} Wh`, `Energy is an integer from 1 to ${MAX_ORDER_WH} Wh.`);
  }
  if (!isIn(limit, 0, MAX_LIMIT)) {
    throw refuse(`price limit ${limit}`, `A price limit is an integer from 0 to ${MAX_LIMIT} micro-units per kWh.`);
  }
  if (!isIn(window, 0, Number.MAX_SAFE_INTEGER) || window % WINDOW_SECONDS !== 0) {
    throw refuse(`window ${window}`, `A window starts at a multiple of ${WINDOW_SECONDS} s.`);
  }
  return {
    meterId,
    mRID,
    side,
    energyWh: Wh(energyWh),
    limit: MicroPerKWh(limit),
    window: UnixSeconds(window),
  };
}

/** Code-unit order: the same on every machine, whatever its locale. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** By meterId, then mRID: the order in which ties are broken everywhere in the market. */
export const compareKeys = (a: Pick<Order, 'meterId' | 'mRID'>, b: Pick<Order, 'meterId' | 'mRID'>): number =>
  compareText(a.meterId, b.meterId) || compareText(a.mRID, b.mRID);

/** The orders of one window in their canonical sequences, so that an outcome cannot depend on the order of arrival. */
export interface Book {
  readonly window: UnixSeconds | null;
  /** All, by key. */
  readonly orders: readonly Order[];
  /** Cheapest first, then by key. */
  readonly sells: readonly Order[];
  /** Highest bid first, then by key. */
  readonly buys: readonly Order[];
  /** Participants that stand on both sides. */
  readonly twoSided: ReadonlySet<string>;
}

/** Throws `GTX-MKT-002` when windows are mixed or a (meterId, mRID) has two live orders. */
export function bookOf(unsorted: readonly Order[]): Book {
  const orders = unsorted.toSorted(compareKeys);
  const twoSided = new Set<string>();
  // Of one participant's orders, which stand together, some neighbours differ in side if any two do.
  for (const [index, order] of orders.entries()) {
    const before = orders[index - 1];
    if (before === undefined) continue;
    if (order.window !== before.window || compareKeys(order, before) === 0) {
      throw new GridError('GTX-MKT-002', `Order ${order.meterId}/${order.mRID} has a twin or is of another window`, {
        hint: 'Clear one window at a time, with one live order per meter id and mRID.',
      });
    }
    if (order.meterId === before.meterId && order.side !== before.side) twoSided.add(order.meterId);
  }
  // Sorting is stable: equal limits stay in the sequence of their keys.
  return {
    window: orders[0]?.window ?? null,
    orders,
    sells: orders.filter((order) => order.side === 'sell').toSorted((a, b) => a.limit - b.limit),
    buys: orders.filter((order) => order.side === 'buy').toSorted((a, b) => b.limit - a.limit),
    twoSided,
  };
}
