/**
 * The check digit of a National Metering Identifier: AEMO, "NMI Procedure", appendix on the checksum. Characters by
 * their ASCII code, every second one from the right doubled; the digit makes the sum of all digits a multiple of ten.
 */
export function nmiCheckDigit(identifier: string): number {
  let sum = 0;
  for (let i = 0; i < identifier.length; i++) {
    const fromRight = identifier.length - 1 - i;
    const value = identifier.charCodeAt(i) * (fromRight % 2 === 0 ? 2 : 1);
    for (const digit of String(value)) sum += Number(digit);
  }
  return (10 - (sum % 10)) % 10;
}

/** Whether a text is a National Metering Identifier, as CSIP-AUS has it in connectionPointId, with or without check digit. */
export function isValidConnectionPointId(text: string): boolean {
  const [, identifier = '', digit] = /^([A-HJ-NP-Z0-9]{10})(\d)?$/.exec(text) ?? [];
  if (identifier === '') return false;
  return digit === undefined || Number(digit) === nmiCheckDigit(identifier);
}
