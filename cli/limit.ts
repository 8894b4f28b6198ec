import { Command, InvalidArgumentError, Option } from 'commander';
import { type TrialPower, trialPowers } from '#edge/commissioning/limit-trial.ts';

export interface LimitOptions {
  readonly board: string;
  readonly data: string;
  readonly watts: number;
  readonly of: TrialPower;
  readonly seconds: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const mostW = 10_000_000;
const mostSeconds = 3600;

const whole =
  (least: number, most: number, what: string) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`${what} is a whole number from ${least} to ${most}.`);
  };

/** `gridtokenx limit`: tries a limit on a site, without a head-end. */
export function limitCommand(): Command {
  return new Command('limit')
    .description(
      'Tries a limit on the site of a board file: the board’s own control tells inverter and battery what to do, with\n' +
        'their revert timers armed, for so many seconds, and gives them back after it (on Ctrl-C too). With --dry-run\n' +
        'it tells which registers would be written with which values, and writes nothing. The board itself may not run.',
    )
    .requiredOption('--board <file>', 'the board file')
    .requiredOption('--watts <w>', 'the limit, W', whole(0, mostW, 'A limit'))
    .addOption(
      new Option('--of <power>', 'what is limited; generation: of inverter and battery together')
        .choices([...trialPowers])
        .default('generation'),
    )
    .option('--seconds <s>', 'how long', whole(5, mostSeconds, 'A time'), 30)
    .option('--dry-run', 'tell what would be written, and write nothing')
    .option('--data <dir>', 'the data folder of the board, where it has run', 'data/edge')
    .option('--json', 'print JSON, one line a second')
    .action(async (options: LimitOptions) => {
      await (await import('./limit/run.ts')).runLimit(options);
    });
}
