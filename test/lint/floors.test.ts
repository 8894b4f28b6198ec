import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';

const root = join(import.meta.dirname, '..', '..');

/** The folders from the ground up; those of one floor know nothing of each other. */
const floors = [
  ['hal'],
  ['drivers', 'ieee2030_5'],
  ['provisioning'],
  ['edge', 'head-end'],
  ['boards'],
  ['cli'],
] as const;
const folders = floors.flat();

const floorOf = (folder: string): number => floors.findIndex((floor) => floor.some((name) => name === folder));

/** DESIGN's rule: downwards only, and never from the head-end to a driver. */
const mayImport = (from: string, to: string): boolean =>
  floorOf(to) < floorOf(from) && !(from === 'head-end' && to === 'drivers');

/** Lints these files (path and source) under the project's own rules; the output, a diagnostic a line. */
async function lint(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const name of ['.oxlintrc.json', 'package.json', 'tsconfig.json'])
    await copyFile(join(root, name), join(folder, name));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const [path, source] of Object.entries(files)) {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), source);
  }
  const oxlint = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint');
  // The folders by name, so that it does not descend into node_modules.
  const tops = new Set(Object.keys(files).map((path) => path.split('/')[0]!));
  const args = [oxlint, '--type-aware', '--format=unix', ...tops];
  const child = spawn(process.execPath, args, { cwd: folder, signal: t.signal });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  return output;
}

/** The files in which a rule found something. */
const filesWith = (output: string, rule: RegExp): string[] =>
  output
    .split('\n')
    .filter((line) => rule.test(line))
    .map((line) => line.split(':')[0]!)
    .toSorted();

test('an import against the direction of the floors is rejected, one along it is not', async (t) => {
  const files: Record<string, string> = {};
  const forbidden: string[] = [];
  for (const from of folders) {
    for (const to of folders) {
      if (from === to) continue;
      const path = `${from}/imports-${to}.ts`;
      files[`${to}/door.ts`] = 'export const door = 1;\n';
      files[path] = `import { door } from '#${to}/door.ts';\nexport const through = door;\n`;
      if (!mayImport(from, to)) forbidden.push(path);
    }
  }
  const output = await lint(t, files);
  assert.deepEqual(filesWith(output, /no-restricted-imports/), forbidden.toSorted());
  assert.ok(forbidden.length > 20);
});

test('another folder is reached by its # name only, from however deep', async (t) => {
  const output = await lint(t, {
    'hal/door.ts': 'export const door = 1;\n',
    'edge/near.ts': "import { door } from '../hal/door.ts';\nexport const through = door;\n",
    'edge/client/deep.ts': "import { door } from '../../hal/door.ts';\nexport const through = door;\n",
    'edge/client/within.ts': "import { door } from '../own.ts';\nexport const through = door;\n",
    'edge/own.ts': 'export const door = 1;\n',
  });
  assert.deepEqual(filesWith(output, /no-restricted-imports/), ['edge/client/deep.ts', 'edge/near.ts']);
});

test('a promise left alone and a switch that forgets a case are rejected by their types', async (t) => {
  const output = await lint(t, {
    'hal/floating.ts':
      'const work = async (): Promise<void> => {};\nexport const start = (): void => {\n  work();\n};\n',
    'hal/switch.ts':
      "export const nameOf = (side: 'buy' | 'sell'): string => {\n  switch (side) {\n    case 'buy':\n      return 'b';\n  }\n  return '';\n};\n",
  });
  assert.deepEqual(filesWith(output, /no-floating-promises/), ['hal/floating.ts']);
  assert.deepEqual(filesWith(output, /switch-exhaustiveness-check/), ['hal/switch.ts']);
});

test('time, chance and the environment come from hal and cli only', async (t) => {
  const source = [
    'export const now = Date.now();',
    'export const chance = Math.random();',
    "export const home = process.env['HOME'];",
    'export const timer = setTimeout(() => undefined, 1);',
    '',
  ].join('\n');
  const output = await lint(t, Object.fromEntries(folders.map((folder) => [`${folder}/ambient.ts`, source])));
  for (const rule of [/no-restricted-properties/, /no-restricted-globals/]) {
    const found = new Set(filesWith(output, rule));
    const expected = folders
      .filter((folder) => folder !== 'hal' && folder !== 'cli')
      .map((folder) => `${folder}/ambient.ts`);
    assert.deepEqual([...found], expected.toSorted());
  }
});

test('every folder says in at most 20 lines what lives there', async () => {
  for (const folder of [...folders, 'test']) {
    const lines = (await readFile(join(root, folder, 'README.md'), 'utf8')).trimEnd().split('\n');
    assert.ok(lines.length <= 20, `${folder}/README.md has ${lines.length} lines`);
    assert.match(lines[0]!, new RegExp(`^# ${folder}/`));
  }
});
