import { clearSkyGhi, solarPosition } from './sun.ts';
import { ambientTemperature, CloudCover } from './weather.ts';

export interface PvPlantSpec {
  /** The inverter's rating, W: its output never exceeds it. */
  readonly ratedW: number;
  /** Degrees, north positive. */
  readonly latitude: number;
  /** Degrees, east positive. */
  readonly longitude: number;
}

/** Watts of modules for each watt of inverter: plants are built so, because the best hours are few. */
const arrayRatio = 1.2;
/** Soiling, mismatch, wiring and the inverter's own losses together. */
const performanceRatio = 0.9;
/** Power lost for each kelvin of the cell above 25 °C (crystalline silicon data sheets: −0.35 to −0.45 %). */
const deratingPerKelvin = 0.004;
/** Cell above ambient, kelvin for each W/m²: (NOCT 45 °C − 20 °C) / 800 W/m². */
const cellHeating = 25 / 800;

/**
 * AC power of a plant, W (not rounded), for an irradiance and an ambient temperature: derated by cell temperature,
 * clipped at the inverter's rating.
 * @param ghi W/m² @param ambient °C
 */
export function plantPower(ratedW: number, ghi: number, ambient: number): number {
  const cell = ambient + cellHeating * ghi;
  const derating = Math.max(0, 1 - deratingPerKelvin * Math.max(0, cell - 25));
  return Math.min(ratedW, ratedW * arrayRatio * performanceRatio * (ghi / 1000) * derating);
}

/** A flat PV plant under the campus's sky: what it could feed in each second, before any limit is set. */
export class PvPlant {
  readonly #spec: PvPlantSpec;
  readonly #seed: number;
  readonly #clouds: CloudCover;
  #minute = Number.NaN;
  #from = 0;
  #to = 0;

  /** @param seed of the campus: every plant of it stands under the same clouds */
  constructor(spec: PvPlantSpec, seed: number) {
    this.#spec = spec;
    this.#seed = seed;
    this.#clouds = new CloudCover(seed, spec.longitude);
  }

  /** Integer watts at a Unix second; the sky is worked out by the minute and joined by straight lines. */
  powerW(time: number): number {
    const minute = Math.floor(time / 60);
    if (minute !== this.#minute) {
      this.#from = minute === this.#minute + 1 ? this.#to : this.#powerAt(minute);
      this.#to = this.#powerAt(minute + 1);
      this.#minute = minute;
    }
    return Math.round(this.#from + (this.#to - this.#from) * (time / 60 - minute));
  }

  #powerAt(minute: number): number {
    const { ratedW, latitude, longitude } = this.#spec;
    const ghi = clearSkyGhi(solarPosition(minute * 60, latitude, longitude).cosZenith);
    if (ghi === 0) return 0;
    return plantPower(
      ratedW,
      ghi * this.#clouds.indexAt(minute),
      ambientTemperature(minute * 60, latitude, longitude, this.#seed),
    );
  }
}
