import { GridError } from '#hal/errors.ts';

/** Function codes served and used (MODBUS Application Protocol V1.1b3 §6). */
export const functionCode = { readHolding: 3, readInput: 4, writeSingle: 6, writeMultiple: 16 } as const;

/** Exception codes (MODBUS Application Protocol V1.1b3 §7). */
export const exceptionCode = {
  illegalFunction: 1,
  illegalDataAddress: 2,
  illegalDataValue: 3,
  serverDeviceFailure: 4,
  serverDeviceBusy: 6,
  gatewayPathUnavailable: 10,
  gatewayTargetFailedToRespond: 11,
} as const;
export type ModbusException = (typeof exceptionCode)[keyof typeof exceptionCode];

/** The most registers one read may ask for, and one write may carry. */
export const maxReadRegisters = 125;
export const maxWriteRegisters = 123;

/**
 * The MBAP header (MODBUS Messaging on TCP/IP V1.0b §3.1.3): transaction id, protocol id 0, the number of bytes that
 * follow, unit. A frame is these 6 bytes and `length` more, of which the first is the unit.
 */
export const headerBytes = 6;
/** Unit, function code and at least one byte. */
export const minLength = 3;
/** Unit and a PDU of 253 bytes. */
export const maxLength = 254;

const exceptions: Readonly<Record<number, readonly [meaning: string, hint: string]>> = {
  1: ['it does not know the function', 'Check the device type in the board file; this model may use another table.'],
  2: ['it has no such register', 'Check the device type and its firmware against the register map.'],
  3: [
    'it refuses the value',
    'Check the range in the data sheet; some settings need remote control to be switched on.',
  ],
  4: ['it failed inside', 'Look at the display of the device for a fault.'],
  5: ['it needs longer', 'Ask again later.'],
  6: ['it is busy', 'Ask less often, and let no second client poll it.'],
  8: ['its memory failed a check', 'Restart the device; have it serviced when this comes back.'],
  10: ['the gateway has no path to it', 'Check the wiring and the settings of the gateway.'],
  11: ['no device answers behind the gateway', 'Check the unit number, A/B wiring and termination.'],
};

/** The device answered with an exception; its code is the last two digits: `GTX-MOD-102` is exception 2. */
export function exceptionError(code: number, what: string): GridError {
  const [meaning, hint] = exceptions[code] ?? [`exception ${code}`, 'See the manual of the device for this exception.'];
  return new GridError(`GTX-MOD-${100 + code}`, `${what}: ${meaning}`, { hint });
}
