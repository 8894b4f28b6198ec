import type { BuildingType } from '#drivers/site/load-shapes.ts';
import { GridError } from '#hal/errors.ts';
import { seedOf } from '#hal/random.ts';
import { UnixSeconds, Wh } from '#hal/units.ts';
import { GATE_LEAD_SECONDS, WINDOW_SECONDS, windowOf } from '#ieee2030_5/ext/windows.ts';
import { activePower } from '#ieee2030_5/active-power.ts';
import { mridOf } from '#ieee2030_5/identity.ts';
import type { FlowReservationRequest, FlowReservationResponse } from '#ieee2030_5/types.generated.ts';
import type { Connection } from '../client/connection.ts';
import type { Resources } from '../client/discovery.ts';
import { defaultTariff, offeredEnergy, type Outlook, priceLimit, strategies } from './forecast.ts';

/** Offers go out this long before the gate closes. */
export const offerLeadSeconds = 30;

/** Windows whose commitments are kept: the delivering one and those already cleared. */
const keptWindows = 4;
const responsePage = 16;

/** The window whose gate closes next, seen from `now`. */
export const nextWindow = (now: UnixSeconds): UnixSeconds =>
  UnixSeconds(Math.ceil((now + 1) / WINDOW_SECONDS) * WINDOW_SECONDS + GATE_LEAD_SECONDS);

/**
 * A building's trader: offers its forecast surplus or need for the next window by FlowReservationRequest
 * (IEEE 2030.5-2018 §10.9) and keeps what the market answered as commitments for its storage control.
 */
export class TradingAgent {
  readonly #meterId: string;
  readonly #building: BuildingType;
  readonly #seed: number;
  /** Signed energy by window: bought is positive, sold negative. */
  readonly #commitments = new Map<UnixSeconds, Wh>();

  constructor(meterId: string, building: BuildingType, seed: number) {
    this.#meterId = meterId;
    this.#building = building;
    this.#seed = seedOf(seed, meterId);
  }

  /** Mean grid power that the market committed the building to now; 0 without a trade. */
  commitmentW(now: UnixSeconds): number {
    return ((this.#commitments.get(windowOf(now)) ?? 0) * 3600) / WINDOW_SECONDS;
  }

  /** Offers the next window's energy; nothing when the building expects to need and have none. */
  async offer(connection: Connection, resources: Resources, now: UnixSeconds, outlook: Outlook): Promise<void> {
    if (resources.requests === undefined) return;
    const energyWh = offeredEnergy(outlook, strategies[this.#building]);
    if (energyWh === 0) return;
    const window = nextWindow(now);
    const mRID = mridOf(`${this.#meterId}/request/${window}`);
    if (resources.offerTerms !== undefined) {
      const charge = outlook.storage?.stateOfChargeCentiPercent ?? 5_000;
      const limit = priceLimit(energyWh > 0 ? 'buy' : 'sell', charge, defaultTariff, this.#seed, window);
      await connection.post(resources.offerTerms, 'OfferTerms', { mRID, priceLimit: limit });
    }
    await connection.post(resources.requests, 'FlowReservationRequest', this.#request(mRID, energyWh, window, now));
  }

  /**
   * Reads the market's answers; newer answers for a window replace older ones. Rejects with `GTX-SEP-005` for one
   * whose numbers cannot be, and as `Connection.get` does.
   */
  async collect(connection: Connection, resources: Resources, now: UnixSeconds): Promise<void> {
    if (resources.responses === undefined) return;
    const list = await connection.get(`${resources.responses}?l=${responsePage}`, 'FlowReservationResponseList');
    for (const response of list.FlowReservationResponse ?? []) this.#accept(response);
    const oldest = windowOf(now);
    for (const window of this.#commitments.keys()) if (window < oldest) this.#commitments.delete(window);
    while (this.#commitments.size > keptWindows)
      this.#commitments.delete(Math.max(...this.#commitments.keys()) as UnixSeconds);
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
