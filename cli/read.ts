import { Command, InvalidArgumentError } from 'commander';
import { GridError } from '#hal/errors.ts';
import { parseTcpAddress, parseUnit, type TcpAddress } from './commission/port-address.ts';

export interface ReadOptions {
  readonly board?: string;
  readonly data: string;
  readonly tcp?: TcpAddress;
  readonly serial?: string;
  readonly baud?: number;
  readonly parity: 'none' | 'even' | 'odd';
  readonly unit?: number;
  readonly all?: boolean;
  readonly watch?: boolean;
  readonly json?: boolean;
}

export function parseBaud(text: string): number {
  const baud = Number(text);
  if (/^\d+$/.test(text) && baud >= 300 && baud <= 3_000_000) return baud;
  throw new InvalidArgumentError('A rate is a number from 300 to 3000000.');
}

function parseParity(text: string): 'none' | 'even' | 'odd' {
  if (text === 'none' || text === 'even' || text === 'odd') return text;
  throw new InvalidArgumentError('A parity is none, even or odd.');
}

/** `gridtokenx read`: what devices measure, in physical units. */
export function readCommand(): Command {
  return new Command('read')
    .description(
      'Reads all that devices measure, in physical units: those of a board file (or one of them, by its role), or one\n' +
        'device by name: a register map (`gridtokenx twin --list` names them), `sunspec` for any SunSpec device, `emontx`.\n' +
        'Nothing is written.',
    )
    .argument('[role-or-device]', 'with --board a role (clamps, inverter, battery …); else a device such as sdm630')
    .option('--board <file>', 'the board file')
    .option('--data <dir>', 'the data folder of the board, where it has run', 'data/edge')
    .option('--tcp <host[:port]>', 'the device is at this address; port 502 unless told', parseTcpAddress)
    .option('--serial <device>', 'the device is on this line, such as /dev/ttyUSB0')
    .option('--baud <rate>', 'of the line; as the device is delivered unless told', parseBaud)
    .option('--parity <parity>', 'of the line: none, even or odd', parseParity, 'none')
    .option('--unit <number>', 'Modbus unit; as the device is delivered unless told', parseUnit)
    .option('--all', 'of SunSpec devices also what they are set to and rated for')
    .option('--watch', 'read again every second, until Ctrl-C')
    .option('--json', 'print JSON; with --watch one line a reading')
    .addHelpText(
      'after',
      '\nExamples:\n  gridtokenx read --board board.yaml inverter\n  gridtokenx read sdm630 --tcp 192.168.1.20 --unit 1 --watch',
    )
    .action(async (what: string | undefined, options: ReadOptions) => {
      const places = [options.board, options.tcp, options.serial].filter((place) => place !== undefined);
      if (places.length !== 1 || (options.board === undefined && what === undefined)) {
        throw new GridError('GTX-CMS-003', 'Expected --board FILE, or a device with one of --tcp and --serial', {
          kind: 'input',
          hint: '`gridtokenx read --help` has examples; `gridtokenx detect` tells what is there.',
        });
      }
      await (await import('./read/run.ts')).runRead(what, options);
    });
}
