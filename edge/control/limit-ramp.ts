import type { UnixSeconds } from '#hal/units.ts';
import { type RampRates, rampedLimit } from '#ieee2030_5/events/ramp.ts';

/** A power on its way from one value to the next; W. A limit of `Infinity` is none. */
export interface Ramp {
  readonly goalW: number;
  readonly fromW: number;
  readonly since: UnixSeconds;
  readonly rates: RampRates;
}

export interface RampChange {
  readonly now: UnixSeconds;
  readonly goalW: number;
  /** What the power is now; `undefined` where it is not seen. */
  readonly measuredW: number | undefined;
  readonly rates: RampRates;
}

/** What holds at an instant. A limit beyond `ceilingW` limits nothing, so a ramp goes no further. */
export function rampedAt({ goalW, fromW, since, rates }: Ramp, now: UnixSeconds, ceilingW = Infinity): number {
  const toW = Math.min(goalW, ceilingW);
  const w = rampedLimit(fromW, toW, since, now, rates);
  return w === toW ? goalW : w;
}

/**
 * A limit with a new goal, or as it was with the same one. It starts from what holds, so that adjacent events join
 * without a dip; a tighter limit starts from the measured power, because what is above that limits nothing, and where
 * that is not seen it holds at once. So does the first limit of all: nobody knows how long it has been in force.
 */
export function limitTo(ramp: Ramp | undefined, change: RampChange, ceilingW: number): Ramp {
  const { now, goalW, measuredW = -Infinity, rates } = change;
  if (ramp?.goalW === goalW) return ramp;
  if (ramp === undefined) return { goalW, fromW: Math.min(goalW, ceilingW), since: now, rates };
  const holdsW = Math.min(rampedAt(ramp, now, ceilingW), ceilingW);
  const fromW = goalW < holdsW ? Math.min(holdsW, Math.max(goalW, measuredW)) : holdsW;
  return { goalW, fromW, since: now, rates };
}

/** A target with a new goal: from the one before, else from the measured power. */
export function targetTo(ramp: Ramp | undefined, { now, goalW, measuredW = goalW, rates }: RampChange): Ramp {
  if (ramp?.goalW === goalW) return ramp;
  return { goalW, fromW: ramp === undefined ? measuredW : rampedAt(ramp, now), since: now, rates };
}
