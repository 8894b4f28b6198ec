import type { UnixSeconds } from '#hal/units.ts';
import { type DerAlarm, type DerOperation, derOperations, type GridReading } from '#drivers/grid-support.ts';
import { activePower } from '#ieee2030_5/active-power.ts';
import { bitmap } from '#ieee2030_5/bitmap.ts';
import {
  AlarmStatus,
  ConnectStatus,
  DERControlMode,
  DERType,
  DOEControlMode,
  OperationalModeStatus,
  StorageModeStatus,
  VPPControlMode,
} from '#ieee2030_5/enumerations-der.ts';
import type { DERModes } from '#ieee2030_5/events/modes.ts';
import type { Settings } from '#ieee2030_5/events/schedule.ts';
import type {
  ConnectStatusType,
  DERAvailability,
  DERCapability,
  DERSettings,
  DERStatus,
  PowerFactor,
} from '#ieee2030_5/types.generated.ts';
import type { BatteryReading } from '#drivers/capabilities.ts';
import type { Service } from './limits.ts';
import { type Plant, plantChargeW, plantMaxW } from './plant.ts';
import { supportedModes } from './supported-modes.ts';

/** What the DER documents are made of: PV and storage behind one connection point are told of as one DER. */
export interface DerState {
  /** Server time. */
  readonly at: UnixSeconds;
  readonly plant: Plant;
  readonly settings: Settings<DERModes>;
  readonly service: Service;
  /** opModConnect does not say otherwise. */
  readonly mayConnect: boolean;
  readonly grid: { readonly inverter: GridReading | undefined; readonly battery: GridReading | undefined };
  readonly battery: BatteryReading | undefined;
  /** Of all DERs together. */
  readonly outputW: number;
}

function bits(octets: number, table: Readonly<Record<string, number>>, names: ReadonlySet<string>): Uint8Array {
  const set: number[] = [];
  for (const name of names) {
    const bit = table[name];
    if (bit !== undefined) set.push(bit);
  }
  return bitmap(octets, set);
}

/** The modes of 2030.5 that are told of, with the two that are storage's own. */
const toldModes = (plant: Plant): ReadonlySet<string> =>
  new Set([...supportedModes(plant), ...(plant.battery === undefined ? [] : ['charge', 'discharge'])]);

/** W, VA, var and Wh all come as an integer with a power of ten; what fits an Int16 fits a UInt16. */
const quantity = activePower;

interface Sums {
  readonly maxVA: number;
  readonly maxVar: number;
  readonly maxVarNeg: number;
}

function sums({ inverter, battery }: Plant): Sums {
  const devices = [inverter, battery].flatMap((each) => (each === undefined ? [] : [each.ratings]));
  const sum = (of: 'maxVA' | 'maxVarInject' | 'maxVarAbsorb'): number =>
    devices.reduce((total, ratings) => total + ratings[of], 0);
  return { maxVA: sum('maxVA'), maxVar: sum('maxVarInject'), maxVarNeg: sum('maxVarAbsorb') };
}

/** The least power factor at full apparent power, hundredths. */
const leastPowerFactor = (reactive: number, maxVA: number): PowerFactor => ({
  displacement: maxVA === 0 ? 100 : Math.ceil(100 * Math.sqrt(Math.max(0, 1 - (reactive / maxVA) ** 2))),
  multiplier: -2,
});

const typeOf = ({ inverter, battery }: Plant): DERType => {
  if (inverter === undefined) return battery === undefined ? DERType.notApplicable : DERType.otherStorage;
  return battery === undefined ? DERType.photovoltaic : DERType.combinedPVAndStorage;
};

/** IEEE 2030.5-2018 §10.10.4.4, CSIP-AUS doeModesSupported and vppModesSupported. Ratings are sums of the devices'. */
export function capabilityOf(plant: Plant): DERCapability {
  const modes = toldModes(plant);
  const { maxVA, maxVar, maxVarNeg } = sums(plant);
  const { battery } = plant;
  return {
    type: typeOf(plant),
    modesSupported: bits(4, DERControlMode, modes),
    rtgMaxW: quantity(plantMaxW(plant)),
    rtgMaxVA: quantity(maxVA),
    rtgMaxVar: quantity(maxVar),
    rtgMaxVarNeg: quantity(0 - maxVarNeg),
    rtgMinPFOverExcited: leastPowerFactor(maxVar, maxVA),
    rtgMinPFUnderExcited: leastPowerFactor(maxVarNeg, maxVA),
    ...(battery !== undefined && {
      rtgMaxChargeRateW: quantity(battery.maxChargeW),
      rtgMaxDischargeRateW: quantity(battery.maxDischargeW),
      rtgMaxWh: quantity(battery.capacityWh),
    }),
    doeModesSupported: bits(1, DOEControlMode, modes),
    vppModesSupported: bits(1, VPPControlMode, modes),
  };
}

/**
 * setGradW and setES… as the default control in force has them; 0 is no limit of the rate. All else is set as it is
 * `rated`.
 */
export function settingsOf({ at, plant, settings }: DerState, rated = capabilityOf(plant)): DERSettings {
  const { battery } = plant;
  const asked = Object.fromEntries(
    Object.entries(settings).flatMap(([mode, setting]) => (mode.startsWith('set') ? [[mode, setting.value]] : [])),
  ) as Partial<DERSettings>;
  return {
    setGradW: 0,
    ...asked,
    modesEnabled: rated.modesSupported,
    setMaxW: rated.rtgMaxW,
    setMaxVA: rated.rtgMaxVA,
    setMaxVar: rated.rtgMaxVar,
    setMaxVarNeg: rated.rtgMaxVarNeg,
    setMinPFOverExcited: rated.rtgMinPFOverExcited,
    setMinPFUnderExcited: rated.rtgMinPFUnderExcited,
    ...(battery !== undefined && {
      setMaxChargeRateW: rated.rtgMaxChargeRateW,
      setMaxDischargeRateW: rated.rtgMaxDischargeRateW,
      setMaxWh: rated.rtgMaxWh,
      setMinWh: quantity(Math.round((battery.capacityWh * battery.reserveCentiPercent) / 10_000)),
    }),
    updatedTime: BigInt(at),
    doeModesEnabled: rated.doeModesSupported,
    vppModesEnabled: rated.vppModesSupported,
  };
}

export type AlarmName = keyof typeof AlarmStatus;

const alarmBits: { readonly [Alarm in DerAlarm]?: AlarmName } = {
  acOverVoltage: 'overVoltage',
  acUnderVoltage: 'underVoltage',
  overFrequency: 'overFrequency',
  underFrequency: 'underFrequency',
  manualShutdown: 'emergencyLocal',
};

/** The alarms that hold, of all devices together. */
export function alarmsOf({ grid }: Pick<DerState, 'grid'>): ReadonlySet<AlarmName> {
  const names = new Set<AlarmName>();
  for (const reading of [grid.inverter, grid.battery]) {
    for (const alarm of reading?.alarms ?? []) {
      const name = alarmBits[alarm];
      if (name !== undefined) names.add(name);
    }
  }
  return names;
}

/** Device states in which nothing can flow: it is off, or it has no source. Storage that stands by could give or take. */
const asleep: readonly (DerOperation | undefined)[] = ['off', 'shuttingDown', 'fault', 'sleeping'];

/** Connected: galvanically. Available: it answers. Operating: it gives or takes power, or could at once. */
function connectionOf({ service, mayConnect }: DerState, reading: GridReading | undefined): ReadonlySet<string> {
  const isEnergized = reading?.isConnected !== false && !asleep.includes(reading?.operation);
  // A device that only ceased to energize, because it was told so, is still connected.
  const isCeased = service === 'out' && mayConnect;
  const set = new Set<string>();
  if (reading !== undefined && mayConnect && (reading.isConnected !== false || isCeased)) set.add('connected');
  if (set.has('connected') && reading?.operation !== 'fault') set.add('available');
  if (set.has('connected') && isEnergized && service !== 'out') set.add('operating');
  if (reading === undefined || reading.operation === 'fault') set.add('fault');
  return set;
}

/** Of several devices together: what one of them is. */
function connectionOfAll(state: DerState, readings: readonly (GridReading | undefined)[]): ReadonlySet<string> {
  const set = new Set<string>();
  for (const reading of readings) for (const name of connectionOf(state, reading)) set.add(name);
  return set;
}

const connectStatus = ({ at }: DerState, names: ReadonlySet<string>): ConnectStatusType => ({
  dateTime: BigInt(at),
  value: bits(1, ConnectStatus, names),
});

/** Storage within this share of its rating rests. */
const restShare = 0.01;

export function statusOf(state: DerState): DERStatus {
  const { at, plant, grid, battery, settings } = state;
  const dateTime = BigInt(at);
  const main = plant.inverter === undefined ? grid.battery : grid.inverter;
  const devices = (['inverter', 'battery'] as const).filter((name) => plant[name] !== undefined);
  const connection = connectionOfAll(
    state,
    devices.map((name) => grid[name]),
  );
  const powerW = battery?.powerW ?? 0;
  const isResting = Math.abs(powerW) <= restShare * (plant.battery?.ratedW ?? 0);
  const direction = powerW < 0 ? StorageModeStatus.charging : StorageModeStatus.discharging;
  return {
    readingTime: dateTime,
    alarmStatus: bits(4, AlarmStatus, alarmsOf(state)),
    // Storage generates as well, when it discharges: this is of all DERs that are told of as one (CSIP-AUS MUL-01).
    genConnectStatus: connectStatus(state, connection),
    ...(main?.operation !== undefined && {
      inverterStatus: { dateTime, value: derOperations.indexOf(main.operation) + 1 },
    }),
    localControlModeStatus: { dateTime, value: Object.keys(settings).length > 0 ? 1 : 0 },
    operationalModeStatus: {
      dateTime,
      value: connection.has('operating') ? OperationalModeStatus.operational : OperationalModeStatus.off,
    },
    ...(plant.battery !== undefined && {
      storConnectStatus: connectStatus(state, connectionOf(state, grid.battery)),
      storageModeStatus: { dateTime, value: isResting ? StorageModeStatus.holding : direction },
    }),
    ...(battery !== undefined && {
      stateOfChargeStatus: { dateTime, value: battery.stateOfChargeCentiPercent },
    }),
  };
}

const secondsOf = (energyWh: number, w: number): number => (w > 0 ? Math.floor((3_600 * energyWh) / w) : 0);

/** What is left to give and to take: of storage what is above its reserve and below full; of PV, nobody knows. */
export function availabilityOf({ at, plant, battery, outputW }: DerState): DERAvailability {
  const spec = plant.battery;
  const { maxVar, maxVarNeg } = sums(plant);
  const setMaxW = plantMaxW(plant);
  if (spec === undefined || battery === undefined) {
    return { readingTime: BigInt(at), statVarAvail: quantity(Math.min(maxVar, maxVarNeg)) };
  }
  const charge = battery.stateOfChargeCentiPercent;
  const wh = (centiPercent: number): number => (Math.max(0, centiPercent) * spec.capacityWh) / 10_000;
  const [givenWh, roomWh] = [wh(charge - spec.reserveCentiPercent), wh(10_000 - charge)];
  const spareW = givenWh > 0 ? Math.max(0, Math.min(spec.maxDischargeW - battery.powerW, setMaxW - outputW)) : 0;
  const chargeW = roomWh > 0 ? Math.max(0, spec.maxChargeW + battery.powerW) : 0;
  return {
    readingTime: BigInt(at),
    availabilityDuration: secondsOf(givenWh, spareW + Math.max(0, battery.powerW)),
    maxChargeDuration: secondsOf(roomWh, chargeW + Math.max(0, 0 - battery.powerW)),
    reservePercent: setMaxW === 0 ? 0 : Math.round((10_000 * spareW) / setMaxW),
    reserveChargePercent: plantChargeW(plant) === 0 ? 0 : Math.round((10_000 * chargeW) / plantChargeW(plant)),
    statVarAvail: quantity(Math.min(maxVar, maxVarNeg)),
    statWAvail: quantity(spareW),
  };
}
