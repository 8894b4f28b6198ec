import { InvalidArgumentError, Option } from 'commander';
import { GridError } from '#hal/errors.ts';

export function parseSampleSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds >= 1 && seconds <= 60) return seconds;
  throw new InvalidArgumentError('It is a whole number of seconds from 1 to 60.');
}

/** Less would not hold the start of a board's devices. */
const leastRecordBytes = 100_000;

export function parseRecordBytes(text: string): number {
  const bytes = Number(text);
  if (/^\d+$/.test(text) && bytes >= leastRecordBytes && Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError(`It is a whole number of bytes from ${leastRecordBytes} on.`);
}

export function parseServerUrl(text: string): string {
  if (URL.canParse(text) && new URL(text).protocol === 'https:') return text;
  throw new InvalidArgumentError('It is an address like https://head-end.example:8443/dcap.');
}

/** Which of a TPM's certificates proves the board. */
export const certificateOption = new Option(
  '--certificate <role>',
  'with --tpm, which one proves the board: `operational`, to our own head-end, which renews it; ' +
    '`birth`, to another utility’s server, which knows a board by one certificate for ever',
).choices(['operational', 'birth']);

/** Throws GTX-CLI-005 where there is nothing to choose from. */
export function checkCertificate(tpm: string | undefined, certificate: string | undefined): void {
  if (tpm !== undefined || certificate === undefined) return;
  throw new GridError(
    'GTX-CLI-005',
    `--certificate ${certificate} chooses among those of a TPM, and there is no --tpm`,
    {
      kind: 'input',
      hint: 'Without a TPM a board has one certificate: the one in the folder of --identity.',
    },
  );
}
