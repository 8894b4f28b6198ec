import { X509Certificate } from 'node:crypto';
import { GridError, type GridErrorCode, reasonOf } from '#hal/errors.ts';

/** An endorsement certificate that does not prove what it should (GTX-TPM-020 to 023). */
export const refused = (code: GridErrorCode, reason: string, cause?: unknown): GridError =>
  new GridError(code, `The TPM's endorsement certificate is refused: ${reason}`, { cause });

/**
 * The certificate in an NV index, which may be larger than it: the octets after its end are left off. Throws
 * GTX-TPM-020 for what is no certificate.
 */
export function nvCertificate(content: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(content.subarray(0, derLength(content)));
  } catch (error) {
    throw refused('GTX-TPM-020', reasonOf(error), error);
  }
}

/** Length of a DER SEQUENCE of 128 to 65535 octets, its header included. */
function derLength(content: Uint8Array): number {
  const [tag, form = 0, high = 0, low = 0] = content;
  if (tag !== 0x30) return content.length;
  if (form === 0x82) return 4 + ((high << 8) | low);
  return form === 0x81 ? 3 + high : content.length;
}
