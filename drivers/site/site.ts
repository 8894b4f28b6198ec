import { GridError } from '#hal/errors.ts';
import { seedOf } from '#hal/random.ts';
import { UnixSeconds, Wh } from '#hal/units.ts';
import {
  type BatteryRange,
  batteryRange,
  type BatterySecond,
  type BatterySpec,
  batterySecond,
  capacityJ,
} from './battery.ts';
import { nominalVolts } from '../sunspec/nominal-grid.ts';
import { flickerAt, type GridCondition, type GridSource, nominalGrid } from './grid.ts';
import { BuildingLoad } from './load.ts';
import type { BuildingType } from './load-shapes.ts';
import { PvPlant } from './pv.ts';

/** Measured power in place of the synthetic one, by quantity; each a pure function of a Unix second, W. */
export interface TraceSource {
  /** What the plant could feed in; the inverter's rating still clips it. */
  readonly pvW?: (time: number) => number;
  readonly loadW?: (time: number) => number;
}

export interface SiteSpec {
  readonly meterId: string;
  readonly building: BuildingType;
  readonly location: { readonly latitude: number; readonly longitude: number; readonly timeZone: string };
  /** The inverter's AC rating, W; 0 where there is none. */
  readonly pvRatedW: number;
  /** The load of its busiest ordinary hour, W. */
  readonly peakLoadW: number;
  /** A capacity of 0 where there is none. */
  readonly battery: BatterySpec;
  readonly traces?: TraceSource;
}

/** Integer W and var; positive is injected into the building's grid. */
export interface DevicePower {
  readonly activeW: number;
  readonly reactiveVar: number;
}

/** What the devices of the site make of each second; asked once a second, so that their timers and ramps count. */
export interface SiteControls {
  /** @param availableW what the sun offers, within the inverter's rating */
  pv(now: UnixSeconds, availableW: number, grid: GridCondition): DevicePower;
  /** @param range what rating and cells allow; positive is discharge */
  battery(now: UnixSeconds, range: BatteryRange, grid: GridCondition): DevicePower;
}

/** Everything a site remembers, as plain JSON. Powers are integer W, energies integer J since installation. */
export interface SiteState {
  /** The last second simulated, Unix; null before the first. */
  time: number | null;
  pvW: number;
  loadW: number;
  /** AC; positive is discharge. */
  batteryW: number;
  /** At the connection point; positive is import. */
  gridW: number;
  /** In the cells. */
  storedJ: number;
  generationJ: number;
  consumptionJ: number;
  importJ: number;
  exportJ: number;
  acChargeJ: number;
  acDischargeJ: number;
  dcChargeJ: number;
  dcDischargeJ: number;
  /** Of the battery's converter. */
  lossJ: number;
}

/** A gap longer than this is a campus that stood still, not one to catch up with. */
const longestGap = 86_400;

const idle: SiteControls = {
  pv: (_now, activeW) => ({ activeW, reactiveVar: 0 }),
  battery: () => ({ activeW: 0, reactiveVar: 0 }),
};

const registerOf = (joules: number): Wh => Wh(Math.floor(joules / 3600));

/**
 * The physics of one building: sun, load, battery and the connection point between them, in steps of one second.
 * In each, gridW = loadW − pvW − batteryW holds exactly, and so does, in joules, generation + import + DC discharge −
 * consumption − export − DC charge − loss = 0.
 */
export class Site {
  readonly #spec: SiteSpec;
  readonly #state: SiteState;
  readonly #pv: (time: number) => number;
  readonly #load: (time: number) => number;
  readonly #flickerSeed: number;
  readonly #battery: BatterySecond = { acW: 0, dcChargeJ: 0, dcDischargeJ: 0, lossJ: 0 };
  /** Without limits and with the battery at rest until the devices are connected. */
  controls: SiteControls = idle;
  /** What the devices meet at the connection point: nominal, or a schedule. */
  grid: GridSource = () => nominalGrid;
  #reactiveVar = 0;

  /**
   * @param seed of the campus: its weather is everyone's, its load each building's own
   * @param state what `save` gave; a new site without it, its battery half full
   * @throws GridError GTX-SIT-001 when the state is not one that `save` gave
   */
  constructor(spec: SiteSpec, seed: number, state?: SiteState) {
    this.#spec = spec;
    this.#state = state === undefined ? newState(spec) : restoredState(spec, state);
    const { traces, location, building, peakLoadW, pvRatedW } = spec;
    const plant = new PvPlant({ ratedW: pvRatedW, latitude: location.latitude, longitude: location.longitude }, seed);
    const load = new BuildingLoad({ building, peakLoadW, timeZone: location.timeZone }, seedOf(seed, spec.meterId));
    this.#flickerSeed = seedOf(seed, `${spec.meterId} flicker`);
    this.#pv = traces?.pvW ?? ((time) => plant.powerW(time));
    this.#load = traces?.loadW ?? ((time) => load.powerW(time));
  }

  get state(): Readonly<SiteState> {
    return this.#state;
  }

  /** A copy of the state, for a file; a site made from it goes on as if it had never stopped. */
  save(): SiteState {
    return { ...this.#state };
  }

  /**
   * Simulates each second after the last one up to and including `time`. A site that has no time yet, or that stood
   * still for more than a day, resumes at `time` instead.
   * @throws RangeError when `time` lies before the last second
   */
  advanceTo(time: UnixSeconds): void {
    const last = this.#state.time;
    if (last === null || time - last > longestGap) {
      this.resumeAt(time);
      return;
    }
    if (time < last) throw new RangeError(`the site ${this.#spec.meterId} is at ${last}, it cannot go back to ${time}`);
    for (let now = last + 1; now <= time; now++) this.#second(now as UnixSeconds);
  }

  /** Sets the time with nothing having happened since the last second. */
  resumeAt(time: UnixSeconds): void {
    this.#state.time = time;
  }

  /** Between line and neutral at the connection point, as its meter measures it; it flickers each second. */
  voltsRms(time: number): number {
    const { voltagePercent } = this.grid(time);
    return ((nominalVolts.lineToNeutral * voltagePercent) / 100) * flickerAt(this.#flickerSeed, time);
  }
  /** At the connection point in the last second; positive is drawn from the grid. */
  get gridVar(): number {
    return 0 - this.#reactiveVar;
  }
  get generationWh(): Wh {
    return registerOf(this.#state.generationJ);
  }
  get consumptionWh(): Wh {
    return registerOf(this.#state.consumptionJ);
  }
  get importWh(): Wh {
    return registerOf(this.#state.importJ);
  }
  get exportWh(): Wh {
    return registerOf(this.#state.exportJ);
  }
  /** Signed: import less export, as a clamp at the connection point counts. */
  get netGridWh(): Wh {
    return registerOf(this.#state.importJ - this.#state.exportJ);
  }
  get acChargeWh(): Wh {
    return registerOf(this.#state.acChargeJ);
  }
  get acDischargeWh(): Wh {
    return registerOf(this.#state.acDischargeJ);
  }
  get dcChargeWh(): Wh {
    return registerOf(this.#state.dcChargeJ);
  }
  get dcDischargeWh(): Wh {
    return registerOf(this.#state.dcDischargeJ);
  }
  get lossWh(): Wh {
    return registerOf(this.#state.lossJ);
  }
  /** Hundredths of a percent of the capacity, 0 to 10000. */
  get stateOfChargeCentiPercent(): number {
    const capacity = capacityJ(this.#spec.battery);
    return capacity === 0 ? 0 : Math.floor((this.#state.storedJ * 10_000) / capacity);
  }

  #second(now: UnixSeconds): void {
    const state = this.#state;
    const battery = this.#battery;
    const grid = this.grid(now);
    const availableW = Math.min(this.#spec.pvRatedW, this.#pv(now));
    const pv = this.controls.pv(now, availableW, grid);
    const pvW = Math.min(availableW, Math.max(0, pv.activeW));
    const loadW = this.#load(now);
    const storage = this.controls.battery(now, batteryRange(this.#spec.battery, state.storedJ), grid);
    batterySecond(this.#spec.battery, state.storedJ, storage.activeW, battery);
    this.#reactiveVar = pv.reactiveVar + storage.reactiveVar;
    const gridW = loadW - pvW - battery.acW;
    state.time = now;
    state.pvW = pvW;
    state.loadW = loadW;
    state.batteryW = battery.acW;
    state.gridW = gridW;
    state.generationJ += pvW;
    state.consumptionJ += loadW;
    if (gridW >= 0) state.importJ += gridW;
    else state.exportJ -= gridW;
    if (battery.acW >= 0) state.acDischargeJ += battery.acW;
    else state.acChargeJ -= battery.acW;
    state.dcChargeJ += battery.dcChargeJ;
    state.dcDischargeJ += battery.dcDischargeJ;
    state.lossJ += battery.lossJ;
    state.storedJ += battery.dcChargeJ - battery.dcDischargeJ;
  }
}

const newState = (spec: Pick<SiteSpec, 'battery'>): SiteState => ({
  time: null,
  pvW: 0,
  loadW: 0,
  batteryW: 0,
  gridW: 0,
  storedJ: Math.floor(capacityJ(spec.battery) / 2),
  generationJ: 0,
  consumptionJ: 0,
  importJ: 0,
  exportJ: 0,
  acChargeJ: 0,
  acDischargeJ: 0,
  dcChargeJ: 0,
  dcDischargeJ: 0,
  lossJ: 0,
});

/** The state of a site that never ran, its battery so full; percent, 0 to 100. */
export const siteStateAt = (spec: Pick<SiteSpec, 'battery'>, chargePercent: number): SiteState => ({
  ...newState(spec),
  storedJ: Math.round((capacityJ(spec.battery) * chargePercent) / 100),
});

function restoredState(spec: SiteSpec, saved: SiteState): SiteState {
  const state = newState(spec);
  for (const key of Object.keys(state) as (keyof SiteState)[]) {
    const value: unknown = saved[key];
    const isTime = key === 'time' && value === null;
    const isSigned = key === 'gridW' || key === 'batteryW';
    if (!isTime && !(Number.isSafeInteger(value) && (isSigned || (value as number) >= 0))) {
      throw new GridError('GTX-SIT-001', `The saved state of ${spec.meterId} has no valid ${key}`, {
        hint: 'The file was changed or cut short; restore it from a backup or start with an empty data folder.',
      });
    }
    state[key] = value as number;
  }
  // A smaller battery in the board file is a battery exchanged: the new one starts full at most.
  state.storedJ = Math.min(state.storedJ, capacityJ(spec.battery));
  return state;
}
