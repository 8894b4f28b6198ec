import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';

/** The Debian packages that tests may ask for, and the command, or the file, by which each is recognised. */
export const debianPackages = {
  chromium: 'chromium',
  mbpoll: 'mbpoll',
  gcc: 'gcc',
  openssl: 'openssl',
  swtpm: 'swtpm',
  'swtpm-tools': 'swtpm_setup',
  'tpm2-tools': 'tpm2_getcap',
  'nginx-light': 'nginx',
  'python3-pymodbus': '/usr/lib/python3/dist-packages/pymodbus/__init__.py',
  'python3-serial-asyncio': '/usr/lib/python3/dist-packages/serial_asyncio/__init__.py',
  'libc6-dev': '/usr/include/stdio.h',
  'libmodbus-dev': '/usr/include/modbus/modbus.h',
  socat: 'socat',
} as const;

export type DebianPackage = keyof typeof debianPackages;

export const isDebianPackage = (name: string): name is DebianPackage => Object.hasOwn(debianPackages, name);

/** The line a person types (as root) to get these packages. */
export const installLine = (names: readonly string[]): string =>
  `apt-get install -y --no-install-recommends ${names.join(' ')}`;

/** Set by the test command for `--strict`: what would be skipped for a missing package fails instead. */
export const strictVariable = 'GRIDTOKENX_TEST_STRICT';

function isThere(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Whether the package's command is on the PATH, or its file is there. */
export function isInstalled(name: DebianPackage): boolean {
  const mark = debianPackages[name];
  if (mark.startsWith('/')) return isThere(mark, constants.R_OK);
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.some((folder) => isThere(join(folder, mark), constants.X_OK));
}

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
