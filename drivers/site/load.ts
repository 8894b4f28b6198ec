import { seedOf, uniform, normal } from '#hal/random.ts';
import { type BuildingType, type LoadShape, loadShapes } from './load-shapes.ts';
import { type LocalTime, localTimeOf } from './local-time.ts';

export interface LoadSpec {
  readonly building: BuildingType;
  /** The load of its busiest ordinary hour, W; noise may take single seconds up to a quarter above it. */
  readonly peakLoadW: number;
  /** IANA name; the day's shape follows local time, daylight saving included. */
  readonly timeZone: string;
}

const day = 86_400;
/** Seconds between the knots of the slow noise. */
const slowPeriod = 480;
const slowShare = 0.045;
/** Appliances that switch on and off: seconds between decisions, and size as a share of the peak. */
const appliances: readonly { readonly period: number; readonly size: number }[] = [
  { period: 23, size: 0.02 },
  { period: 127, size: 0.03 },
  { period: 601, size: 0.05 },
];
const jitterShare = 0.01;
const eventRampSeconds = 900;

interface Occasion {
  /** Local second of the day. */
  readonly start: number;
  readonly end: number;
  /** Share of the peak that it adds. */
  readonly level: number;
}

/** The power that a building draws each second: a pure function of its seed and the time. */
export class BuildingLoad {
  readonly #shape: LoadShape;
  readonly #peakW: number;
  readonly #local: LocalTime;
  readonly #slowSeed: number;
  readonly #jitterSeed: number;
  readonly #eventSeed: number;
  readonly #switches: {
    readonly period: number;
    readonly size: number;
    readonly seed: number;
    slot: number;
    on: number;
  }[];
  #eventDay = Number.NaN;
  #events: readonly Occasion[] = [];
  #minute = Number.NaN;
  #from = 0;
  #to = 0;

  /** @param seed of this building */
  constructor(spec: LoadSpec, seed: number) {
    this.#shape = loadShapes[spec.building];
    this.#peakW = spec.peakLoadW;
    this.#local = localTimeOf(spec.timeZone);
    this.#slowSeed = seedOf(seed, 'slow');
    this.#jitterSeed = seedOf(seed, 'jitter');
    this.#eventSeed = seedOf(seed, 'events');
    this.#switches = appliances.map(({ period, size }) => {
      return { period, size, seed: seedOf(seed, `appliance ${period}`), slot: Number.NaN, on: 0 };
    });
  }

  /** Integer watts, at least 0, at a Unix second. */
  powerW(time: number): number {
    const minute = Math.floor(time / 60);
    if (minute !== this.#minute) {
      this.#from = minute === this.#minute + 1 ? this.#to : this.#shareAt(minute * 60);
      this.#to = this.#shareAt(minute * 60 + 60);
      this.#minute = minute;
    }
    const base = this.#from + (this.#to - this.#from) * (time / 60 - minute);
    let share = base + jitterShare * (uniform(this.#jitterSeed, time) - 0.5);
    // More is switched on when more people are in.
    const busy = 0.3 + 0.7 * base;
    for (const appliance of this.#switches) {
      const slot = Math.floor((time + (appliance.seed % appliance.period)) / appliance.period);
      if (slot !== appliance.slot) {
        appliance.slot = slot;
        appliance.on = uniform(appliance.seed, slot) < 0.5 ? -0.5 : 0.5;
      }
      share += appliance.on * appliance.size * busy;
    }
    return Math.round(this.#peakW * Math.min(1.25, Math.max(0, share)));
  }

  /** The load without its fast noise at a full minute, as a share of the peak. */
  #shareAt(time: number): number {
    const local = this.#local.localSeconds(time);
    const localDay = Math.floor(local / day);
    const second = local - localDay * day;
    const hour = Math.floor(second / 3600);
    const today = this.#hours(localDay);
    const next = hour < 23 ? today[hour + 1] : this.#hours(localDay + 1)[0];
    const now = today[hour] as number;
    let share = now + ((next as number) - now) * (second / 3600 - hour);
    const breaks = this.#shape.breaks;
    if (breaks !== undefined && today === this.#shape.weekday && hour >= breaks.fromHour && hour < breaks.toHour) {
      if (second % 3600 >= 3600 - breaks.minutes * 60) share *= breaks.share;
    }
    if (this.#shape.events !== undefined) share += this.#eventShare(localDay, second, this.#shape.events);
    const knot = Math.floor(time / slowPeriod);
    const between = time / slowPeriod - knot;
    const slow = normal(this.#slowSeed, knot) * (1 - between) + normal(this.#slowSeed, knot + 1) * between;
    return share * (1 + slowShare * slow);
  }

  #hours(localDay: number): readonly number[] {
    // 1970-01-01 was a Thursday.
    const weekday = (((localDay + 4) % 7) + 7) % 7;
    return weekday === 0 || weekday === 6 ? this.#shape.weekend : this.#shape.weekday;
  }

  #eventShare(localDay: number, second: number, hours: NonNullable<LoadShape['events']>): number {
    if (localDay !== this.#eventDay) {
      this.#eventDay = localDay;
      const [from, to] = this.#hours(localDay) === this.#shape.weekend ? hours.weekendHours : hours.weekdayHours;
      this.#events = occasionsOf(this.#eventSeed, localDay, from, to);
    }
    let most = 0;
    for (const event of this.#events) {
      const inside = Math.min(second - event.start, event.end - second);
      if (inside > 0) most = Math.max(most, event.level * Math.min(1, inside / eventRampSeconds));
    }
    return most;
  }
}

/** The events of a local day: none on one day in five, else one or two that start between the given hours. */
function occasionsOf(seed: number, localDay: number, fromHour: number, toHour: number): readonly Occasion[] {
  const draw = (index: number): number => uniform(seed, localDay * 8 + index);
  const u = draw(0);
  const count = u < 0.2 ? 0 : u < 0.7 ? 1 : 2;
  return Array.from({ length: count }, (_, i) => {
    const start = (fromHour + draw(3 * i + 1) * (toHour - fromHour)) * 3600;
    // Three hours at most, so that the latest ends before midnight.
    return { start, end: start + (1 + 2 * draw(3 * i + 2)) * 3600, level: 0.35 + 0.25 * draw(3 * i + 3) };
  });
}
