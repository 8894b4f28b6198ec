/**
 * Branded numbers: the compiler keeps watts from watt-hours and one clock from another.
 * All are safe integers; energy and money never pass through a fraction.
 */
declare const unit: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [unit]: Name };

/** Active power, integer watts. */
export type W = Branded<number, 'W'>;
/** Energy, integer watt-hours. */
export type Wh = Branded<number, 'Wh'>;
/** Seconds since 1970-01-01T00:00:00Z, integer; IEEE 2030.5 TimeType. */
export type UnixSeconds = Branded<number, 'UnixSeconds'>;
/** Millionths of the settlement token (1 token = 1 currency unit). */
export type Micro = Branded<number, 'Micro'>;
/** Price, micro-units of the settlement token per kilowatt-hour. */
export type MicroPerKWh = Branded<number, 'MicroPerKWh'>;

const integer = (value: number, name: string): number => {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${name} must be a safe integer, got ${value}`);
  // A negative zero becomes zero, so that equal quantities are equal.
  return value + 0;
};

export const W = (value: number): W => integer(value, 'W') as W;
export const Wh = (value: number): Wh => integer(value, 'Wh') as Wh;
export const UnixSeconds = (value: number): UnixSeconds => integer(value, 'UnixSeconds') as UnixSeconds;
export const Micro = (value: number): Micro => integer(value, 'Micro') as Micro;
export const MicroPerKWh = (value: number): MicroPerKWh => integer(value, 'MicroPerKWh') as MicroPerKWh;

/** ISO 8601 in UTC without milliseconds, for logs and reports. */
export const isoTime = (time: UnixSeconds): string => new Date(time * 1000).toISOString().replace('.000Z', 'Z');
