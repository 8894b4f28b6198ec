import { GridError } from '#hal/errors.ts';

/** One value of a DER encoding. Views of the octets that were read, which are not copied. */
export interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag, length and content. */
  readonly encoded: Uint8Array;
}

const damaged = (what: string): GridError =>
  new GridError('GTX-PRV-030', `This is not DER: ${what}`, {
    kind: 'input',
    hint: 'The file may be cut off, or hold something else than its name says.',
  });

/** The elements that stand one after another. Throws GTX-PRV-030 for what is not DER. */
export function elementsOf(octets: Uint8Array): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < octets.length; ) {
    const element = elementAt(octets, at);
    elements.push(element);
    at += element.encoded.length;
  }
  return elements;
}

/** The one element that the octets are. */
export function elementOf(octets: Uint8Array): Element {
  const element = elementAt(octets, 0);
  if (element.encoded.length !== octets.length) throw damaged('there is something behind its end');
  return element;
}

/** The elements within one, of which the tag is known; a SEQUENCE unless told. */
export function within(element: Element | undefined, tag = 0x30): Element[] {
  return elementsOf(contentOf(element, tag));
}

/** The content of an element, of which the tag is known. */
export function contentOf(element: Element | undefined, tag: number): Uint8Array {
  if (element?.tag !== tag) throw damaged(`tag ${hex(tag)} is missing, ${hex(element?.tag)} stands there`);
  return element.content;
}

const hex = (tag: number | undefined): string => (tag === undefined ? 'nothing' : `0x${tag.toString(16)}`);

/** No more than 3 octets of length: nothing that is read here comes near 16 MiB. */
const longestLength = 3;

function elementAt(octets: Uint8Array, at: number): Element {
  const tag = octets[at]!;
  const first = octets[at + 1];
  if (first === undefined) throw damaged('it ends early');
  if ((tag & 0x1f) === 0x1f) throw damaged('a tag of several octets');
  let start = at + 2;
  let length = first;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > longestLength) throw damaged('a length that DER has not');
    length = 0;
    for (let i = 0; i < count; i++) length = (length << 8) | (octets[start + i] ?? 0);
    start += count;
    if (length < 0x80 || length < 2 ** (8 * (count - 1))) throw damaged('a length written too long');
  }
  const end = start + length;
  if (end > octets.length) throw damaged('it ends early');
  return { tag, content: octets.subarray(start, end), encoded: octets.subarray(at, end) };
}

/** The dotted form of an OBJECT IDENTIFIER. */
export function identifierOf(element: Element | undefined): string {
  const octets = contentOf(element, 0x06);
  const arcs: number[] = [];
  let value = 0;
  for (const octet of octets) {
    value = value * 128 + (octet & 0x7f);
    if (octet >= 0x80) continue;
    if (arcs.length === 0) {
      const first = Math.min(2, Math.floor(value / 40));
      arcs.push(first, value - 40 * first);
    } else arcs.push(value);
    value = 0;
  }
  if (octets.length === 0 || octets.at(-1)! >= 0x80) throw damaged('an object identifier that does not end');
  return arcs.join('.');
}

/** An INTEGER that is not negative, in hexadecimal without leading zeros, at least one octet. */
export function integerHex(element: Element | undefined): string {
  const octets = contentOf(element, 0x02);
  if (octets.length === 0 || octets[0]! >= 0x80) throw damaged('an integer below zero');
  const digits = Buffer.from(octets).toString('hex');
  return octets.length > 1 && octets[0] === 0 ? digits.slice(2) : digits;
}

/** A small INTEGER or ENUMERATED. */
export function smallInteger(element: Element | undefined, tag = 0x02): number {
  const octets = contentOf(element, tag);
  if (octets.length === 0 || octets.length > 6 || octets[0]! >= 0x80) throw damaged('a number out of range');
  return Buffer.from(octets).readUIntBE(0, octets.length);
}

/** The octets of a BIT STRING of whole octets: a signature, a key. */
export function bitsOf(element: Element | undefined): Uint8Array {
  const content = contentOf(element, 0x03);
  if (content[0] !== 0) throw damaged('a bit string of odd length');
  return content.subarray(1);
}

/** Unix seconds of a UTCTime or GeneralizedTime in the form that RFC 5280 §4.1.2.5 allows. */
export function timeOf(element: Element | undefined): number {
  const text = Buffer.from(element?.content ?? []).toString('latin1');
  const short = element?.tag === 0x17;
  const parts = (
    short ? /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/ : /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/
  )
    .exec(text)
    ?.slice(1)
    .map(Number);
  if (parts === undefined || (!short && element?.tag !== 0x18)) throw damaged('a time in another form');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
  const full = short ? year + (year < 50 ? 2000 : 1900) : year;
  const time = Date.UTC(full, month - 1, day, hour, minute, second);
  const digits = `${`${full}`.padStart(4, '0')}${text.slice(short ? 2 : 4, -1)}`;
  // The 31st of April would be the 1st of May.
  if (new Date(time).toISOString().replaceAll(/[-:T]|\..*/g, '') !== digits) throw damaged('a time on no calendar');
  return time / 1000;
}
