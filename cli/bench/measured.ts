import type { Site, SiteState } from '#drivers/site/site.ts';
import type { BoardDevices, GridReadings, SiteSample } from '#edge/sampler.ts';
import { type BenchCase, isTwinned } from './case.ts';
import type { Measured } from './quantities.ts';

/** Energies of which a plan sees what was added since it began. */
export interface Counters {
  readonly importWh: number;
  readonly exportWh: number;
  readonly chargeWh: number | undefined;
  readonly dischargeWh: number | undefined;
  /** What the physics remember; `undefined` where nothing is emulated. */
  readonly site: SiteState | undefined;
}

const percent = (part: number, whole: number): number | undefined => (whole > 0 ? (100 * part) / whole : undefined);
const since = (now: number | undefined, first: number | undefined): number => (now ?? 0) - (first ?? 0);

export interface ReadInput {
  readonly sample: SiteSample;
  readonly grid: GridReadings | undefined;
  readonly counters: Counters;
  readonly first: Counters;
  readonly devices: Pick<BoardDevices, 'inverter' | 'battery'>;
}

/** What the drivers of a board read. */
export function readOf({ sample, grid, counters, first, devices }: ReadInput): Measured {
  const { gridW, loadW, voltageV, inverter, battery } = sample;
  const isDark =
    (devices.inverter !== undefined && inverter === undefined) ||
    (devices.battery !== undefined && battery === undefined);
  const seen = grid?.inverter;
  const answers = [
    gridW,
    ...(devices.inverter === undefined ? [] : [inverter]),
    ...(devices.battery === undefined ? [] : [battery]),
  ];
  return {
    gridPower: gridW,
    loadPower: loadW,
    pvPower: inverter?.powerW,
    batteryPower: battery?.powerW,
    generation: isDark ? undefined : (inverter?.powerW ?? 0) + Math.max(0, battery?.powerW ?? 0),
    reactivePower: seen?.reactiveVar,
    gridImport: counters.importWh - first.importWh,
    gridExport: counters.exportWh - first.exportWh,
    charge: battery && battery.stateOfChargeCentiPercent / 100,
    roundTrip: percent(since(counters.dischargeWh, first.dischargeWh), since(counters.chargeWh, first.chargeWh)),
    voltage: voltageV,
    frequency: seen?.frequencyHz,
    connected: seen?.isConnected === undefined ? undefined : Number(seen.isConnected),
    silent: answers.filter((answer) => answer === undefined).length,
  };
}

const joulesAWh = 3600;

/** What truly flows, as far as a twin knows it. */
export function actualOf(bench: BenchCase, site: Site | undefined, first: Counters): Measured {
  if (site === undefined) return {};
  const { state } = site;
  const before = first.site;
  const wh = (key: 'importJ' | 'exportJ' | 'acChargeJ' | 'acDischargeJ'): number =>
    (state[key] - (before?.[key] ?? 0)) / joulesAWh;
  const { frequencyHz } = site.grid(state.time ?? 0);
  const [hasPv, hasBattery] = [isTwinned(bench, 'inverter'), isTwinned(bench, 'battery')];
  return {
    ...(isTwinned(bench, 'clamps') && {
      gridPower: state.gridW,
      loadPower: state.loadW,
      gridImport: wh('importJ'),
      gridExport: wh('exportJ'),
      voltage: site.voltsRms(state.time ?? 0),
      frequency: frequencyHz,
    }),
    ...(hasPv && { pvPower: state.pvW }),
    ...(hasBattery && {
      batteryPower: state.batteryW,
      charge: site.stateOfChargeCentiPercent / 100,
      roundTrip: percent(wh('acDischargeJ'), wh('acChargeJ')),
    }),
    ...((hasPv || hasBattery) && { generation: state.pvW + Math.max(0, state.batteryW) }),
  };
}
