import type { UnixSeconds } from '#hal/units.ts';

/** What a building is by what stands in it. */
export type MeterType = 'Consumer' | 'Prosumer' | 'Hybrid' | 'Battery Storage';

/** Generation without storage makes a prosumer, with it a hybrid. */
export function meterTypeOf(devices: { readonly inverter?: unknown; readonly battery?: unknown }): MeterType {
  if (devices.battery !== undefined) return devices.inverter === undefined ? 'Battery Storage' : 'Hybrid';
  return devices.inverter === undefined ? 'Consumer' : 'Prosumer';
}

/** What a building is to the market at the moment. */
export type MarketRole = 'buyer' | 'seller';

/** The role, and since when what the building wants speaks for the other. */
export interface RoleState {
  readonly role: MarketRole;
  readonly since: UnixSeconds;
  readonly otherSince: UnixSeconds | undefined;
}

export interface RoleBand {
  /** W that what is wanted must exceed on the other side before the role changes; 0 and up. */
  readonly thresholdW: number;
  /** And for how long, seconds. */
  readonly dwellSeconds: number;
}

/** A consumer never sells, whatever a clamp says; the others may do both. */
const mayBe = (type: MeterType, role: MarketRole): boolean => role === 'buyer' || type !== 'Consumer';

/** A hundredth of what the building can move, and no less than a kettle makes uncertain. */
export const roleBandOf = (ratedW: number): RoleBand => ({
  thresholdW: Math.max(100, Math.round(ratedW / 100)),
  dwellSeconds: 60,
});

/**
 * The role after what is wanted at this time: W, a need is positive, a surplus negative. The first is taken as it
 * comes; another needs a clear majority for some time, so that a cloud does not make a building change sides.
 */
export function roleAfter(
  before: RoleState | undefined,
  wantedW: number,
  now: UnixSeconds,
  type: MeterType,
  { thresholdW, dwellSeconds }: RoleBand,
): RoleState {
  const wanted: MarketRole = wantedW < 0 && mayBe(type, 'seller') ? 'seller' : 'buyer';
  if (before === undefined) return { role: wanted, since: now, otherSince: undefined };
  const isClear = wanted !== before.role && Math.abs(wantedW) > thresholdW;
  if (!isClear) return before.otherSince === undefined ? before : { ...before, otherSince: undefined };
  // A clock that was set back begins the time anew.
  const since = before.otherSince === undefined || before.otherSince > now ? now : before.otherSince;
  if (now - since >= dwellSeconds) return { role: wanted, since: now, otherSince: undefined };
  return since === before.otherSince ? before : { ...before, otherSince: since };
}

/** What of a wanted energy a role offers: a need is positive, a surplus negative. */
export const offeredBy = (role: MarketRole, wanted: number): number =>
  role === 'buyer' ? Math.max(0, wanted) : Math.min(0, wanted);
