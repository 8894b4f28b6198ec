import { Command } from 'commander';
import { verifySecurityLog } from './verify/security-log.ts';

/** `gridtokenx verify`: checks with nothing but the file. */
export function verifyCommand(): Command {
  const verify = new Command('verify').description('Check what was written, with nothing but the file.');
  verify
    .command('security-log')
    .description(
      'Check that nothing in a security log was edited, left out, put in or moved. FILE is its folder\n' +
        '(DATA/head-end/security-log, its archive included) or one file of it.',
    )
    .argument('<file>')
    .option('--head <hash>', 'the hash of an entry that was noted elsewhere: of the last one for a single file')
    .option('--json', 'print the result as JSON')
    .action(verifySecurityLog);
  verify
    .command('report')
    .description(
      'Check the signature of a commissioning report (`gridtokenx commission ct`), and with --ca that a device of that\n' +
        'authority signed it.',
    )
    .argument('<file>', 'the report, JSON')
    .option('--ca <file>', 'PEM of the root that the board was enrolled under')
    .option('--json', 'print the result as JSON')
    .action(async (file: string, flags: { readonly ca?: string; readonly json?: boolean }) => {
      await (await import('./verify/report.ts')).verifyReport(file, flags);
    });
  return verify;
}
