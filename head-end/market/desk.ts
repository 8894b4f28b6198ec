import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import { MicroPerKWh, UnixSeconds, Wh } from '#hal/units.ts';
import { GATE_LEAD_SECONDS, WINDOW_SECONDS } from '#ieee2030_5/ext/windows.ts';
import { type Clearing, clearZone } from './clear.ts';
import { checkOrder, MAX_LIMIT, type Order, type Side } from './orders.ts';

/** Orders are taken this far ahead. */
const HORIZON_SECONDS = 24 * 3600;
const maxOpenOrdersPerMeter = 64;
/** Terms wait for their request; the oldest give way. */
const maxTermsPerMeter = 64;
/** Answers that a device can read back: an hour of windows. */
const keptAllocationsPerMeter = 12;

/** Where orders and clearings are kept; each is durable when its promise resolves. */
export interface OrderStore {
  /** Idempotent by (meterId, mRID). */
  saveOrder(order: Order, at: UnixSeconds): Promise<unknown>;
  removeOrder(meterId: string, mRID: string): Promise<unknown>;
  /** Create-once a window. */
  saveClearing(window: UnixSeconds, clearing: Clearing, at: UnixSeconds): Promise<unknown>;
}

/** What a FlowReservationRequest asks for: charge is positive and buys, discharge is negative and sells. */
export interface ReservationTerms {
  readonly mRID: string;
  readonly energyWh: number;
  readonly window: number;
}

/** What an order got; `energyWh` has the request's sign. */
export interface Allocation {
  readonly mRID: string;
  readonly window: UnixSeconds;
  readonly energyWh: Wh;
  readonly clearedAt: UnixSeconds;
}

/**
 * Takes orders until their gate closes, clears the window, and remembers what everyone got. Without terms of its
 * own (another maker's device) an order trades at any price.
 */
export class MarketDesk {
  readonly #clock: Clock;
  readonly #zone: string;
  readonly #takesPart: (meterId: string) => boolean;
  readonly #store: OrderStore;
  /** Price limits by meter, then mRID. */
  readonly #terms = new Map<string, Map<string, MicroPerKWh>>();
  /** Open orders by meter, then mRID. */
  readonly #orders = new Map<string, Map<string, Order>>();
  readonly #allocations = new Map<string, Allocation[]>();
  readonly #listeners = new Set<(meterId: string) => void>();

  /** `takesPart`: whether a meter may order and trade now; every meter unless told. */
  constructor(clock: Clock, store: OrderStore, zone = 'campus', takesPart: (meterId: string) => boolean = () => true) {
    this.#takesPart = takesPart;
    this.#zone = zone;
    this.#clock = clock;
    this.#store = store;
  }

  /** Takes up what was stored before a restart: orders whose gate is still open, and what cleared ones got. */
  restore(open: readonly Order[], filled: readonly (Order & { readonly filledWh: Wh })[]): void {
    for (const order of open) this.#ordersOf(order.meterId).set(order.mRID, order);
    for (const { meterId, mRID, window, side, filledWh } of filled) {
      this.#allocate(meterId, { mRID, window, energyWh: signed(side, filledWh), clearedAt: gateOf(window) });
    }
  }

  /** The price limit of a request that is to come. */
  offerTerms(meterId: string, mRID: string, limit: number): void {
    const terms = this.#terms.get(meterId) ?? new Map<string, MicroPerKWh>();
    this.#terms.set(meterId, terms);
    terms.set(mRID, MicroPerKWh(limit));
    const [oldest] = terms.keys();
    if (terms.size > maxTermsPerMeter && oldest !== undefined) terms.delete(oldest);
  }

  /**
   * Takes an order; taking it again changes nothing. Rejects with `GTX-MKT-001`, `GTX-MKT-003` (another order has this
   * mRID), `GTX-MKT-005` (the meter takes no part now) or `GTX-ORD-…`, which say why.
   */
  async request(meterId: string, { mRID, energyWh, window }: ReservationTerms): Promise<void> {
    if (!this.#takesPart(meterId)) {
      throw new GridError('GTX-MKT-005', `${meterId} takes no part in the market now`, {
        hint: 'Its device is in quarantine, revoked or removed: the registry says which.',
      });
    }
    const side: Side = energyWh > 0 ? 'buy' : 'sell';
    const open = this.#ordersOf(meterId);
    const known = open.get(mRID);
    if (known !== undefined) {
      if (known.window === window && signed(known.side, known.energyWh) === energyWh) return;
      throw new GridError('GTX-MKT-003', `${meterId} already has another order with mRID ${mRID}`, {
        hint: 'A changed offer needs an mRID of its own.',
      });
    }
    const limit = this.#terms.get(meterId)?.get(mRID) ?? (side === 'buy' ? MAX_LIMIT : 0);
    const order = checkOrder({ meterId, mRID, side, energyWh: Math.abs(energyWh), limit, window });
    this.#checkGate(order);
    if (open.size >= maxOpenOrdersPerMeter) {
      throw new GridError('GTX-ORD-003', `${meterId} already has ${open.size} open orders`, {
        hint: 'Wait until a gate has closed.',
      });
    }
    open.set(mRID, order);
    try {
      await this.#store.saveOrder(order, this.#clock.now());
    } catch (error) {
      open.delete(mRID);
      throw error;
    }
    this.#announce(meterId);
  }

  /** Takes an open order back; answers whether there was one. After its gate it stands. */
  async withdraw(meterId: string, mRID: string): Promise<boolean> {
    const open = this.#orders.get(meterId);
    const order = open?.get(mRID);
    if (open === undefined || order === undefined) return false;
    open.delete(mRID);
    try {
      await this.#store.removeOrder(meterId, mRID);
    } catch (error) {
      open.set(mRID, order);
      throw error;
    }
    this.#terms.get(meterId)?.delete(mRID);
    this.#announce(meterId);
    return true;
  }

  /** Takes all open orders of a meter back; answers how many there were. */
  async withdrawAll(meterId: string): Promise<number> {
    const mRIDs = [...(this.#orders.get(meterId)?.keys() ?? [])];
    let withdrawn = 0;
    for (const mRID of mRIDs) if (await this.withdraw(meterId, mRID)) withdrawn++;
    return withdrawn;
  }

  /** Clears the window whose gate closes now, and stores it; who takes no part by then, trades nothing. */
  async closeGate(now: UnixSeconds): Promise<{ window: UnixSeconds; clearing: Clearing }> {
    for (const meterId of this.#orders.keys()) if (!this.#takesPart(meterId)) await this.withdrawAll(meterId);
    const window = UnixSeconds(now + GATE_LEAD_SECONDS);
    const orders: Order[] = [];
    for (const [meterId, open] of this.#orders) {
      for (const [mRID, order] of open) {
        if (order.window > window) continue;
        open.delete(mRID);
        this.#terms.get(meterId)?.delete(mRID);
        if (order.window === window) orders.push(order);
      }
    }
    const clearing = clearZone(orders, this.#zone);
    await this.#store.saveClearing(window, clearing, now);
    for (const { meterId, mRID, side, energyWh } of clearing.fills) {
      this.#allocate(meterId, { mRID, window, energyWh: signed(side, energyWh), clearedAt: now });
    }
    return { window, clearing };
  }

  /** A meter's open orders, by window, then mRID. */
  openOrdersOf(meterId: string): readonly Order[] {
    const orders = [...(this.#orders.get(meterId)?.values() ?? [])];
    return orders.toSorted((a, b) => a.window - b.window || (a.mRID < b.mRID ? -1 : 1));
  }

  /** What a meter's orders got, newest window first. */
  allocationsOf(meterId: string): readonly Allocation[] {
    return this.#allocations.get(meterId) ?? [];
  }

  /** Called when what a meter has asked for, or has got, changes. */
  onChange(listener: (meterId: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #announce(meterId: string): void {
    for (const listener of this.#listeners) listener(meterId);
  }

  #ordersOf(meterId: string): Map<string, Order> {
    const orders = this.#orders.get(meterId) ?? new Map<string, Order>();
    this.#orders.set(meterId, orders);
    return orders;
  }

  #allocate(meterId: string, allocation: Allocation): void {
    const kept = this.#allocations.get(meterId) ?? [];
    this.#allocations.set(meterId, [allocation, ...kept].slice(0, keptAllocationsPerMeter));
    this.#announce(meterId);
  }

  #checkGate({ window }: Order): void {
    const now = this.#clock.now();
    if (window - GATE_LEAD_SECONDS >= now && window <= now + HORIZON_SECONDS) return;
    throw new GridError('GTX-ORD-002', `The window ${window} is not open for orders at ${now}`, {
      hint: `The gate of a window of ${WINDOW_SECONDS} s closes ${GATE_LEAD_SECONDS} s before it; orders are taken a day ahead.`,
    });
  }
}

/** Bought is positive, sold negative: the sign of the request. */
const signed = (side: Side, energyWh: Wh): Wh => Wh(side === 'buy' ? energyWh : 0 - energyWh);

const gateOf = (window: UnixSeconds): UnixSeconds => UnixSeconds(window - GATE_LEAD_SECONDS);
