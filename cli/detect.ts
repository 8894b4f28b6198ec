import { Command, Option } from 'commander';
import { GridError } from '#hal/errors.ts';
import { parseTcpAddress, parseUnits, type TcpAddress } from './commission/port-address.ts';

export interface DetectOptions {
  readonly tcp?: TcpAddress;
  readonly serial?: string;
  readonly units: readonly number[];
  readonly json?: boolean;
}

/** `gridtokenx detect`: who is on a bus. */
export function detectCommand(): Command {
  return new Command('detect')
    .description(
      'Tells who is on a Modbus bus or a serial line: which units answer, at which rate and framing, what they are and\n' +
        'how sure that is, and what a board file says of each. Nothing is written. No second program may use the line.',
    )
    .option('--tcp <host[:port]>', 'a Modbus TCP device or gateway; port 502 unless told', parseTcpAddress)
    .option('--serial <device>', 'a serial line such as /dev/ttyUSB0: 2400 to 115200 baud, 8N1, 8E1 and 8N2 are tried')
    .addOption(
      new Option('--units <list>', 'units to ask, such as 1-10,100')
        .argParser(parseUnits)
        .default(parseUnits('1-247'), '1-247'),
    )
    .option('--json', 'print JSON')
    .action(async (options: DetectOptions) => {
      if ((options.tcp === undefined) === (options.serial === undefined)) {
        throw new GridError('GTX-DTC-001', 'Expected one of --tcp and --serial', {
          kind: 'input',
          hint: '`gridtokenx detect --serial /dev/ttyUSB0` or `--tcp 192.168.1.20`.',
        });
      }
      await (await import('./detect/run.ts')).runDetect(options);
    });
}
