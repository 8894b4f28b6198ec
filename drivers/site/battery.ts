/**
 * One second of a battery and its converter in integer joules, so that AC, DC, losses and the stored energy
 * balance exactly: `AC out = DC out − loss`, `AC in = DC in + loss`, `stored' = stored + DC in − DC out`.
 */
export interface BatterySpec {
  readonly capacityWh: number;
  /** The converter's AC rating in both directions, W. */
  readonly ratedW: number;
}

/** The flows of one second; integers of at least 0 but for `acW`. */
export interface BatterySecond {
  /** AC power, W, and so joules in this second; positive is discharge. */
  acW: number;
  /** Into the cells. */
  dcChargeJ: number;
  /** Out of the cells. */
  dcDischargeJ: number;
  lossJ: number;
}

/** Energy that passes the converter, per mille, each way. */
const efficiencyPerMille = 960;
/** Cells are kept off their lowest charge, percent of the capacity; a full charge is allowed. */
const lowestPercent = 5;

/** What a battery can do at its terminals in one second, W; `minW` is its greatest charge, 0 and down. */
export interface BatteryRange {
  readonly minW: number;
  readonly maxW: number;
}

export const capacityJ = (spec: BatterySpec): number => spec.capacityWh * 3600;

const dischargeableJ = (spec: BatterySpec, storedJ: number): number =>
  Math.floor((Math.max(0, storedJ - Math.ceil((capacityJ(spec) * lowestPercent) / 100)) * efficiencyPerMille) / 1000);

const chargeableJ = (spec: BatterySpec, storedJ: number): number =>
  Math.floor((Math.max(0, capacityJ(spec) - storedJ) * 1000) / efficiencyPerMille);

/** What rating and cells allow when the battery holds `storedJ`. */
export const batteryRange = (spec: BatterySpec, storedJ: number): BatteryRange => ({
  minW: 0 - Math.min(spec.ratedW, chargeableJ(spec, storedJ)),
  maxW: Math.min(spec.ratedW, dischargeableJ(spec, storedJ)),
});

/**
 * What the battery does for one second when it holds `storedJ` and is told `setpointW` (positive is discharge):
 * the setpoint limited by the rating and by the cells. Standby takes nothing. Rounding goes to the losses.
 * Writes its answer into `out`, because it is called 86,400 times a day for each building.
 */
export function batterySecond(spec: BatterySpec, storedJ: number, setpointW: number, out: BatterySecond): void {
  const wanted = Math.trunc(Math.min(spec.ratedW, Math.max(-spec.ratedW, setpointW)));
  out.acW = 0;
  out.dcChargeJ = 0;
  out.dcDischargeJ = 0;
  out.lossJ = 0;
  if (wanted > 0) {
    const acJ = Math.min(wanted, dischargeableJ(spec, storedJ));
    const dcJ = Math.ceil((acJ * 1000) / efficiencyPerMille);
    out.acW = acJ;
    out.dcDischargeJ = dcJ;
    out.lossJ = dcJ - acJ;
  } else if (wanted < 0) {
    const acJ = Math.min(-wanted, chargeableJ(spec, storedJ));
    const dcJ = Math.floor((acJ * efficiencyPerMille) / 1000);
    out.acW = acJ === 0 ? 0 : -acJ;
    out.dcChargeJ = dcJ;
    out.lossJ = acJ - dcJ;
  }
}
