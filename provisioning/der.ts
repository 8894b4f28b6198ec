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
