import type { UnixSeconds } from '#hal/units.ts';
import { rampedLimit, type RampRates } from '#ieee2030_5/events/ramp.ts';

/** Something is not seen; all is seen again, and what is given rises slowly; or that is over. */
export type Recovery =
  | 'blind'
  | { readonly since: UnixSeconds; readonly pvW: number; readonly storageW: number }
  | 'over';

/** Where the utility says nothing of ramps: hundredths of a percent of the rating a second. */
const ownSoftGradW = 100;

export interface Recovering {
  readonly now: UnixSeconds;
  readonly isBlind: boolean;
  /** What PV and storage give, W; positive storage discharges. */
  readonly pvW: number;
  readonly storageW: number;
  readonly rates: RampRates;
}

const withOwn = (rates: RampRates): RampRates => ({
  ...rates,
  setSoftGradW: rates.setSoftGradW ?? rates.setGradW ?? ownSoftGradW,
  softStart: true,
});

/** How far a site is on its way back from a fault. */
export function recoveryAt(before: Recovery, { now, isBlind, pvW, storageW, rates }: Recovering): Recovery {
  if (isBlind) return 'blind';
  if (before === 'blind') return { since: now, pvW: Math.max(0, pvW), storageW: Math.max(0, storageW) };
  if (before === 'over') return before;
  return riseW(before.since, now, rates) >= rates.setMaxW ? 'over' : before;
}

/** What PV and storage may give on the way, W; `undefined` where nothing holds them. */
export function recoveryLimits(
  recovery: Recovery,
  now: UnixSeconds,
  rates: RampRates,
): { readonly pvW: number; readonly storageW: number } | undefined {
  if (typeof recovery !== 'object') return undefined;
  const rise = riseW(recovery.since, now, rates);
  return { pvW: recovery.pvW + rise, storageW: recovery.storageW + rise };
}

const riseW = (since: UnixSeconds, now: UnixSeconds, rates: RampRates): number =>
  rampedLimit(0, rates.setMaxW, since, now, withOwn(rates));
