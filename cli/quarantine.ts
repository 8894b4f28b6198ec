import { Command } from 'commander';
import { GridError } from '#hal/errors.ts';
import { askHeadEnd, askingHeadEnd, type HeadEndFlags } from './operator.ts';

interface QuarantineFlags extends HeadEndFlags {
  readonly release?: boolean;
  readonly reason?: string;
}

/** `gridtokenx quarantine DEVICE`: keeps a device out until somebody has looked at it. */
export function quarantineCommand(): Command {
  return askingHeadEnd(
    new Command('quarantine')
      .description(
        'Ends the sessions of a device within seconds, withdraws its orders, and refuses it until it is released:\n' +
          'nothing it says is stored, traded or minted meanwhile. What was cleared before stands.',
      )
      .argument('<device>', 'the meter id of the device, or its LFDI'),
  )
    .option('--reason <text>', 'why; it is shown with the device and in the security log')
    .option('--release', 'let the device in again')
    .action(async (device: string, { release, reason, ...flags }: QuarantineFlags) => {
      const path = `/api/v1/devices/${encodeURIComponent(device)}/quarantine`;
      if (release === true) {
        await askHeadEnd(flags, path, { method: 'DELETE' });
        process.stdout.write(`${device} is released: it is let in again from its next connection on.\n`);
        return;
      }
      if (reason === undefined) {
        throw new GridError('GTX-QRT-001', 'A quarantine needs a reason', {
          kind: 'input',
          hint: '--reason "its readings do not fit the transformer’s"',
        });
      }
      const headers = { 'content-type': 'application/json' };
      await askHeadEnd(flags, path, { method: 'PUT', headers, body: JSON.stringify({ reason }) });
      process.stdout.write(`${device} is in quarantine. \`gridtokenx quarantine ${device} --release\` ends it.\n`);
    });
}
