import type { XmlElement } from '../xml.ts';

/** ActivePower's value is an Int16. */
const maxValue = 32_767;

/** The least multiplier with which a power fits, e.g. 100,000 W = 10,000 · 10¹ W. */
export function activePower(watts: number): { multiplier: number; value: number } {
  let multiplier = 0;
  while (Math.abs(watts / 10 ** multiplier) > maxValue) multiplier++;
  return { multiplier, value: Math.round(watts / 10 ** multiplier) };
}

/** An element with value and multiplier in plain units; undefined where there is none. */
export function scaled(element: XmlElement | undefined): number | undefined {
  const value = element?.number('value');
  return value === undefined ? undefined : value * 10 ** (element?.number('multiplier') ?? 0);
}

/** The number that hex digits say. */
export const hexNumber = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number.parseInt(text, 16);

/** A bitmap as 2030.5 writes it: an even number of hex digits. */
export const hex = (bits: number, digits: number): string => bits.toString(16).toUpperCase().padStart(digits, '0');
