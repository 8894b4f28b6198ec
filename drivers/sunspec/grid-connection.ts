import { uniform } from '#hal/random.ts';
import type { EnterService, TripPoint } from '../grid-support.ts';
import type { GridCondition } from '../site/grid.ts';
import type { DerSettings, TripSettings } from './der-settings.ts';

/** What the connection allows in this second. */
export type ConnectionState =
  | { readonly at: 'inService' }
  /** Momentary cessation: nothing flows, and it goes on at once when the grid is back. */
  | { readonly at: 'ceased' }
  /** Tripped, or not permitted. */
  | { readonly at: 'out' }
  | { readonly at: 'waiting'; readonly remainingSeconds: number }
  /** Back in service and ramping, 0 to 1. */
  | { readonly at: 'entering'; readonly share: number };

const inService: ConnectionState = { at: 'inService' };
const ceased: ConnectionState = { at: 'ceased' };
const none: readonly Vertex[] = [];

/** A vertex of a trip curve and the seconds that the grid has been beyond it. */
interface Vertex extends TripPoint {
  readonly trip: TripSettings;
  readonly isTrip: boolean;
  elapsed: number;
}

/**
 * Whether a DER energizes: ride-through and trips (IEEE 1547-2018 §6.4.1, §6.5.1), momentary cessation, and entering
 * service (§4.10). One step is one second; what a curve asks for within less happens in that second.
 */
export class GridConnection {
  readonly #seed: number;
  #draws = 0;
  #trips: readonly TripSettings[] | undefined;
  #vertices: Vertex[] = [];
  /** A grid that was beyond no vertex: as long as it is the same, there is nothing to count. */
  #calm: GridCondition | undefined;
  #state: ConnectionState = { at: 'inService' };
  /** Seconds of the ramp of entering service that have passed. */
  #entered = 0;
  /** What the last trip was for. */
  #trippedBy: TripSettings | undefined;

  /** @param seed of the random delay of entering service */
  constructor(seed: number) {
    this.#seed = seed;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The function that tripped it, until it is in service again. */
  get trippedBy(): TripSettings | undefined {
    return this.#trippedBy;
  }

  /** One second with the grid as it is. */
  step(grid: GridCondition, settings: DerSettings): ConnectionState {
    if (settings.trips !== this.#trips) this.#watch(settings.trips);
    const acting = this.#count(grid);
    const trip = acting.find(({ isTrip }) => isTrip);
    if (trip !== undefined) this.#trippedBy = trip.trip;
    if (trip !== undefined || !settings.isPermitted) this.#state = { at: 'out' };
    else this.#state = this.#next(grid, settings.enterService, acting.length > 0);
    return this.#state;
  }

  #next(grid: GridCondition, enter: EnterService, isCeased: boolean): ConnectionState {
    const { at } = this.#state;
    if (at === 'inService' || at === 'ceased') return isCeased ? ceased : inService;
    if (at === 'entering') return isCeased ? ceased : this.#ramp(enter);
    if (!isWithin(grid, enter)) return { at: 'out' };
    const remainingSeconds =
      this.#state.at === 'waiting' ? this.#state.remainingSeconds - 1 : enter.delaySeconds + this.#randomDelay(enter);
    if (remainingSeconds > 0) return { at: 'waiting', remainingSeconds };
    this.#entered = 0;
    this.#trippedBy = undefined;
    return this.#ramp(enter);
  }

  #ramp({ rampSeconds }: EnterService): ConnectionState {
    this.#entered++;
    return this.#entered >= rampSeconds ? inService : { at: 'entering', share: this.#entered / rampSeconds };
  }

  #randomDelay({ randomDelaySeconds }: EnterService): number {
    return Math.floor(uniform(this.#seed, this.#draws++) * (randomDelaySeconds + 1));
  }

  #watch(trips: readonly TripSettings[]): void {
    this.#trips = trips;
    this.#calm = undefined;
    this.#vertices = trips.flatMap((trip) => [
      ...trip.mustTrip.map((point) => ({ ...point, trip, isTrip: true, elapsed: 0 })),
      ...trip.momentaryCessation.map((point) => ({ ...point, trip, isTrip: false, elapsed: 0 })),
    ]);
  }

  /** The vertices beyond which the grid has been for their time. */
  #count(grid: GridCondition): readonly Vertex[] {
    if (grid === this.#calm) return none;
    const acting: Vertex[] = [];
    let isCalm = true;
    for (const vertex of this.#vertices) {
      const { quantity, side } = vertex.trip;
      const value = quantity === 'voltage' ? grid.voltagePercent : grid.frequencyHz;
      const isBeyond = side === 'low' ? value < vertex.magnitude : value > vertex.magnitude;
      vertex.elapsed = isBeyond ? vertex.elapsed + 1 : 0;
      if (isBeyond) isCalm = false;
      if (isBeyond && vertex.elapsed >= vertex.seconds) acting.push(vertex);
    }
    this.#calm = isCalm ? grid : undefined;
    return acting;
  }
}

const isWithin = ({ voltagePercent, frequencyHz }: GridCondition, enter: EnterService): boolean =>
  voltagePercent >= enter.minVoltagePercent &&
  voltagePercent <= enter.maxVoltagePercent &&
  frequencyHz >= enter.minHz &&
  frequencyHz <= enter.maxHz;
