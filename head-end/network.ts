import { isIPv6 } from 'node:net';
import { ipOctets } from '#provisioning/der.ts';

/** What one sender has: an IPv4 address, or of an IPv6 address its network of 64 bits (RFC 6177). */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  if (!isIPv6(address)) return address;
  const octets = Buffer.from(ipOctets(address.split('%', 1)[0]!));
  // ::ffff:192.0.2.1 (RFC 4291 §2.5.5.2)
  if (octets.readUIntBE(0, 6) === 0 && octets.readUIntBE(6, 6) === 0xffff) return octets.subarray(12).join('.');
  return `${[0, 2, 4, 6].map((at) => octets.readUInt16BE(at).toString(16)).join(':')}::/64`;
}
