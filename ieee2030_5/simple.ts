import { isUriReference } from './uri.ts';
import { XmlFault } from './xml-fault.ts';

/** How a simple type stands in JavaScript. */
export type SimplePlan =
  | { readonly kind: 'integer'; readonly name: string; readonly low: number; readonly high: number }
  | { readonly kind: 'long'; readonly name: string; readonly low: bigint; readonly high: bigint }
  | { readonly kind: 'hexBinary'; readonly name: string; readonly octets: number }
  | { readonly kind: 'string'; readonly name: string; readonly characters: number }
  | { readonly kind: 'boolean' | 'anyURI'; readonly name: string };

/** Every plan has the same members in the same order: then the engine reads them in one step, whatever the kind. */
class Shape {
  readonly kind: SimplePlan['kind'];
  readonly name: string;
  readonly low: number | bigint;
  readonly high: number | bigint;
  readonly octets: number;
  readonly characters: number;

  constructor(kind: SimplePlan['kind'], name: string, low: number | bigint, high: number | bigint, length: number) {
    this.kind = kind;
    this.name = name;
    this.low = low;
    this.high = high;
    this.octets = length;
    this.characters = length;
  }
}

/** A plan from the table's notation (`integer 0 255`). */
export function simplePlan(name: string, notation: string): SimplePlan {
  const [kind = '', first = '', second = ''] = notation.split(' ');
  const length = first === '' ? Number.POSITIVE_INFINITY : Number(first);
  switch (kind) {
    case 'integer':
      return new Shape(kind, name, Number(first), Number(second), 0) as SimplePlan;
    case 'long':
      return new Shape(kind, name, BigInt(first), BigInt(second), 0) as SimplePlan;
    case 'hexBinary':
    case 'string':
    case 'boolean':
    case 'anyURI':
      return new Shape(kind, name, 0, 0, length) as SimplePlan;
    default:
      throw new TypeError(`The schema table has an unknown kind of simple type: ${notation}`);
  }
}

const isSpace = (c: number): boolean => c === 32 || c === 10 || c === 13 || c === 9;
const shown = (text: string, from: number, to: number): string =>
  JSON.stringify(to - from > 40 ? `${text.slice(from, from + 40)}…` : text.slice(from, to));

/** The value of `text[from, to)` as the type has it; faults with `GTX-XML-020` to `-022`. */
export function readSimple(plan: SimplePlan, text: string, from: number, to: number): unknown {
  if (plan.kind === 'string') return readString(plan.characters, plan.name, text, from, to);
  let a = from;
  let b = to;
  // Whitespace around every type but a string collapses (XML Schema part 2, §4.3.6).
  while (a < b && isSpace(text.charCodeAt(a))) a++;
  while (b > a && isSpace(text.charCodeAt(b - 1))) b--;
  switch (plan.kind) {
    case 'hexBinary':
      return readHex(plan.octets, plan.name, text, a, b);
    case 'integer': {
      const value = readInteger(text, a, b, plan.name);
      if (value < plan.low || value > plan.high) throw outOfRange(plan, text, a, b);
      return value;
    }
    case 'long': {
      // Fifteen digits are exact as a number, which is the cheaper way.
      if (b - a <= 15) {
        const value = readInteger(text, a, b, plan.name);
        if (value < 0 && plan.low === 0n) throw outOfRange(plan, text, a, b);
        return BigInt(value);
      }
      const value = readLong(text, a, b, plan.name);
      if (value < plan.low || value > plan.high) throw outOfRange(plan, text, a, b);
      return value;
    }
    case 'boolean':
      return readBoolean(text, a, b);
    case 'anyURI':
    default:
      if (!isUriReference(text, a, b)) {
        throw new XmlFault('GTX-XML-020', `${shown(text, a, b)} is not a URI reference`);
      }
      return text.slice(a, b).replace(/[\t\n\r ]+/g, ' ');
  }
}

const outOfRange = (
  plan: { readonly name: string; readonly low: number | bigint; readonly high: number | bigint },
  text: string,
  a: number,
  b: number,
): XmlFault => new XmlFault('GTX-XML-021', `${shown(text, a, b)} is outside ${plan.low}..${plan.high} (${plan.name})`);

function readInteger(text: string, a: number, b: number, name: string): number {
  let i = a;
  const sign = text.charCodeAt(i);
  if (sign === 45 || sign === 43) i++;
  if (i === b) throw notAnInteger(text, a, b, name);
  let value = 0;
  for (; i < b; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) throw notAnInteger(text, a, b, name);
    value = value * 10 + digit;
  }
  return sign === 45 && value !== 0 ? -value : value;
}

function readLong(text: string, a: number, b: number, name: string): bigint {
  const lexical = /^([+-]?)0*(\d+)$/.exec(text.slice(a, b));
  if (lexical === null) throw notAnInteger(text, a, b, name);
  const [, sign, digits = ''] = lexical;
  // More digits than 64 bits hold: out of every range, and not worth a huge bigint.
  const value = digits.length > 20 ? 1n << 70n : BigInt(digits);
  return sign === '-' ? -value : value;
}

const notAnInteger = (text: string, a: number, b: number, name: string): XmlFault =>
  new XmlFault('GTX-XML-020', `${shown(text, a, b)} is not an integer (${name})`);

const hexDigits = new Int8Array(128).fill(-1);
for (let i = 0; i < 16; i++) {
  const digit = i.toString(16);
  hexDigits[digit.charCodeAt(0)] = i;
  hexDigits[digit.toUpperCase().charCodeAt(0)] = i;
}

function readHex(octets: number, name: string, text: string, a: number, b: number): Uint8Array {
  const length = (b - a) >> 1;
  if (((b - a) & 1) === 1) throw notHex(text, a, b, name);
  if (length > octets) {
    throw new XmlFault('GTX-XML-022', `${shown(text, a, b)} has ${length} octets, ${name} takes ${octets}`);
  }
  const bytes = new Uint8Array(length);
  for (let i = 0, at = a; i < length; i++, at += 2) {
    const high = hexDigits[text.charCodeAt(at)] ?? -1;
    const low = hexDigits[text.charCodeAt(at + 1)] ?? -1;
    if (high < 0 || low < 0) throw notHex(text, a, b, name);
    bytes[i] = (high << 4) | low;
  }
  return bytes;
}

const notHex = (text: string, a: number, b: number, name: string): XmlFault =>
  new XmlFault('GTX-XML-020', `${shown(text, a, b)} is not pairs of hexadecimal digits (${name})`);

function readBoolean(text: string, a: number, b: number): boolean {
  const word = text.slice(a, b);
  if (word === 'true' || word === '1') return true;
  if (word === 'false' || word === '0') return false;
  throw new XmlFault('GTX-XML-020', `${shown(text, a, b)} is not true, false, 1 or 0`);
}

function readString(characters: number, name: string, text: string, a: number, b: number): string {
  const value = text.slice(a, b);
  if (b - a > characters && codePoints(value) > characters) {
    throw new XmlFault('GTX-XML-022', `${shown(text, a, b)} is longer than ${characters} characters (${name})`);
  }
  return value;
}

/** Characters as XML counts them: a surrogate pair is one. */
export function codePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xdc00) count--;
  return count;
}
