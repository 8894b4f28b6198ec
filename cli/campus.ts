import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import {
  type CampusOptions,
  parseHours,
  parsePort,
  parseSample,
  parseSeed,
  parseSpeed,
  parseStart,
} from './campus/options.ts';

const stanford = fileURLToPath(new URL('../boards/stanford', import.meta.url));

/** `gridtokenx campus`: head-end, certificate authority and all boards on this machine. */
export function campusCommand(): Command {
  return new Command('campus')
    .summary('run a whole campus on this machine: emulated boards, head-end, database, ledger, dashboard')
    .description(
      'Runs a whole campus on this machine: emulated boards that speak IEEE 2030.5 over mutual TLS to a head-end with\n' +
        'an embedded PostgreSQL and an embedded Solana ledger, and a dashboard. Ctrl-C ends it; the next start goes on.',
    )
    .option('--data <dir>', 'folder for certificates, database, ledger and outboxes', 'data/campus')
    .option('--boards <dir>', 'folder of board files', stanford)
    .option('--hours <h>', 'end after so many virtual hours, when the last window is settled', parseHours)
    .option('--speed <n>', 'virtual seconds a second, or max', parseSpeed, 1)
    .option('--sample <s>', 'sampling period in seconds: 1, 3, 5 or 15', parseSample, 1)
    .option('--start <iso>', 'virtual start time, ISO 8601 (default: now)', parseStart)
    .option('--seed <n>', 'seed of weather, loads and price limits', parseSeed, 1)
    .option('--traces <dir>', 'replay the CSV traces that DIR/traces.yaml names')
    .addOption(
      new Option('--tpm <kind>', 'where the boards keep their keys: files, or an emulated TPM each')
        .choices(['none', 'swtpm'])
        .default('none'),
    )
    .option('--json <file>', 'write a report at the end; - is stdout')
    .option('--database <url>', 'use this PostgreSQL server instead of the embedded one')
    .option('--sep-port <port>', 'port of the IEEE 2030.5 server, 0 = any free one', parsePort, 8443)
    .option('--http-port <port>', 'port of REST and dashboard, 0 = any free one', parsePort, 8080)
    .option('--enrolment-port <port>', 'with --tpm swtpm: port of the enrolment service, 0 = any', parsePort, 8444)
    .option('--revocation-port <port>', 'port of revocation lists and OCSP, 0 = any free one', parsePort, 8081)
    .action(async (options: CampusOptions) => {
      const { runCampus } = await import('./campus/run.ts');
      await runCampus({ ...options, data: resolve(options.data), boards: resolve(options.boards) });
    });
}
