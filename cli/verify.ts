import { Command } from 'commander';
import { verifySecurityLog } from './verify/security-log.ts';

/** `gridtokenx verify`: checks with nothing but the file. */
export function verifyCommand(): Command {
  const verify = new Command('verify').description('Check what a head-end has written, with nothing but the file.');
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
  return verify;
}
