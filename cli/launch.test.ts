import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, sep } from 'node:path';
import { test, type TestContext } from 'node:test';

const node24 = join(import.meta.dirname, 'node24.js');
const gridtokenx = join(import.meta.dirname, 'gridtokenx.js');
const guard = join(import.meta.dirname, 'launcher-guard.ts');

/** A Node below 24 on the PATH, as a fresh Debian has; npm puts the packages' own commands before it. */
function olderNode(t: TestContext): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (folder.split(sep).includes('node_modules')) continue;
    const { status, stdout } = spawnSync(join(folder, 'node'), ['-p', 'process.versions.node'], { encoding: 'utf8' });
    if (status === 0 && Number.parseInt(stdout, 10) < 24) return join(folder, 'node');
  }
  t.skip('no Node older than 24 is on the PATH');
  return undefined;
}

const versionBy = (node: string) => spawnSync(node, [gridtokenx, '--version'], { encoding: 'utf8' });

/** Starts a program under the launcher and resolves when it has printed something. */
async function start(t: TestContext, source: string): Promise<ChildProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  const file = join(folder, 'program.ts');
  await writeFile(file, source);
  const launcher = spawn(process.execPath, [node24, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(async () => {
    launcher.kill('SIGKILL');
    await rm(folder, { recursive: true });
  });
  await once(launcher.stdout, 'data');
  return launcher;
}

const waiting = `
  import { followLauncher } from ${JSON.stringify(guard)};
  followLauncher();
  process.on('SIGINT', () => process.exit(41));
  process.on('SIGHUP', () => process.exit(42));
  setInterval(() => undefined, 1000);
  console.log('ready');
`;

test('arguments go to Node 24 and its exit code comes back', () => {
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      node24,
      '-e',
      'console.log(process.versions.node.split(".")[0], process.argv.slice(1)); process.exit(7)',
      '--',
      '-x',
      'y z',
    ],
    { encoding: 'utf8' },
  );
  assert.match(stdout, /^\d\d \[ '-x', 'y z' \]/);
  assert.ok(Number.parseInt(stdout, 10) >= 24);
  assert.equal(status, 7);
});

test('a signal that ends the program ends the launcher in the same way', () => {
  const { signal } = spawnSync(process.execPath, [node24, '-e', 'process.kill(process.pid, "SIGKILL")']);
  assert.equal(signal, 'SIGKILL');
});

test('signals to the launcher reach the program', async (t) => {
  for (const [signal, expected] of [
    ['SIGINT', 41],
    ['SIGHUP', 42],
  ] as const) {
    const launcher = await start(t, waiting);
    launcher.kill(signal);
    const [code] = (await once(launcher, 'exit')) as [number];
    assert.equal(code, expected);
  }
});

test('a launcher that is killed takes the program with it', async (t) => {
  const launcher = await start(t, waiting);
  // The program holds the other end of the launcher's stdout: it closes when both are gone.
  const closed = once(launcher, 'close');
  launcher.kill('SIGKILL');
  const [, signal] = (await closed) as [null, string];
  assert.equal(signal, 'SIGKILL');
});

test('without a Node 24 there is one line that says what to do', async (t) => {
  const node = olderNode(t);
  if (node === undefined) return;
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  for (const name of ['launch.js', 'node24.js', 'npm-parent.js'])
    await copyFile(join(import.meta.dirname, name), join(folder, name));
  const { status, stderr } = spawnSync(node, [join(folder, 'node24.js'), '-v'], { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /^GTX-CLI-001 GridTokenX needs Node 24: .*(npm ci|install Node 24).*\n$/);
});

test('the command runs from an older Node and from Node 24 alike', (t) => {
  const own = versionBy(process.execPath);
  assert.deepEqual([own.status, own.stderr], [0, '']);
  assert.match(own.stdout, /^\d+\.\d+\.\d+\n$/);
  const older = olderNode(t);
  if (older === undefined) return;
  assert.equal(versionBy(older).stdout, own.stdout);
});

test('the command line is read by the program: wrong usage exits with 2', () => {
  const { status, stderr } = spawnSync(process.execPath, [gridtokenx, 'frobnicate'], { encoding: 'utf8' });
  assert.equal(status, 2);
  assert.match(stderr, /^GTX-CLI-002 unknown command 'frobnicate'/);
});
