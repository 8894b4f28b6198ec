import { UnixSeconds, W, Wh } from '#hal/units.ts';
import type { GridReading } from '#drivers/grid-support.ts';
import type { DerState } from './der-documents.ts';
import type { Plant } from './plant.ts';

const ratingsOf = (w: number) => ({
  maxW: w,
  maxVA: 1.1 * w,
  maxVarInject: 0.44 * w,
  maxVarAbsorb: 0.44 * w,
  nominalV: 400,
});
const inverter: Plant['inverter'] = {
  ratedW: 100_000,
  ratings: ratingsOf(100_000),
  modes: new Set(['limitW', 'voltVar']),
};
const battery: Plant['battery'] = {
  ratedW: 5_000,
  ratings: ratingsOf(5_000),
  modes: new Set(['targetW', 'fixedVar']),
  maxChargeW: 4_000,
  maxDischargeW: 5_000,
  capacityWh: 80_000,
  reserveCentiPercent: 1_000,
};
export const both: Plant = { inverter, battery };
export const pvOnly: Plant = { inverter, battery: undefined };
export const storageOnly: Plant = { inverter: undefined, battery };

export const reading: GridReading = {
  powerW: W(0),
  reactiveVar: 0,
  apparentVA: 0,
  voltageV: 230,
  voltagePercent: 100,
  frequencyHz: 60,
  operation: 'running',
  isConnected: true,
  alarms: new Set(),
};
export const cells = (charge: number, w: number): DerState['battery'] => ({
  powerW: W(w),
  stateOfChargeCentiPercent: charge,
  acChargeWh: Wh(0),
  acDischargeWh: Wh(0),
  dcChargeWh: Wh(0),
  dcDischargeWh: Wh(0),
});
export const state: DerState = {
  at: UnixSeconds(1_800_000_000),
  plant: both,
  settings: {},
  service: 'in',
  mayConnect: true,
  grid: { inverter: reading, battery: reading },
  battery: cells(5_000, -2_000),
  outputW: 0,
};
