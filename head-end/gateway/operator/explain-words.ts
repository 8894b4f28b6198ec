import { ResponseStatus2018 } from '#ieee2030_5/enumerations.ts';
import type { Explanation } from './explain.ts';

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
    const amount = value.value * 10 ** value.multiplier;
    return Math.abs(amount) >= 1000 ? `${rounded(amount / 1000)} k${unit}` : `${rounded(amount)} ${unit}`;
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

const linked = (value: unknown): string =>
  typeof value === 'object' && value !== null && 'href' in value ? `follows the curve ${String(value.href)}` : 'is set';

/** What a device answered, by the codes of IEEE 2030.5-2018 Table 27. */
const statusNames = new Map<number, string>(Object.entries(ResponseStatus2018).map(([name, code]) => [code, name]));
const spaced = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

const clock = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** One sentence, or some, that a building owner understands. */
export function describeMode({
  mode,
  value,
  source,
  since,
  until,
  lastResponse,
}: Omit<Explanation, 'sentence'>): string {
  const { program } = source;
  const what = words[mode]?.(value) ?? `${mode} ${linked(value)}`;
  const named = source.description === undefined ? '' : ` “${source.description}”`;
  const of = program.description === undefined ? `program ${program.id}` : `“${program.description}”`;
  const by = source.kind === 'event' ? `by the event${named}` : `by the default${named}, as no event says otherwise,`;
  const from = since === undefined ? '' : ` since ${clock(since)}`;
  const to = until === undefined ? '' : ` until ${clock(until)}`;
  const spread =
    source.randomizedBy === undefined
      ? ''
      : ` The device begins or ends up to ${source.randomizedBy} s apart from that.`;
  const answered =
    lastResponse === undefined
      ? ''
      : ` The device answered at ${clock(lastResponse.at)}:${spaced(`-${statusNames.get(lastResponse.status) ?? lastResponse.status}`).replace('-', ' ')}.`;
  return `${what} ${by} of ${of} (primacy ${program.primacy})${from}${to}.${spread}${answered}`;
}
