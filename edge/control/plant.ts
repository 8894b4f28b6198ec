import type { DerMode, DerRatings } from '#drivers/grid-support.ts';
import type { BoardFile } from '../board-file.ts';
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
}

/** What the board controls. */
export interface Plant {
  readonly inverter: ControlledDevice | undefined;
  readonly battery: ControlledBattery | undefined;
}

/** Of the board file's ratings and the devices' own, the smaller count. */
export function plantOf(file: BoardFile, { inverter, battery }: BoardDevices): Plant {
  const { inverter: pvSpec, battery: batterySpec } = file.devices;
  return {
    inverter:
      inverter === undefined
        ? undefined
        : {
            ratedW: Math.min(pvSpec?.ratedW ?? Infinity, inverter.nameplate().ratedW),
            ratings: inverter.ratings(),
            modes: new Set(inverter.modes().keys()),
          },
    battery:
      battery === undefined || batterySpec === undefined
        ? undefined
        : {
            ratedW: batterySpec.ratedW,
            ratings: battery.ratings(),
            modes: new Set(battery.modes().keys()),
            maxChargeW: Math.min(batterySpec.ratedW, battery.nameplate().maxChargeW),
            maxDischargeW: Math.min(batterySpec.ratedW, battery.nameplate().maxDischargeW),
            capacityWh: batterySpec.capacityWh,
            reserveCentiPercent: batterySpec.reservePercent * 100,
          },
  };
}

/** The greatest active power of all DERs together, W: what the board tells as setMaxW. */
export const plantMaxW = ({ inverter, battery }: Plant): number =>
  (inverter?.ratedW ?? 0) + (battery?.maxDischargeW ?? 0);

/** The greatest that they can draw together, W: setMaxChargeRateW. */
export const plantChargeW = ({ battery }: Plant): number => battery?.maxChargeW ?? 0;
