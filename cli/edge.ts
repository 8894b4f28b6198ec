import { join, resolve } from 'node:path';
import { Command } from 'commander';
import type { KeyRole } from '#hal/key-store.ts';
import { beginAnewOnceCompiled } from './begin-anew.ts';
import { parsePort } from './campus/options.ts';
import {
  certificateOption,
  checkCertificate,
  parseRecordBytes,
  parseSampleSeconds,
  parseServerUrl,
} from './edge/options.ts';

/** What `gridtokenx edge` was asked to do, checked. */
export interface EdgeOptions {
  readonly board: string;
  readonly server: string;
  readonly data: string;
  readonly identity: string;
  readonly tpm: string | undefined;
  /** Which of the TPM's certificates; the operational one unless told. */
  readonly certificate?: KeyRole;
  readonly sample: number;
  readonly seed: number;
  readonly statusPort: number | undefined;
  readonly watchdog: string | undefined;
  /** The file that what passes at the board's ports is recorded to. */
  readonly record: string | undefined;
  readonly recordBytes: number;
}

/** `gridtokenx edge`: the runtime of one board, real or emulated. */
export function edgeCommand(): Command {
  return new Command('edge')
    .description(
      'Runs one board: it samples and controls its site, posts its readings to the head-end and trades.\n' +
        'What the board file emulates is emulated, the rest is real; a device that is missing is tried again and\n' +
        'keeps nothing else from working. Ctrl-C ends it; the next start goes on.',
    )
    .requiredOption('--board <file>', 'the board file')
    .requiredOption(
      '--server <url>',
      'the IEEE 2030.5 server: https://host:port/dcap, or without a path',
      parseServerUrl,
    )
    .option('--data <dir>', 'folder for outbox and state; of this board alone', 'data/edge')
    .option(
      '--identity <dir>',
      'folder of the device identity (`gridtokenx provision issue`, or `enrol` with --tpm); DATA/identity unless told',
    )
    .option('--tpm <address>', 'the key is in this TPM, never in a file: /dev/tpmrm0, or swtpm:HOST:PORT')
    .addOption(certificateOption)
    .option('--sample <seconds>', 'sample and control this often, 1 to 60 seconds', parseSampleSeconds, 1)
    .option('--status-port <port>', 'show a status page on loopback at this port, 0 = any free one', parsePort)
    .option('--watchdog <device>', 'the hardware watchdog to beat, such as /dev/watchdog0')
    .option('--record <file>', 'record what passes at the ports; FILE.old keeps the recording before')
    .option('--record-bytes <n>', 'end the recording when it has so many bytes', parseRecordBytes, 100_000_000)
    .action(async (options: Omit<EdgeOptions, 'identity' | 'seed'> & { readonly identity?: string }) => {
      checkCertificate(options.tpm, options.certificate);
      const { runEdge } = await import('./edge/run.ts');
      beginAnewOnceCompiled();
      const data = resolve(options.data);
      await runEdge({ ...options, data, identity: resolve(options.identity ?? join(data, 'identity')), seed: 1 });
    });
}
