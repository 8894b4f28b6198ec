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

const crossing = (file: string): number => (file.startsWith('test/') ? 0 : 1);

/**
 * The files to run, of all that the tree holds: those that cross folders first, since they take longest and the
 * short ones fill the gaps beside them.
 */
export function selectFiles(files: readonly string[], { full, filters }: TestOptions): string[] {
  return files
    .filter((file) => full || !file.endsWith('.long.test.ts'))
    .filter(
      (file) => filters.length === 0 || filters.some((filter) => file.includes(filter) || matchesGlob(file, filter)),
    )
    .toSorted((a, b) => crossing(a) - crossing(b) || (a < b ? -1 : 1));
}
