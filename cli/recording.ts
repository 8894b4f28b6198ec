import { Command, InvalidArgumentError } from 'commander';

export interface ShowOptions {
  readonly from?: number;
  readonly to?: number;
  readonly json?: boolean;
}

export interface ReplayOptions {
  readonly speed: number | 'max';
}

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text)) return value;
  throw new InvalidArgumentError('It is a number of seconds since the recording began.');
}

function speed(text: string): number | 'max' {
  const value = Number(text);
  if (text === 'max' || (value > 0 && value <= 10_000)) return text === 'max' ? 'max' : value;
  throw new InvalidArgumentError('It is a number above 0, or max.');
}

/** `gridtokenx recording`: what a board recorded of its devices (`gridtokenx edge --record`). */
export function recordingCommand(): Command {
  const recording = new Command('recording').description(
    'Shows and replays what `gridtokenx edge --record FILE` recorded of a board. `gridtokenx twin --replay FILE` puts\n' +
      'a recorded device on the wire.',
  );
  recording
    .command('show <file>')
    .description('Print what passed: Modbus by register and point, serial lines as text, calls and samples.')
    .option('--from <seconds>', 'leave out what was before', seconds)
    .option('--to <seconds>', 'leave out what was after', seconds)
    .option('--json', 'one JSON object a line')
    .action(async (file: string, options: ShowOptions) => {
      const { showRecording } = await import('./recording/show.ts');
      await showRecording(file, options);
    });
  recording
    .command('edge <file>')
    .description(
      'Run the board program from the recording, print the samples that it takes, and tell how they differ from those\n' +
        'of the site; exit code 1 where they do.',
    )
    .option('--speed <n>', 'seconds of the recording a second, or as fast as it goes', speed, 'max')
    .action(async (file: string, options: ReplayOptions) => {
      const { replayEdge } = await import('./recording/replay.ts');
      await replayEdge(file, options);
    });
  recording
    .command('test <file>')
    .description('Make a case of the recording: itself and the samples that the program takes from it now.')
    .requiredOption('--out <dir>', 'folder of the cases, such as test/replay/cases')
    .action(async (file: string, options: { readonly out: string }) => {
      const { makeCase } = await import('./recording/make-case.ts');
      await makeCase(file, options.out);
    });
  return recording;
}
