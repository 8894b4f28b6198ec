import { createHash, hash } from 'node:crypto';
import { GridError } from '#hal/errors.ts';

declare const kind: unique symbol;

/** Long form device identifier: 40 upper-case hexadecimal digits (IEEE 2030.5-2018 §6.3.4). */
export type Lfdi = string & { readonly [kind]: 'Lfdi' };
/** Short form device identifier with its check digit, a decimal number of at most 12 digits (§6.3.3). */
export type Sfdi = number & { readonly [kind]: 'Sfdi' };
/** Registration PIN with its check digit, six digits at most (§6.3.5). */
export type Pin = number & { readonly [kind]: 'Pin' };

/** The LFDI of a DER certificate: the leftmost 160 bits of its SHA-256 fingerprint (§6.3.4). */
export const lfdiOf = (certificate: Uint8Array): Lfdi =>
  createHash('sha256').update(certificate).digest('hex').slice(0, 40).toUpperCase() as Lfdi;

/** 40 upper-case hexadecimal digits, of an LFDI or of a document's bytes. */
export const formatLfdi = (lfdi: Lfdi | Uint8Array): string =>
  typeof lfdi === 'string' ? lfdi : Buffer.from(lfdi).toString('hex').toUpperCase();

/** An LFDI as the element lFDI and deviceLFDI carry it: 20 bytes. */
export const lfdiBytes = (lfdi: Lfdi): Uint8Array => new Uint8Array(Buffer.from(lfdi, 'hex'));

/** An LFDI from 40 hexadecimal digits in any case, or from 20 bytes; else `GTX-IDN-001`. */
export function parseLfdi(value: string | Uint8Array): Lfdi {
  const text = typeof value === 'string' ? value.toUpperCase() : formatLfdi(value);
  if (!/^[0-9A-F]{40}$/.test(text)) {
    throw new GridError('GTX-IDN-001', `${JSON.stringify(text.slice(0, 60))} is not an LFDI`, {
      hint: 'An LFDI has 40 hexadecimal digits: the first 160 bits of the SHA-256 of the DER certificate.',
      kind: 'input',
    });
  }
  return text as Lfdi;
}

/** The digit that makes the sum of all decimal digits a multiple of ten (§6.3.3). */
export function checkDigit(value: number): number {
  let sum = 0;
  for (let rest = value; rest > 0; rest = Math.floor(rest / 10)) sum += rest % 10;
  return (10 - (sum % 10)) % 10;
}

/** Whether a number that ends in a check digit has the right one. */
export const hasValidCheckDigit = (value: number): boolean =>
  Number.isSafeInteger(value) && value >= 0 && checkDigit(Math.floor(value / 10)) === value % 10;

/** The SFDI of an LFDI: its leftmost 36 bits as a decimal number, and the check digit (§6.3.3). */
export function sfdiOf(lfdi: Lfdi): Sfdi {
  const number = Number.parseInt(lfdi.slice(0, 9), 16);
  return (number * 10 + checkDigit(number)) as Sfdi;
}

/** A registration PIN from five digits (0..99999), check digit added; else `GTX-IDN-002`. */
export function pinOf(digits: number): Pin {
  if (!Number.isInteger(digits) || digits < 0 || digits > 99_999) {
    throw new GridError('GTX-IDN-002', `${digits} is not five digits`, { kind: 'input' });
  }
  return (digits * 10 + checkDigit(digits)) as Pin;
}

/** The vendor whose identifiers carry no Private Enterprise Number. */
const noEnterprise = 0;

/**
 * The mRID of a named thing: 96 bits of the SHA-256 of the name, then the 32 bits of the Private Enterprise Number
 * (IEEE 2030.5-2018, mRIDType). A name has the same mRID in every run, whatever the keys and the clock.
 */
export function mridOf(name: string, enterprise: number = noEnterprise): Uint8Array {
  const mrid = new Uint8Array(hash('sha256', name, 'buffer').subarray(0, 16));
  new DataView(mrid.buffer).setUint32(12, enterprise);
  return mrid;
}

/** An mRID as 32 lower-case hexadecimal digits, for keys and paths. */
export const formatMrid = (mRID: Uint8Array): string =>
  Buffer.from(mRID.buffer, mRID.byteOffset, mRID.byteLength).toString('hex');
