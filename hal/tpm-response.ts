import { GridError } from './errors.ts';

/** Octets of a command's and a response's header: tag, size, code (TPM 2.0 part 1 §18). */
export const headerSize = 10;

/** The longest command or response that a TPM handles: 4096 octets in chips, kernel and emulator alike. */
export const largestResponse = 4096;

/** The length that a response states in its header; undefined as long as the header is incomplete. */
export function statedSize(response: Uint8Array): number | undefined {
  if (response.length < headerSize) return undefined;
  const size = new DataView(response.buffer, response.byteOffset).getUint32(2);
  if (size < headerSize || size > largestResponse) {
    throw malformed(`a response claims to have ${size} octets`);
  }
  return size;
}

/** Octets of a TPM, or said to be of one, that break its format (GTX-TPM-003). */
export const malformed = (reason: string): GridError =>
  new GridError('GTX-TPM-003', `What should come from a TPM 2.0 is not well formed: ${reason}`, {
    hint: 'Is there a TPM 2.0 at that address? Noise on the SPI bus does this too; `tpm2_selftest` tests the chip.',
  });

/** A TPM that cannot be opened (GTX-TPM-001). */
export const unreachable = (name: string, reason: string, hint: string, cause?: unknown): GridError =>
  new GridError('GTX-TPM-001', `Cannot open ${name}: ${reason}`, { hint, cause });

/** A TPM that was open and gives no answer any more (GTX-TPM-002). */
export const unanswered = (name: string, reason: string, cause?: unknown): GridError =>
  new GridError('GTX-TPM-002', `${name} does not answer: ${reason}`, {
    hint: 'A chip: look at `dmesg` for tpm errors. An emulator: is it still running, and does another client hold it?',
    cause,
  });
