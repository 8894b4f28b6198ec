import { W, Wh } from '#hal/units.ts';
import type { ClampChannel } from '../capabilities.ts';

/** One message of an emonTx4, emonTx5 or emonPi2. */
export interface EmonMessage {
  readonly message: number;
  readonly voltsRms: number;
  readonly channels: readonly ClampChannel[];
}

/** The longest line a front-end sends: twelve channels with every tail, as JSON. */
export const maxLineBytes = 1024;
const maxChannels = 12;
const maxVolts = 1000;
/** 10 MW: beyond any clamp. */
const maxPowerW = 10_000_000;
/** The front-end counts in a signed 32-bit integer. */
const maxEnergyWh = 0x7fffffff;
const maxCount = 0xffffffff;
const maxAmperes = 100_000;

interface Field {
  /** Where its value stands among those of a line. */
  readonly slot: number;
  readonly min: number;
  readonly max: number;
  readonly isInteger: boolean;
}

const slots = {
  message: 0,
  volts: 1,
  pulse: 4,
  analog: 5,
  power: 6,
  energy: 6 + maxChannels,
  amperes: 6 + 2 * maxChannels,
  powerFactor: 6 + 3 * maxChannels,
  count: 6 + 4 * maxChannels,
} as const;

/** Every name that a line may have. */
const fields: ReadonlyMap<string, Field> = new Map(
  (function* (): Generator<[string, Field]> {
    const count = { min: 0, max: maxCount, isInteger: true };
    const energy = { min: -maxEnergyWh - 1, max: maxEnergyWh, isInteger: true };
    yield ['MSG', { slot: slots.message, ...count }];
    yield ['pulse', { slot: slots.pulse, ...count }];
    yield ['analog', { slot: slots.analog, ...count }];
    for (let i = 0; i < 3; i++) yield [`V${i + 1}`, { slot: slots.volts + i, min: 0, max: maxVolts, isInteger: false }];
    for (let i = 0; i < maxChannels; i++) {
      yield [`P${i + 1}`, { slot: slots.power + i, min: -maxPowerW, max: maxPowerW, isInteger: true }];
      yield [`E${i + 1}`, { slot: slots.energy + i, ...energy }];
      yield [`I${i + 1}`, { slot: slots.amperes + i, min: 0, max: maxAmperes, isInteger: false }];
      yield [`pf${i + 1}`, { slot: slots.powerFactor + i, min: -1, max: 1, isInteger: false }];
    }
  })(),
);

/** The values of the line that is being parsed: nothing of it is left in what is answered. */
const scratch = new Float64Array(slots.count);

/**
 * Parses one line, without its line end: `MSG:12,V1:230.11,P1:512,…,P6:0,E1:10,…,E6:0,pulse:0`, or the same as a flat
 * JSON object. Volts, watts and watt-hours. P and E must both count from 1 without a gap; V2, V3, `pulse`, `analog`,
 * I1… and pf1… may be there. Answers why not for anything else: half a line, noise, a banner.
 */
export function parseEmonLine(line: string): EmonMessage | string {
  if (line.length > maxLineBytes) return 'too long';
  const isJson = line.startsWith('{');
  // Flat, and looked at as text: a JSON parser would let a second value of one name pass.
  if (isJson && !jsonObject.test(line)) return 'not a flat JSON object';
  const text = isJson ? line.slice(1, -1).replaceAll('"', '') : line;
  const values = scratch.fill(Number.NaN);
  for (let start = 0; start <= text.length; ) {
    const comma = text.indexOf(',', start);
    const end = comma === -1 ? text.length : comma;
    const colon = text.indexOf(':', start);
    if (colon === -1 || colon > end) return 'not a list of name:value';
    const field = fields.get(text.slice(start, colon));
    if (field === undefined) return `${text.slice(start, Math.min(colon, start + 16))} is not known`;
    const value = parseNumber(text, colon + 1, end, field.isInteger);
    if (!(value >= field.min && value <= field.max)) return `${text.slice(start, colon)} is out of range`;
    if (!Number.isNaN(values[field.slot])) return `${text.slice(start, colon)} comes twice`;
    values[field.slot] = value;
    start = end + 1;
  }
  return assemble(values);
}

const jsonObject = /^\{("[A-Za-z0-9]+":[-0-9.]+)(,"[A-Za-z0-9]+":[-0-9.]+)*\}$/;

const [minus, dot, zero] = [0x2d, 0x2e, 0x30];
const maxDigits = 10;

/** `-?digits`, and `.digits` unless an integer is wanted; at most ten digits in all. Anything else is NaN. */
function parseNumber(text: string, start: number, end: number, isInteger: boolean): number {
  const isNegative = text.charCodeAt(start) === minus;
  let digits = 0;
  let mantissa = 0;
  let point = -1;
  for (let at = isNegative ? start + 1 : start; at < end; at++) {
    const digit = text.charCodeAt(at) - zero;
    if (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      digits++;
    } else if (digit === dot - zero && point === -1 && digits > 0 && !isInteger) point = digits;
    else return Number.NaN;
  }
  if (digits === 0 || digits > maxDigits || point === digits) return Number.NaN;
  const value = point === -1 ? mantissa : mantissa / 10 ** (digits - point);
  return isNegative ? -value : value;
}

function assemble(values: Float64Array): EmonMessage | string {
  const message = values[slots.message]!;
  const voltsRms = values[slots.volts]!;
  if (Number.isNaN(message) || Number.isNaN(voltsRms)) return 'without MSG or V1';
  const channels: ClampChannel[] = [];
  let hasGap = false;
  for (let i = 0; i < maxChannels; i++) {
    const powerW = values[slots.power + i]!;
    const energyWh = values[slots.energy + i]!;
    if (Number.isNaN(powerW) !== Number.isNaN(energyWh)) return `P${i + 1} or E${i + 1} is missing`;
    if (Number.isNaN(powerW)) hasGap = true;
    else if (hasGap) return `a channel before ${i + 1} is missing`;
    else {
      const powerFactor = values[slots.powerFactor + i]!;
      const told = Number.isNaN(powerFactor) ? {} : { powerFactor };
      channels.push({ powerW: W(powerW), energyWh: Wh(energyWh), ...told });
    }
  }
  return channels.length === 0 ? 'without a channel' : { message, voltsRms, channels };
}

/** The line that a front-end sends for a message, without its line end. */
export function formatEmonLine({ message, voltsRms, channels }: EmonMessage): string {
  const powers = channels.map(({ powerW }, i) => `P${i + 1}:${powerW}`);
  const energies = channels.map(({ energyWh }, i) => `E${i + 1}:${energyWh}`);
  return [`MSG:${message}`, `V1:${voltsRms.toFixed(2)}`, ...powers, ...energies, 'pulse:0'].join(',');
}
