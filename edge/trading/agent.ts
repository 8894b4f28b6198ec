import type { BuildingType } from '#drivers/site/load-shapes.ts';
import { GridError } from '#hal/errors.ts';
import { seedOf } from '#hal/random.ts';
import { UnixSeconds, Wh } from '#hal/units.ts';
import { GATE_LEAD_SECONDS, WINDOW_SECONDS, windowOf } from '#ieee2030_5/ext/windows.ts';
import { activePower } from '#ieee2030_5/active-power.ts';
import { mridOf } from '#ieee2030_5/identity.ts';
import type {
  FlowReservationRequest,
  FlowReservationResponse,
  FlowReservationResponseList,
} from '#ieee2030_5/types.generated.ts';
import type { Connection } from '../client/connection.ts';
import type { Resources } from '../client/discovery.ts';
import { defaultTariff, offeredEnergy, type Outlook, priceLimit, strategies } from './forecast.ts';
import { type MarketRole, type MeterType, offeredBy, roleAfter, roleBandOf, type RoleState } from './role.ts';

/** Offers go out this long before the gate closes. */
export const offerLeadSeconds = 30;

/** Windows whose commitments are kept: the delivering one and those already cleared. */
const keptWindows = 4;
const responsePage = 16;

/** The window whose gate closes next, seen from `now`. */
export const nextWindow = (now: UnixSeconds): UnixSeconds =>
  UnixSeconds(Math.ceil((now + 1) / WINDOW_SECONDS) * WINDOW_SECONDS + GATE_LEAD_SECONDS);

/** What stands behind the offers. */
export interface Trader {
  readonly type: MeterType;
  /** What generation and storage can move together, W. */
  readonly ratedW: number;
}

const anyTrader: Trader = { type: 'Hybrid', ratedW: 0 };

/**
 * A building's trader: offers its forecast surplus or need for the next window by FlowReservationRequest
 * (IEEE 2030.5-2018 §10.9) and keeps what the market answered as commitments for its storage control.
 */
export class TradingAgent {
  readonly #meterId: string;
  readonly #building: BuildingType;
  readonly #seed: number;
  readonly #trader: Trader;
  /** Signed energy by window: bought is positive, sold negative. */
  readonly #commitments = new Map<UnixSeconds, Wh>();
  #role: RoleState | undefined;
  /** The newest offer, where the server keeps it, and how often it was made anew. */
  #offered: { readonly window: UnixSeconds; readonly href: string | undefined; readonly revision: number } | undefined;

  constructor(meterId: string, building: BuildingType, seed: number, trader: Trader = anyTrader) {
    this.#meterId = meterId;
    this.#building = building;
    this.#seed = seedOf(seed, meterId);
    this.#trader = trader;
  }

  /** What the building is to the market; `undefined` before anything was expected of it. */
  get role(): MarketRole | undefined {
    return this.#role?.role;
  }

  /**
   * Takes what is expected now into the role. Answers whether the role has changed under an offer that the market has
   * not cleared yet: it is to be made anew.
   */
  observe(now: UnixSeconds, outlook: Outlook): boolean {
    const wantedW = (offeredEnergy(outlook, strategies[this.#building]) * 3600) / outlook.windowSeconds;
    const before = this.#role?.role;
    this.#role = roleAfter(this.#role, wantedW, now, this.#trader.type, roleBandOf(this.#trader.ratedW));
    const hasChanged = before !== undefined && before !== this.#role.role;
    return hasChanged && this.#offered?.window === nextWindow(now) && this.#offered.href !== undefined;
  }

  /** Mean grid power that the market committed the building to now; 0 without a trade. */
  commitmentW(now: UnixSeconds): number {
    return ((this.#commitments.get(windowOf(now)) ?? 0) * 3600) / WINDOW_SECONDS;
  }

  /**
   * Offers the next window's energy as the building's role is; nothing when it expects to need and have none. What it
   * had offered for that window before is withdrawn first.
   */
  async offer(connection: Connection, resources: Resources, now: UnixSeconds, outlook: Outlook): Promise<void> {
    if (resources.requests === undefined) return;
    this.observe(now, outlook);
    const window = nextWindow(now);
    const before = this.#offered?.window === window ? this.#offered : undefined;
    if (before?.href !== undefined) await connection.delete(before.href);
    this.#offered = undefined;
    const wantedWh = offeredEnergy(outlook, strategies[this.#building]);
    const energyWh = Wh(this.role === undefined ? wantedWh : offeredBy(this.role, wantedWh));
    if (energyWh === 0) return;
    const revision = before === undefined ? 0 : before.revision + 1;
    const mRID = mridOf(`${this.#meterId}/request/${window}${revision === 0 ? '' : `/${revision}`}`);
    if (resources.offerTerms !== undefined) {
      const charge = outlook.storage?.stateOfChargeCentiPercent ?? 5_000;
      const limit = priceLimit(energyWh > 0 ? 'buy' : 'sell', charge, defaultTariff, this.#seed, window);
      await connection.post(resources.offerTerms, 'OfferTerms', { mRID, priceLimit: limit });
    }
    const request = this.#request(mRID, energyWh, window, now);
    const { location } = await connection.post(resources.requests, 'FlowReservationRequest', request);
    this.#offered = { window, href: location, revision };
  }

  /**
   * Reads the market's answers and answers them; newer ones for a window replace older ones. Rejects with `GTX-SEP-005` for one
   * whose numbers cannot be, and as `Connection.get` does.
   */
  async collect(
    connection: Connection,
    resources: Resources,
    now: UnixSeconds,
  ): Promise<FlowReservationResponseList | undefined> {
    if (resources.responses === undefined) return undefined;
    const list = await connection.get(`${resources.responses}?l=${responsePage}`, 'FlowReservationResponseList');
    for (const response of list.FlowReservationResponse ?? []) this.#accept(response);
    const oldest = windowOf(now);
    for (const window of this.#commitments.keys()) if (window < oldest) this.#commitments.delete(window);
    while (this.#commitments.size > keptWindows)
      this.#commitments.delete(Math.max(...this.#commitments.keys()) as UnixSeconds);
    return list;
  }

  #accept(response: FlowReservationResponse): void {
    const start = Number(response.interval.start);
    const energyWh = scaled(response.energyAvailable);
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(energyWh)) {
      throw new GridError('GTX-SEP-005', `A FlowReservationResponse is for ${energyWh} Wh at ${start}`, {
        hint: 'Check the head-end: it answers with numbers that no meter counts to.',
      });
    }
    const window = UnixSeconds(start);
    const { currentStatus } = response.EventStatus;
    // Cancelled (2, 3) and superseded (4) reservations bind nobody (IEEE 2030.5-2018, EventStatus).
    if (currentStatus > 1) this.#commitments.delete(window);
    else this.#commitments.set(window, Wh(energyWh));
  }

  #request(mRID: Uint8Array, energyWh: Wh, window: UnixSeconds, now: UnixSeconds): FlowReservationRequest {
    const meanW = Math.round((energyWh * 3600) / WINDOW_SECONDS);
    return {
      mRID,
      creationTime: BigInt(now),
      durationRequested: WINDOW_SECONDS,
      energyRequested: { multiplier: 0, value: energyWh },
      intervalRequested: { duration: WINDOW_SECONDS, start: BigInt(window) },
      powerRequested: activePower(meanW),
      RequestStatus: { dateTime: BigInt(now), requestStatus: 0 },
    };
  }
}

const scaled = ({ multiplier, value }: { multiplier: number; value: number }): number =>
  Math.round(value * 10 ** multiplier);
