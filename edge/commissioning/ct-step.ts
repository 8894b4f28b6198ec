import { GridError } from '#hal/errors.ts';
import { W } from '#hal/units.ts';
import type { Battery, BatteryReading, PvInverter } from '#drivers/capabilities.ts';

/** What a step is made of: who makes it, and what it is told at the upper level; at the lower one it rests or is free. */
export interface StepPlan {
  readonly by: 'battery' | 'inverter';
  /** W: what the battery gives (positive discharges), or what the inverter is held to. */
  readonly w: number;
  /** By how much the site changes, W. */
  readonly heightW: number;
}

export interface StepGround {
  readonly exportLimitW: number;
  readonly battery:
    | { readonly ratedW: number; readonly reading: BatteryReading; readonly reservePercent: number }
    | undefined;
  readonly inverter: { readonly ratedW: number; readonly powerW: number } | undefined;
}

/** Shares of ratings: how high a step is, and how low at least; W at least. */
const [highShare, leastShare, leastW] = [0.5, 0.05, 300] as const;
/** What an inverter is held to in a step, share of what it gives. */
const heldShare = 0.3;
const fullCentiPercent = 9500;

/**
 * The step that a site can make without exceeding what its connection may export, however little the building draws,
 * and without drawing more than its own sun gives: the clamps are not trusted yet. Throws GTX-CTC-002 where there is none.
 */
export function planStep({ exportLimitW, battery, inverter }: StepGround): StepPlan {
  const pvW = inverter?.powerW ?? 0;
  const plans: StepPlan[] = [];
  if (battery !== undefined) {
    const { ratedW, reading, reservePercent } = battery;
    const charge = reading.stateOfChargeCentiPercent;
    const most = Math.floor(highShare * ratedW);
    const dischargeW = charge > 100 * reservePercent ? Math.min(most, exportLimitW - pvW) : 0;
    const chargeW = charge < fullCentiPercent ? Math.min(most, Math.floor(pvW)) : 0;
    const least = Math.max(leastW, leastShare * ratedW);
    if (dischargeW >= least) plans.push({ by: 'battery', w: dischargeW, heightW: dischargeW });
    if (chargeW >= least) plans.push({ by: 'battery', w: 0 - chargeW, heightW: chargeW });
  }
  if (inverter !== undefined) {
    const heldW = Math.floor(heldShare * pvW);
    if (pvW - heldW >= Math.max(leastW, leastShare * inverter.ratedW))
      plans.push({ by: 'inverter', w: heldW, heightW: pvW - heldW });
  }
  const [best] = plans.toSorted((a, b) => b.heightW - a.heightW);
  if (best !== undefined) return best;
  throw new GridError('GTX-CTC-002', 'Neither the battery nor the inverter can make a step now', {
    hint: 'Try it by day, or with a battery between reserve and full; without --step the check only watches.',
  });
}

/** A device goes back by itself when the check dies. */
const revertSeconds = 60;
/** Told again before that. */
export const refreshSeconds = 20;

/** Takes a level of a step; again before the device reverts. Rejects as the device does. */
export async function takeLevel(
  { by, w }: StepPlan,
  isHigh: boolean,
  { inverter, battery }: { readonly inverter: PvInverter | undefined; readonly battery: Battery | undefined },
): Promise<void> {
  if (by === 'battery') await battery?.setPower(W(isHigh ? w : 0), revertSeconds);
  else await inverter?.limitPower(isHigh ? W(w) : null, revertSeconds);
}

/** Gives the device back. */
export async function endStep(
  { by }: StepPlan,
  { inverter, battery }: { readonly inverter: PvInverter | undefined; readonly battery: Battery | undefined },
): Promise<void> {
  if (by === 'battery') await battery?.setMode('targetW', null, { revertSeconds });
  else await inverter?.limitPower(null, revertSeconds);
}
