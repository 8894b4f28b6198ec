import { GridError } from '#hal/errors.ts';
import { W } from '#hal/units.ts';
import type { Nameplate } from '../capabilities.ts';
import type { RegisterTransport } from '../modbus/transport.ts';

/** Throws `GTX-SUN-008` unless the seconds arm a timer that ends: 0 would keep the setpoint for ever. */
export function checkRevertSeconds(seconds: number, max: number): void {
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= max) return;
  throw new GridError('GTX-SUN-008', `A setpoint must revert after 1 to ${max} seconds, not ${seconds}`);
}

/** Throws `GTX-SUN-008` for a setpoint that is no integer or not `isAllowed`. */
export function checkSetpoint(w: number, isAllowed: boolean): void {
  if (Number.isSafeInteger(w) && isAllowed) return;
  throw new GridError('GTX-SUN-008', `${w} W is no setpoint for this device`);
}

/**
 * Power as read, in watts. Throws `GTX-SUN-005` above twice the rating: no device does that, but a wrong scale factor
 * or a damaged register does.
 */
export function plausiblePower(powerW: number, { ratedW, model, serial }: Nameplate): W {
  if (Math.abs(powerW) <= 2 * ratedW) return W(powerW);
  throw new GridError('GTX-SUN-005', `${model} ${serial} of ${ratedW} W says that it runs at ${powerW} W`, {
    hint: 'Check the rating in the settings of the device; restart it when this comes back.',
  });
}

export const notStarted = (what: string, transport: RegisterTransport, unit: number): GridError =>
  new GridError('GTX-SUN-009', `The ${what} (unit ${unit} on ${transport.name}) is not started`);
