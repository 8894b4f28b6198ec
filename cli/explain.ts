import { Command } from 'commander';
import type { BoardStatus } from '#edge/status-socket.ts';
import { askBoard, defaultFolder } from './ask-board.ts';
import { askHeadEnd, askingHeadEnd, type HeadEndFlags } from './operator.ts';

interface ExplainOptions extends HeadEndFlags {
  readonly board?: string | true;
  readonly json?: boolean;
}

interface Explained {
  readonly summary: string;
  readonly modes: readonly { readonly mode: string; readonly sentence: string }[];
}

/** `gridtokenx explain DEVICE`: which limit applies to a device now, and why. */
export function explainCommand(): Command {
  return askingHeadEnd(new Command('explain'))
    .description(
      'Tells which program, event or default sets each mode of a device now, since when and until when: as the\n' +
        'head-end has it, or with --board as the board itself does it, the installer’s limits of its site included.',
    )
    .argument('<device>', 'the meter id of the device, or its LFDI')
    .option('--board [folder]', `ask the board itself, on this machine; the data folder it runs in (${defaultFolder})`)
    .option('--json', 'print the answer as JSON')
    .action(async (device: string, { board, json, ...flags }: ExplainOptions) => {
      const print = board === undefined ? await headEndSays(flags, device) : await boardSays(board, device);
      process.stdout.write(json === true ? `${JSON.stringify(print.answer, null, 2)}\n` : print.text);
    });
}

interface Printed {
  readonly answer: unknown;
  readonly text: string;
}

const lineOf = (about: string, sentence: string): string => `${about.padEnd(22)}${sentence}\n`;

async function headEndSays(flags: HeadEndFlags, device: string): Promise<Printed> {
  const path = `/api/v1/devices/${encodeURIComponent(device)}/explain`;
  const answer = (await (await askHeadEnd(flags, path)).json()) as Explained;
  const lines = answer.modes.map(({ mode, sentence }) => lineOf(mode, sentence));
  return { answer, text: lines.length === 0 ? `${answer.summary}\n` : lines.join('') };
}

async function boardSays(board: string | true, device: string): Promise<Printed> {
  const path = `/boards/${encodeURIComponent(device)}/explain`;
  const answer = (await askBoard(board === true ? defaultFolder : board, path)) as BoardStatus;
  const lines = answer.sentences.map(({ about, sentence }) => lineOf(about, sentence));
  return { answer, text: lines.length === 0 ? 'The board has not measured anything yet.\n' : lines.join('') };
}
