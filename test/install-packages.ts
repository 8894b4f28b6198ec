import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { type DebianPackage, debianPackages, installLine, isDebianPackage, isInstalled } from './debian-packages.ts';

const asked = /\bdebianPackage\(\s*\w+,\s*'([^']+)'\s*\)/g;

/** The Debian packages that a test's source asks for by `debianPackage(t, '…')`. */
export const packagesAskedBy = (source: string): DebianPackage[] =>
  [...source.matchAll(asked)].map(([, name = '']) => name).filter(isDebianPackage);

/** The packages that these test files need and this machine lacks. */
export async function missingPackages(files: readonly string[]): Promise<DebianPackage[]> {
  const sources = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const needed = new Set(sources.flatMap(packagesAskedBy));
  return (Object.keys(debianPackages) as DebianPackage[]).filter((name) => needed.has(name) && !isInstalled(name));
}

/**
 * As root on a system with apt-get, installs packages and says so; otherwise only says what is missing, and the
 * tests that need it are skipped by name, or fail under `--strict`.
 */
export function provide(missing: readonly DebianPackage[], say: (line: string) => void): void {
  if (missing.length === 0) return;
  const apt = (...args: string[]): boolean => {
    say(`> apt-get ${args.join(' ')}`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const { status } = spawnSync('apt-get', ['-qq', ...args], { stdio: ['ignore', 'ignore', 'inherit'], env });
    return status === 0;
  };
  if (process.getuid?.() !== 0) {
    say(`Tests that need ${missing.join(', ')} cannot run; as root: ${installLine(missing)}`);
  } else if (!apt('update') || !apt('install', '-y', '--no-install-recommends', ...missing)) {
    say(`apt-get failed: tests that need ${missing.join(', ')} cannot run`);
  }
}
