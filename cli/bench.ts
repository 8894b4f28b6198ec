import { Command, InvalidArgumentError } from 'commander';

/** What `gridtokenx bench` was asked to do. */
export interface BenchOptions {
  readonly all?: boolean;
  readonly list?: boolean;
  readonly board?: string;
  readonly seed: number;
  readonly junit?: string;
  readonly html?: string;
}

function parseSeed(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 0xffffffff) return value;
  throw new InvalidArgumentError('Expected an integer from 0 to 4294967295.');
}

const example = `
A plan is YAML; boards/bench/plan.schema.json says what it may hold:
  title: The export limit holds
  board: board.yaml                       # from the plan's folder
  steps:
    - set: { irradianceWm2: 900, loadW: 1500, voltagePercent: 101 }
    - limit: { exportW: 2000 }            # as an event of the utility; null ends it
    - { expect: { quantity: gridPower, by: twin, atLeast: -2000, tolerance: 100 }, within: 5, for: 60 }
    - pull: inverter                      # clamps, inverter, battery, board, server
    - wait: 30
    - restore: inverter
A matrix runs it for several devices; neighbours are further meters on the line; dispatch orders a battery's power.`;

/** `gridtokenx bench`: what a plan does to a board and its devices, and whether they do what it expects. */
export function benchCommand(): Command {
  return new Command('bench')
    .description(
      'Runs bench plans: steps that set sun, load and grid, order limits, pull cables, and expect what the board reads and does. A plan names a board file: with twins it runs in its own time; with real devices in real time, and asks a person for what only a person can do.',
    )
    .argument('[plans...]', 'plans: files (a path that ends in .yaml), or names of those that --list shows')
    .option('--all', 'every plan that comes with the program')
    .option('--list', 'name those plans and end')
    .option('--board <file>', 'run them on this board in place of their own: the way to real hardware')
    .option('--seed <number>', 'of sky, load and faults', parseSeed, 1)
    .option('--junit <file>', 'write the results as JUnit XML')
    .option('--html <file>', 'write a report with plots, to look at and to print')
    .addHelpText('after', example)
    .action(async (plans: readonly string[], options: BenchOptions) => {
      await (await import('./bench/run.ts')).runBench(plans, options);
    });
}
