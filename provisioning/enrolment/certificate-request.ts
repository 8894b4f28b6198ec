import type { SigningKey } from '#hal/key-store.ts';
import { type Der, objectIdentifier, sequence, tlv } from '../der.ts';

const ecdsaWithSha256 = '1.2.840.10045.4.3.2';
const zero = Uint8Array.of(0);

/** A positive INTEGER from octets of any length, most significant first (X.690 §8.3). */
function integer(octets: Uint8Array): Der {
  const first = octets.findIndex((octet) => octet !== 0);
  const digits = first === -1 ? zero : octets.subarray(first);
  return tlv(0x02, digits[0]! >= 0x80 ? Buffer.concat([zero, digits]) : digits);
}

const bitString = (content: Uint8Array): Der => tlv(0x03, zero, content);

/**
 * A certificate request (PKCS#10, RFC 2986, DER) for a key, signed by it where it lies. Its subject is empty: an
 * IEEE 2030.5 device has no name but its hardware's, which the authority knows.
 */
export async function certificateRequest(key: SigningKey): Promise<Uint8Array> {
  const spki = key.publicKey.export({ type: 'spki', format: 'der' });
  const info = sequence(integer(zero), sequence(), spki, tlv(0xa0));
  const rs = await key.sign(info);
  const signature = sequence(integer(rs.subarray(0, 32)), integer(rs.subarray(32)));
  return sequence(info, sequence(objectIdentifier(ecdsaWithSha256)), bitString(signature));
}
