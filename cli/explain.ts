import { Command } from 'commander';
import { askHeadEnd, defaultUrl } from './operator.ts';

interface ExplainOptions {
  readonly url: string;
  readonly json?: boolean;
}

interface Explained {
  readonly summary: string;
  readonly modes: readonly { readonly mode: string; readonly sentence: string }[];
}

/** `gridtokenx explain DEVICE`: which limit applies to a device now, and why. */
export function explainCommand(): Command {
  return new Command('explain')
    .description(
      'Tells which program, event or default sets each mode of a device now, since when and until when,\n' +
        'as the head-end has it.',
    )
    .argument('<device>', 'the meter id of the device, or its LFDI')
    .option('--url <address>', 'where the head-end’s REST is', defaultUrl)
    .option('--json', 'print what the head-end answers as JSON')
    .action(async (device: string, { url, json }: ExplainOptions) => {
      const path = `/api/v1/devices/${encodeURIComponent(device)}/explain`;
      const explained = (await (await askHeadEnd(url, path)).json()) as Explained;
      if (json === true) process.stdout.write(`${JSON.stringify(explained, null, 2)}\n`);
      else if (explained.modes.length === 0) process.stdout.write(`${explained.summary}\n`);
      else for (const { mode, sentence } of explained.modes) process.stdout.write(`${mode.padEnd(22)}${sentence}\n`);
    });
}
