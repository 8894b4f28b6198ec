import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { GridError, reasonOf } from '#hal/errors.ts';
import { loadRegisterMap, readsOf } from '#drivers/register-map.ts';
import { loadBoardFile } from '#edge/board-file.ts';
import { linesOf, refusalsOf } from './findings.ts';

interface Checked {
  readonly file: string;
  /** What is good about it, in a line. */
  readonly summary?: string;
  readonly faults: readonly { readonly code: string; readonly message: string; readonly hint: string | undefined }[];
}

/**
 * Checks every file and folder, prints a line or the faults of each, and throws GTX-BRD-022 (input) when there was one.
 */
export function checkFiles(paths: readonly string[], asJson: boolean): void {
  const checked = paths.flatMap(filesAt).map(checkFile);
  if (asJson) process.stdout.write(`${JSON.stringify(checked, null, 2)}\n`);
  else for (const each of checked) process.stdout.write(textOf(each));
  const bad = checked.filter(({ faults }) => faults.length > 0);
  if (bad.length === 0) return;
  throw new GridError('GTX-BRD-022', `${bad.length} of ${checked.length} files would not do`, { kind: 'input' });
}

/** The board files and register maps below a folder, in order; a file as it is. */
function filesAt(path: string): readonly string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => /\.(ya?ml|json)$/.test(name));
    return names.toSorted().map((name) => join(path, name));
  } catch (error) {
    throw new GridError('GTX-BRD-001', `${path} cannot be read: ${reasonOf(error)}`, {
      kind: 'input',
      hint: 'Check the path and that you may read it.',
      cause: error,
    });
  }
}

function checkFile(file: string): Checked {
  try {
    return file.endsWith('.json') ? checkMap(file) : checkBoard(file);
  } catch (error) {
    if (!(error instanceof GridError)) throw error;
    return { file, faults: [{ code: error.code, message: error.message, hint: error.hint }] };
  }
}

function checkMap(file: string): Checked {
  const map = loadRegisterMap(file);
  const requests = readsOf(map).length;
  return { file, summary: `${map.title}, ${map.points.length} points in ${requests} requests`, faults: [] };
}

function checkBoard(file: string): Checked {
  const board = loadBoardFile(file);
  const lines = linesOf(board).map(
    ({ port, units, utilisation }) => `${port} ${Math.round(100 * utilisation)} % busy with ${units}`,
  );
  return { file, summary: [board.meterId, ...lines].join(', '), faults: refusalsOf(board).map((refusal) => refusal) };
}

function textOf({ file, summary, faults }: Checked): string {
  if (faults.length === 0) return `ok  ${file}: ${summary}\n`;
  return faults
    .map(({ code, message, hint }) => {
      const where = message.startsWith(file) ? message : `${file}: ${message}`;
      return `${code} ${where}\n${hint === undefined ? '' : `  hint: ${hint}\n`}`;
    })
    .join('');
}
