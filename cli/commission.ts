import { Command, InvalidArgumentError } from 'commander';
import { phases, type Phase } from '#drivers/register-map.ts';
import type { CheckedClamp } from '#edge/commissioning/ct-samples.ts';
import { parseTcpAddress, parseUnit, type TcpAddress } from './commission/port-address.ts';

export interface CtOptions {
  readonly board: string;
  readonly data: string;
  readonly out: string;
  readonly seconds: number;
  readonly step?: boolean;
  readonly clamp?: readonly CheckedClamp[];
  readonly meter?: string;
  readonly meterTcp?: TcpAddress;
  readonly meterSerial?: string;
  readonly meterUnit?: number;
  readonly technician?: string;
  readonly identity?: string;
  readonly tpm?: string;
  readonly json?: boolean;
}

const isPhase = (text: string | undefined): text is Phase => phases.some((phase) => phase === text);

function parseClamp(text: string, before: readonly CheckedClamp[] = []): readonly CheckedClamp[] {
  const [, channel, sees, phase] = /^(\d{1,2})=(grid|load)(?::(L[123]))?$/.exec(text) ?? [];
  if ((sees !== 'grid' && sees !== 'load') || Number(channel) < 1 || Number(channel) > 12)
    throw new InvalidArgumentError('Expected INPUT=grid, INPUT=load, or with a line INPUT=grid:L1.');
  return [...before, { channel: Number(channel), sees, ...(isPhase(phase) && { phase }) }];
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds >= 30 && seconds <= 3600) return seconds;
  throw new InvalidArgumentError('It is a whole number of seconds from 30 to 3600.');
}

/** `gridtokenx commission`: what is checked when a board is put into a building. */
export function commissionCommand(): Command {
  const commission = new Command('commission').description('Checks a site that a board was just put into.');
  commission
    .command('ct')
    .description(
      'Checks the clamps of a board: direction, line, ratio, noise and whether they agree. It goes by a meter beside them\n' +
        '(--meter), by a step of the battery or the inverter (--step), or by watching only, which often cannot decide.\n' +
        'Writes a signed report (JSON) and a page to print; `gridtokenx verify report` checks the signature.',
    )
    .requiredOption('--board <file>', 'the board file; the board itself may not run')
    .option('--out <dir>', 'where the report goes', '.')
    .option('--step', 'let the battery or the inverter make steps, within what the connection may export')
    .option('--seconds <s>', 'how long to watch without a step', parseSeconds, 120)
    .option(
      '--clamp <input=place>',
      'what an input sees, such as 1=grid:L1; may be repeated; as the board file says unless told',
      parseClamp,
    )
    .option('--meter <device>', 'a meter at the connection point: a register map such as sdm630, or sunspec-meter')
    .option('--meter-tcp <host[:port]>', 'where the meter is', parseTcpAddress)
    .option('--meter-serial <device>', 'or the line it is on, at the rate it is delivered with')
    .option('--meter-unit <number>', 'its Modbus unit; as it is delivered unless told', parseUnit)
    .option('--technician <name>', 'who checks, for the report')
    .option('--identity <dir>', 'folder of the identity that signs; DATA/identity unless told')
    .option('--tpm <address>', 'sign with the key of this TPM: /dev/tpmrm0, or swtpm:HOST:PORT')
    .option('--data <dir>', 'the data folder of the board', 'data/edge')
    .option('--json', 'print the report as JSON')
    .action(async (options: CtOptions) => {
      await (await import('./commission/ct.ts')).commissionCt(options);
    });
  return commission;
}
