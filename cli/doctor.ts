import { Command, InvalidArgumentError } from 'commander';
import { parseServerUrl } from './edge/options.ts';

export interface DoctorOptions {
  readonly board?: string;
  readonly data: string;
  readonly identity?: string;
  readonly tpm?: string;
  readonly server?: string;
  readonly hardware?: boolean;
  readonly gpioLines?: readonly [output: number, input: number];
  readonly watchdog?: string;
  readonly json?: boolean;
}

function parseLines(text: string): readonly [number, number] {
  const [, output, input] = /^(\d{1,3}),(\d{1,3})$/.exec(text) ?? [];
  if (output === undefined || input === undefined || output === input)
    throw new InvalidArgumentError('Expected two lines, OUTPUT,INPUT, such as 17,27.');
  return [Number(output), Number(input)];
}

/** `gridtokenx doctor`: what is wrong with a board, and how to mend it. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'Looks for what is wrong with this machine and its board, and says how to mend it: program, clock, disk, key and\n' +
        'certificate, TPM, watchdog; with --board ports and devices; with --server the head-end. Nothing is changed.',
    )
    .option('--board <file>', 'the board file; ports are opened, so the board itself may not run')
    .option('--data <dir>', 'the data folder of the board', 'data/edge')
    .option('--identity <dir>', 'folder of the device identity; DATA/identity unless told')
    .option('--tpm <address>', 'this TPM must answer: /dev/tpmrm0, or swtpm:HOST:PORT')
    .option('--server <url>', 'the head-end must answer: https://host:port/dcap', parseServerUrl)
    .option(
      '--hardware',
      'test the ports of the board file themselves, with wires that join TX and RX, MOSI and MISO; devices unplugged',
    )
    .option('--gpio-lines <out,in>', 'with --hardware: two GPIO lines that a wire joins', parseLines)
    .option('--watchdog <device>', 'with --hardware: start, beat and stop this watchdog')
    .option('--json', 'print JSON')
    .action(async (options: DoctorOptions) => {
      await (await import('./doctor/run.ts')).runDoctor(options);
    });
}
