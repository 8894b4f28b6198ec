import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';

/** The Debian packages that tests may ask for, and the command by which each is recognised. */
export const debianPackages = {
  chromium: 'chromium',
  mbpoll: 'mbpoll',
  gcc: 'gcc',
  openssl: 'openssl',
  swtpm: 'swtpm',
  'swtpm-tools': 'swtpm_setup',
  'tpm2-tools': 'tpm2_getcap',
  'nginx-light': 'nginx',
} as const;

export type DebianPackage = keyof typeof debianPackages;

export const isDebianPackage = (name: string): name is DebianPackage => Object.hasOwn(debianPackages, name);

/** The line a person types (as root) to get these packages. */
export const installLine = (names: readonly string[]): string =>
  `apt-get install -y --no-install-recommends ${names.join(' ')}`;

/** Set by the test command for `--strict`: what would be skipped for a missing package fails instead. */
export const strictVariable = 'GRIDTOKENX_TEST_STRICT';

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Whether the package's command is on the PATH. */
export const isInstalled = (name: DebianPackage): boolean =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .some((folder) => folder !== '' && isExecutable(join(folder, debianPackages[name])));

/**
 * First line of a test that needs a Debian package: `if (!debianPackage(t, 'mbpoll')) return;`.
 * Where it is missing the test is marked as skipped with the line that installs it, or fails under `--strict`.
 */
export function debianPackage(t: TestContext, name: DebianPackage): boolean {
  if (isInstalled(name)) return true;
  const reason = `needs Debian's ${name}: ${installLine([name])}`;
  if (process.env[strictVariable] === '1') throw new Error(reason);
  t.skip(reason);
  return false;
}
