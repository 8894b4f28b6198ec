import { seedOf } from '#hal/random.ts';
import { type GridCondition, nominalGrid } from '#drivers/site/grid.ts';
import { BuildingLoad } from '#drivers/site/load.ts';
import { plantPower, PvPlant } from '#drivers/site/pv.ts';
import type { TraceSource } from '#drivers/site/site.ts';
import type { BoardFile } from '#edge/board-file.ts';
import type { Conditions } from './plan-schema.ts';

const usualTemperatureC = 25;

/** Sun, load and grid around an emulated board, as the plan sets them. */
export class Stage {
  readonly #ratedW: number;
  readonly #sky: PvPlant;
  readonly #load: BuildingLoad;
  #conditions: Conditions = { irradianceWm2: 0, loadW: 0, temperatureC: usualTemperatureC };

  constructor({ building, location, devices, site, meterId }: BoardFile, seed: number) {
    this.#ratedW = devices.inverter?.ratedW ?? 0;
    this.#sky = new PvPlant({ ratedW: this.#ratedW, ...location }, seed);
    const { timeZone } = location;
    this.#load = new BuildingLoad({ building, peakLoadW: site?.peakLoadW ?? 0, timeZone }, seedOf(seed, meterId));
  }

  /** What is left out stays as it was. */
  set(conditions: Conditions): void {
    this.#conditions = { ...this.#conditions, ...conditions };
  }

  readonly traces: TraceSource = {
    pvW: (time) => this.#pvW(time),
    loadW: (time) => {
      const { loadW = 0 } = this.#conditions;
      return loadW === 'building' ? this.#load.powerW(time) : loadW;
    },
  };

  readonly grid = (): GridCondition => {
    const { voltagePercent = nominalGrid.voltagePercent, frequencyHz = nominalGrid.frequencyHz } = this.#conditions;
    return { voltagePercent, frequencyHz };
  };

  #pvW(time: number): number {
    const { irradianceWm2 = 0, temperatureC = usualTemperatureC } = this.#conditions;
    return irradianceWm2 === 'sky'
      ? this.#sky.powerW(time)
      : Math.round(plantPower(this.#ratedW, irradianceWm2, temperatureC));
  }
}
