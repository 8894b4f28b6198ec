/** What bounds the speed of a change. Rates as DefaultDERControl and DERSettings carry them. */
export interface RampRates {
  /** Nameplate or set capacity that the rates refer to, watts. */
  readonly setMaxW: number;
  /** Hundredths of a percent of setMaxW a second, 0 or absent: no limit. */
  readonly setGradW?: number | undefined;
  /** The same for the first rise after a reconnection; counts only with `softStart`. */
  readonly setSoftGradW?: number | undefined;
  /** Time for the whole change, hundredths of a second; where present it goes before the rates. */
  readonly rampTms?: number | undefined;
  /** The device comes back from a disconnection or a trip. */
  readonly softStart?: boolean | undefined;
}

/** Seconds that a change of this many watts takes. */
export function rampSeconds(changeW: number, rates: RampRates): number {
  if (rates.rampTms !== undefined) return rates.rampTms / 100;
  const soft = rates.softStart === true ? rates.setSoftGradW : undefined;
  const wattsPerSecond = ((soft ?? rates.setGradW ?? 0) / 10_000) * rates.setMaxW;
  return wattsPerSecond > 0 ? Math.abs(changeW) / wattsPerSecond : 0;
}

/**
 * The limit, watts, at `now` on its straight way from one value to another that began at `since` (seconds, fractions
 * allowed). Rounded towards `from`, so that the ramp is never exceeded; `to` exactly once the time is over.
 * DERControlBase.rampTms, DefaultDERControl.setGradW, setSoftGradW (IEEE 2030.5-2018 §10.10).
 */
export function rampedLimit(from: number, to: number, since: number, now: number, rates: RampRates): number {
  const whole = rampSeconds(to - from, rates);
  const gone = Math.max(0, now - since);
  return gone >= whole ? to : from + Math.trunc(((to - from) * gone) / whole);
}
