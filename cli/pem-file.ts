import { readFile } from 'node:fs/promises';
import { GridError, reasonOf } from '#hal/errors.ts';

/** The text of a file that a flag names. Rejects with GTX-CLI-004. */
export async function pemIn(file: string, flag: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new GridError('GTX-CLI-004', `Cannot read ${file}: ${reasonOf(error)}`, {
      kind: 'input',
      hint: `Check the file of ${flag}, and whether this user may read it.`,
      cause: error,
    });
  }
}
