/** Identifiers as the standard's text defines them, written anew here so that the client's own are judged. */

/** IEEE 2030.5-2018 §6.3.3: the leftmost 36 bits as a decimal number, and the digit that makes the digit sum a multiple of 10. */
export function sfdiOf(lfdi: string): string {
  const number = BigInt(`0x${lfdi.slice(0, 9)}`).toString();
  return number + checkDigit(number);
}

/** The PIN of five digits with its check digit (§6.3.5). */
export const pinOf = (digits: number): string => `${digits}${checkDigit(String(digits))}`;

const checkDigit = (digits: string): string => {
  const sum = Array.from(digits).reduce((total, digit) => total + Number(digit), 0);
  return String((10 - (sum % 10)) % 10);
};

/** The server's own mRIDs: a counter before the digits of its Private Enterprise Number (mRIDType). */
export const serverMrid = (kind: number, number: number): string =>
  (kind.toString(16).padStart(8, '0') + number.toString(16).padStart(16, '0') + '0000D2C0').toUpperCase();
