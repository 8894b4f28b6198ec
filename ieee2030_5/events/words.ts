// What modes do and when, in words for building owners and operators: both ends say it alike.

/** `4.2 kW` of 4200 W. */
export const amountWords = (amount: number, unit: string): string =>
  Math.abs(amount) >= 1000 ? `${rounded(amount / 1000)} k${unit}` : `${rounded(amount)} ${unit}`;

interface Power {
  readonly multiplier: number;
  readonly value: number;
}

const isPower = (value: unknown): value is Power =>
  typeof value === 'object' && value !== null && 'multiplier' in value && 'value' in value;

/** W or var, as people say it. */
const inUnit =
  (unit: string) =>
  (value: unknown): string => {
    if (!isPower(value)) return String(value);
    return amountWords(value.value * 10 ** value.multiplier, unit);
  };
const rounded = (value: number): string => String(Math.round(value * 1000) / 1000);
const watts = inUnit('W');
/** Hundredths of a percent. */
const percent = (value: unknown): string => `${rounded(Number(value) / 100)} %`;

/** What each mode does, in words; modes that are not here are told by the standard's name. */
const words: Readonly<Record<string, (value: unknown) => string>> = {
  opModExpLimW: (value) => `Export to the grid is limited to ${watts(value)}`,
  opModImpLimW: (value) => `Import from the grid is limited to ${watts(value)}`,
  opModGenLimW: (value) => `Generation is limited to ${watts(value)}`,
  opModLoadLimW: (value) => `Consumption is limited to ${watts(value)}`,
  opModStorageTargetW: (value) => `The battery is asked for ${watts(value)}`,
  opModTargetW: (value) => `The inverter is asked for ${watts(value)}`,
  opModTargetVar: (value) => `The inverter is asked for ${inUnit('var')(value)} of reactive power`,
  opModMaxLimW: (value) => `The inverter's output is limited to ${percent(value)} of its maximum`,
  opModFixedW: (value) => `The inverter's output is set to ${percent(value)} of its maximum`,
  opModConnect: (value) => (value === true ? 'The inverter may be connected' : 'The inverter must be disconnected'),
  opModEnergize: (value) => (value === true ? 'The inverter may run' : 'The inverter must stop'),
  setGradW: (value) => `Output changes by ${percent(value)} of its maximum a second at most`,
  setSoftGradW: (value) => `After a start output rises by ${percent(value)} of its maximum a second at most`,
};

/** What a mode with a value does; modes that have no words of their own are told by the standard's name. */
export const modeWords = (mode: string, value: unknown): string =>
  words[mode]?.(value) ?? `${mode} ${isLink(value) ? `follows the curve ${value.href}` : 'is set'}`;

const isLink = (value: unknown): value is { readonly href: string } =>
  typeof value === 'object' && value !== null && 'href' in value && typeof value.href === 'string';

/** An instant to the minute, UTC; `seconds` are Unix seconds. */
export const minuteWords = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
