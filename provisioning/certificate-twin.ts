import { bitString, type Der, integer, sequence } from './der.ts';
import { bitsOf, elementOf, integerHex, within } from './der-reader.ts';

/** The number of points of P-256 (SEC 2 §2.4.2). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/**
 * The one other way to write a certificate that holds as well: where (r, s) is a signature on P-256, (r, n − s) is one
 * of the same. Anybody can make it without a key, and it has an LFDI of its own. Throws GTX-PRV-030 for what is no
 * certificate with a signature on P-256.
 */
export function twinOf(certificate: Uint8Array): Der {
  const [body, algorithm, signature] = within(elementOf(certificate));
  const [r, s] = within(elementOf(bitsOf(signature)));
  const other = (order - BigInt(`0x${integerHex(s)}`)).toString(16).padStart(64, '0');
  integerHex(r);
  const twin = sequence(r!.encoded, integer(Buffer.from(other, 'hex')));
  return sequence(body!.encoded, algorithm!.encoded, bitString(twin));
}
