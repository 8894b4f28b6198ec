import { type DerAlarm, derAlarms } from '../grid-support.ts';

/** Rounded to so many decimals; `undefined` stays. */
export function whole(value: number, decimals?: number): number;
export function whole(value: number | undefined, decimals?: number): number | undefined;
export function whole(value: number | undefined, decimals = 0): number | undefined {
  return value === undefined ? undefined : Math.round(value * 10 ** decimals) / 10 ** decimals + 0;
}

const noAlarms: ReadonlySet<DerAlarm> = new Set();

/** The alarms of an event field; a device that has none shows none. */
export const alarmsOf = (bits = 0): ReadonlySet<DerAlarm> =>
  bits === 0 ? noAlarms : new Set(derAlarms.filter((_alarm, bit) => Math.floor(bits / 2 ** bit) % 2 === 1));
