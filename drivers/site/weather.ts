import { normal, seedOf, uniform } from '#hal/random.ts';

export const skies = ['clear', 'partly', 'overcast'] as const;
export type Sky = (typeof skies)[number];

const minutesPerDay = 1440;

/**
 * Chance of the next minute's sky, cumulated over clear, partly, overcast. Mean spells: clear under two hours,
 * broken clouds a quarter of an hour, overcast forty minutes. Synthetic: chosen to look like a mild climate.
 */
const transitions: Readonly<Record<Sky, readonly [number, number]>> = {
  clear: [0.991, 0.999],
  partly: [0.04, 0.965],
  overcast: [0.003, 0.025],
};
/** The chain's own long-run shares, from which each day starts, so that no hour of the day is special. */
const stationary: readonly [number, number] = [0.657, 0.789];

const pick = (u: number, [clear, partly]: readonly [number, number]): Sky => {
  if (u < clear) return 'clear';
  return u < partly ? 'partly' : 'overcast';
};

/**
 * The clouds over the whole campus: a Markov chain of the sky by the minute. It is a pure function of seed and
 * minute: each day's chain starts at solar midnight (so that its fresh start falls in the dark) from the seed and
 * the day alone; only the day last asked for is kept.
 */
export class CloudCover {
  readonly #chainSeed: number;
  readonly #depthSeed: number;
  readonly #daySeed: number;
  /** Minutes from Unix time to mean solar time. */
  readonly #solarMinutes: number;
  readonly #sky = new Uint8Array(minutesPerDay);
  #day = Number.NaN;

  /** @param longitude degrees, east positive: tells when it is midnight. */
  constructor(seed: number, longitude: number) {
    this.#chainSeed = seedOf(seed, 'sky');
    this.#depthSeed = seedOf(seed, 'cloud depth');
    this.#daySeed = seedOf(seed, 'sky at midnight');
    this.#solarMinutes = Math.round(longitude * 4);
  }

  /** The sky of a minute (Unix seconds / 60, integer). */
  skyAt(minute: number): Sky {
    const solar = minute + this.#solarMinutes;
    const day = Math.floor(solar / minutesPerDay);
    if (day !== this.#day) this.#runChain(day);
    return skies[this.#sky[solar - day * minutesPerDay] as number] as Sky;
  }

  /**
   * The share of the clear sky's irradiance that reaches the ground, 0.2 to 1.05: light off a cloud's edge can
   * exceed the clear sky's.
   * @param minute Unix seconds / 60, integer
   */
  indexAt(minute: number): number {
    const depth = uniform(this.#depthSeed, minute);
    const sky = this.skyAt(minute);
    if (sky === 'clear') return 1 - 0.02 * depth;
    if (sky === 'partly') return 0.5 + 0.55 * depth;
    // A closed layer changes slowly; passing clouds do not.
    return 0.2 + 0.15 * uniform(this.#depthSeed, Math.floor(minute / 10)) + 0.03 * depth;
  }

  #runChain(day: number): void {
    let sky = pick(uniform(this.#daySeed, day), stationary);
    for (let i = 0; i < minutesPerDay; i++) {
      this.#sky[i] = skies.indexOf(sky);
      sky = pick(uniform(this.#chainSeed, day * minutesPerDay + i), transitions[sky]);
    }
    this.#day = day;
  }
}

/**
 * Ambient temperature, °C: a mean and a seasonal swing from the latitude, a daily swing with its peak at 15 h solar
 * time, and seeded warm and cool spells of days. Synthetic, for lowland places.
 * @param time Unix seconds
 */
export function ambientTemperature(time: number, latitude: number, longitude: number, seed: number): number {
  const solarDays = time / 86_400 + longitude / 360;
  const day = Math.floor(solarDays);
  const yearDays = solarDays % 365.2425;
  const distance = Math.abs(latitude);
  const mean = 27 - 0.0083 * distance * distance;
  // The warmest day comes a month after the solstice: about 25 July in the north, half a year later in the south.
  const season = Math.cos((2 * Math.PI * (yearDays - 205)) / 365.2425) * 0.16 * latitude;
  const hour = (solarDays - day) * 24;
  const daily = 6 * Math.cos((2 * Math.PI * (hour - 15)) / 24);
  const spellSeed = seedOf(seed, 'temperature');
  const spell = normal(spellSeed, day) * (1 - hour / 24) + normal(spellSeed, day + 1) * (hour / 24);
  return mean + season + daily + 2 * spell;
}
