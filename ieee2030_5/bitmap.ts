/** The bytes of a HexBinary bit map with these bits set; bit 0 is the least significant of the last octet. */
export function bitmap(octets: number, bits: Iterable<number>): Uint8Array {
  const bytes = new Uint8Array(octets);
  for (const bit of bits) {
    const at = octets - 1 - (bit >> 3);
    if (at < 0 || bit < 0) throw new RangeError(`bit ${bit} does not fit in ${octets} octets`);
    bytes[at] = (bytes[at] ?? 0) | (1 << (bit & 7));
  }
  return bytes;
}

/** Whether a bit is set. Peers leave leading octets away (`09` for a HexBinary16), so a missing one counts as zero. */
export function hasBit(bytes: Uint8Array, bit: number): boolean {
  const octet = bytes[bytes.length - 1 - (bit >> 3)] ?? 0;
  return (octet & (1 << (bit & 7))) !== 0;
}
