import { matchesGlob } from 'node:path';
import { parseArgs } from 'node:util';

export interface TestOptions {
  /** Long and random suites too (`*.long.test.ts`). */
  readonly full: boolean;
  /** What needs a Debian package that is missing fails instead of being skipped. */
  readonly strict: boolean;
  readonly coverage: boolean;
  /** Parts of paths, or globs; all files when empty. */
  readonly filters: readonly string[];
}

/** Reads the test command's arguments. Throws a TypeError for an unknown flag. */
export function parseOptions(args: readonly string[]): TestOptions {
  const flag = { type: 'boolean', default: false } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { full: flag, strict: flag, coverage: flag },
  });
  return { ...values, filters: positionals };
}

/** What takes longest of all: begun last it would run on when all else has ended. */
const longest =
  /(^ieee2030_5\/(fuzz|judge)|^test\/(faults\/kill|campus\/(campus|stop|bad-input))|\/provision-commands)\./;
const rank = (file: string): number => (longest.test(file) ? 0 : file.startsWith('test/') ? 1 : 2);

/**
 * The files to run, of all that the tree holds: the longest first, then those that cross folders, and the short ones
 * fill the gaps beside them.
 */
export function selectFiles(files: readonly string[], { full, filters }: TestOptions): string[] {
  return files
    .filter((file) => full || !file.endsWith('.long.test.ts'))
    .filter(
      (file) => filters.length === 0 || filters.some((filter) => file.includes(filter) || matchesGlob(file, filter)),
    )
    .toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}
