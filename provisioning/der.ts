import { isIP } from 'node:net';

/** An encoded ASN.1 value. */
export type Der = Uint8Array<ArrayBuffer>;

/** Tag, length, value (X.690 §8.1), for contents of any length. */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Der {
  const content = Buffer.concat(parts);
  const length: number[] = [];
  for (let rest = content.length; rest > 0; rest >>>= 8) length.unshift(rest & 0xff);
  const header = content.length < 0x80 ? [tag, content.length] : [tag, 0x80 | length.length, ...length];
  return Uint8Array.from([...header, ...content]);
}

export const sequence = (...parts: readonly Uint8Array[]): Der => tlv(0x30, ...parts);
export const octetString = (bytes: Uint8Array): Der => tlv(0x04, bytes);

export const utf8String = (text: string): Der => tlv(0x0c, Buffer.from(text, 'utf8'));
export const boolean = (value: boolean): Der => tlv(0x01, Uint8Array.of(value ? 0xff : 0));
export const nothing: Der = tlv(0x05);

/** A BIT STRING whose last octet has so many unused bits (X.690 §8.6). */
export const bitString = (octets: Uint8Array, unused = 0): Der => tlv(0x03, Uint8Array.of(unused), octets);

/** A non-negative INTEGER from octets of any length, most significant first (X.690 §8.3). */
export function integer(value: Uint8Array | number): Der {
  const octets = typeof value === 'number' ? Buffer.from(evenHex(value), 'hex') : value;
  const first = octets.findIndex((octet) => octet !== 0);
  const digits = first === -1 ? Uint8Array.of(0) : octets.subarray(first);
  return digits[0]! >= 0x80 ? tlv(0x02, Uint8Array.of(0), digits) : tlv(0x02, digits);
}

const evenHex = (value: number): string => {
  const digits = value.toString(16);
  return digits.length % 2 === 0 ? digits : `0${digits}`;
};

/** A SET OF one: of more, DER would ask for an order (X.690 §11.6). */
export const setOf = (only: Uint8Array): Der => tlv(0x31, only);

/** 2050 in Unix seconds: until then a date is a UTCTime, from then on a GeneralizedTime (RFC 5280 §4.1.2.5). */
const year2050 = 2_524_608_000;

/** A GeneralizedTime (RFC 5280 §4.1.2.5.2); Unix seconds, to 9999-12-31T23:59:59Z. */
export const generalizedTime = (seconds: number): Der => tlv(0x18, Buffer.from(timeDigits(seconds)));

/** A date as certificates and revocation lists have it; Unix seconds. */
export const time = (seconds: number): Der =>
  seconds < year2050 ? tlv(0x17, Buffer.from(timeDigits(seconds).slice(2))) : generalizedTime(seconds);

const timeDigits = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;

/** Base 128, most significant first, the high bit set on all but the last octet (X.690 §8.19.2). */
function base128(value: number): number[] {
  const octets = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) octets.unshift((rest & 0x7f) | 0x80);
  return octets;
}

/** An object identifier from its dotted form; every arc below 2^28 (RFC 5280 §B). */
export function objectIdentifier(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tlv(0x06, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));

/** The 4 or 16 octets of an IP address in text form. */
export function ipOctets(address: string): Der {
  if (isIP(address) === 4) return Uint8Array.from(address.split('.').map(Number));
  // The URL parser turns every way of writing an IPv6 address into one, without dotted quads.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const [front, back] = [groups(head), groups(tail ?? '')];
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => '0');
  return Uint8Array.from(
    [...front, ...zeros, ...back].flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 0xff];
    }),
  );
}
