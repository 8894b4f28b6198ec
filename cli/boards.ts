import { Command } from 'commander';

/** `gridtokenx boards`: what there is of building files, and whether they would do. */
export function boardsCommand(): Command {
  const boards = new Command('boards').description('Lists and checks board files and register maps.');
  boards
    .command('list')
    .description('Lists the board files of a folder: meter, devices and where they are.')
    .argument('[folder]', 'the folder', 'boards/stanford')
    .option('--json', 'print JSON')
    .action(async (folder: string, { json }: { readonly json?: boolean }) => {
      (await import('./boards/list.ts')).listBoards(folder, json === true);
    });
  boards
    .command('check')
    .description(
      'Checks board files (*.yaml), register maps (*.json) and folders of them: what the schema and the wiring ask\n' +
        'for, how busy each serial line would be, and that each device falls back to something safe by itself.',
    )
    .argument('<files...>', 'board files, register maps, folders')
    .option('--json', 'print JSON')
    .action(async (files: readonly string[], { json }: { readonly json?: boolean }) => {
      (await import('./boards/check.ts')).checkFiles(files, json === true);
    });
  return boards;
}
