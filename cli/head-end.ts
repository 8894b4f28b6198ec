import { resolve } from 'node:path';
import { Command } from 'commander';
import { parsePort } from './campus/options.ts';

/** What `gridtokenx head-end` was asked to do, checked. */
export interface HeadEndOptions {
  readonly data: string;
  readonly ca: string;
  readonly host: string;
  readonly name?: readonly string[];
  readonly zone: string;
  readonly database: string | undefined;
  readonly sepPort: number;
  readonly httpPort: number;
}

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** `gridtokenx head-end`: the head-end alone, for boards and clients that run elsewhere. */
export function headEndCommand(): Command {
  return new Command('head-end')
    .description(
      'Runs the head-end alone: IEEE 2030.5 server, operators’ REST, dashboard, market and ledger, in real time.\n' +
        'Devices are registered by REST (POST /api/v1/devices) or in band. Ctrl-C ends it; the next start goes on.',
    )
    .requiredOption('--ca <dir>', 'the authority that devices must come from (`gridtokenx provision ca init`)')
    .option('--data <dir>', 'folder for database, ledger and identity', 'data/head-end')
    .option('--host <address>', 'address that the IEEE 2030.5 server listens on', '127.0.0.1')
    .option(
      '--name <host>',
      'a name or address that devices reach it by, for its certificate; may be repeated',
      collect,
    )
    .option('--zone <name>', 'the market zone', 'campus')
    .option('--database <url>', 'use this PostgreSQL server instead of the embedded one')
    .option('--sep-port <port>', 'port of the IEEE 2030.5 server, 0 = any free one', parsePort, 8443)
    .option('--http-port <port>', 'port of REST and dashboard, on loopback, 0 = any free one', parsePort, 8080)
    .action(async (options: HeadEndOptions) => {
      const { runHeadEnd } = await import('./head-end/run.ts');
      await runHeadEnd({ ...options, data: resolve(options.data), ca: resolve(options.ca) });
    });
}
