import type { Battery, PvInverter } from '#drivers/capabilities.ts';
import type { DerMode, DerRatings, GridSupport } from '#drivers/grid-support.ts';
import type { BoardFile, DeviceEntry } from '../board-file.ts';
import type { BoardDevices } from '../sampler.ts';

/** A device's ratings, W, and what it can do for the grid. */
export interface ControlledDevice {
  readonly ratedW: number;
  readonly ratings: DerRatings;
  readonly modes: ReadonlySet<DerMode>;
}

export interface ControlledBattery extends ControlledDevice {
  readonly maxChargeW: number;
  readonly maxDischargeW: number;
  readonly capacityWh: number;
  readonly reserveCentiPercent: number;
  /** The import that is not to be exceeded, W, and the charge that is kept for that; left out where it is not asked for. */
  readonly peakShaving?: { readonly aboveW: number; readonly keepCentiPercent: number } | undefined;
}

/** What the board controls. */
export interface Plant {
  readonly inverter: ControlledDevice | undefined;
  readonly battery: ControlledBattery | undefined;
}

/** A device that has not been found yet: what the board file says of it, and no function that it could be told. */
const unfound = (ratedW: number): ControlledDevice => ({
  ratedW,
  ratings: { maxW: ratedW, maxVA: ratedW, maxVarInject: 0, maxVarAbsorb: 0, nominalV: undefined },
  modes: new Set(),
});

const found = (device: GridSupport, ratedW: number): ControlledDevice => ({
  ratedW,
  ratings: device.ratings(),
  modes: new Set(device.modes().keys()),
});

/**
 * Of the board file's ratings and the devices' own, the smaller count.
 * @param isStarted whether a device has been found: before, nobody knows what it can
 */
export function plantOf(
  file: BoardFile,
  { inverter, battery }: BoardDevices,
  isStarted: (role: 'inverter' | 'battery') => boolean = () => true,
): Plant {
  const { inverter: pvSpec, battery: batterySpec } = file.devices;
  return {
    inverter: inverter && pvPlant(inverter, pvSpec?.ratedW ?? Infinity, isStarted('inverter')),
    battery: battery && batterySpec && storagePlant(battery, batterySpec, isStarted('battery')),
  };
}

function pvPlant(inverter: PvInverter, ratedW: number, isStarted: boolean): ControlledDevice {
  return isStarted ? found(inverter, Math.min(ratedW, inverter.nameplate().ratedW)) : unfound(ratedW);
}

function storagePlant(
  battery: Battery,
  { ratedW, capacityWh, reservePercent, peakShaving }: DeviceEntry<'battery'>,
  isStarted: boolean,
): ControlledBattery {
  const plate = isStarted ? battery.nameplate() : { maxChargeW: ratedW, maxDischargeW: ratedW };
  return {
    ...(isStarted ? found(battery, ratedW) : unfound(ratedW)),
    maxChargeW: Math.min(ratedW, plate.maxChargeW),
    maxDischargeW: Math.min(ratedW, plate.maxDischargeW),
    capacityWh,
    reserveCentiPercent: reservePercent * 100,
    peakShaving: peakShaving && {
      aboveW: peakShaving.aboveW,
      keepCentiPercent: peakShaving.keepPercent * 100,
    },
  };
}

/** The greatest active power of all DERs together, W: what the board tells as setMaxW. */
export const plantMaxW = ({ inverter, battery }: Plant): number =>
  (inverter?.ratedW ?? 0) + (battery?.maxDischargeW ?? 0);

/** The greatest that they can draw together, W: setMaxChargeRateW. */
export const plantChargeW = ({ battery }: Plant): number => battery?.maxChargeW ?? 0;
