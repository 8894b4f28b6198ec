import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  CampusProcess,
  runningProcesses,
  runToEnd,
  shortCampus,
  temporaryFolder,
  twoBoards,
} from './campus-process.ts';
import { programEnvironment } from '../program-environment.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Processes that have this data folder in their command line or, as the children of a campus, in their parent's. */
const leftOver = (data: string): string[] =>
  runningProcesses().flatMap(({ command }) => (command.includes(data) ? [command] : []));

async function assertEndedWithin5s(
  ended: Promise<unknown>,
  told: number,
  data: string,
  pids: readonly number[],
): Promise<void> {
  await ended;
  assert.ok(performance.now() - told < 5000, `took ${performance.now() - told} ms`);
  assert.deepEqual(leftOver(data), []);
  const alive = runningProcesses().filter(({ pid }) => pids.includes(pid));
  assert.deepEqual(alive, []);
  assert.equal(existsSync(join(data, 'head-end', 'database', 'pg', 'postmaster.pid')), false);
  const left = readdirSync(data, { recursive: true, encoding: 'utf8' });
  assert.deepEqual(
    left.filter((name) => /(^|\/)lock$|\.new$/.test(name)),
    [],
  );
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

test('each signal ends everything within five seconds, and the next start goes on', async (t) => {
  const data = temporaryFolder(t, 'stop');
  for (const signal of signals) {
    const campus = new CampusProcess(shortCampus(data, ['--speed', '20', '--sample', '5']));
    await campus.says(/dashboard/);
    const pids = campus.processes().map(({ pid }) => pid);
    assert.ok(pids.length >= 4, `head-end, boards, postgres and its guard: ${pids.length}`);
    const told = performance.now();
    campus.child.kill(signal);
    await assertEndedWithin5s(campus.ended, told, data, pids);
    assert.equal((await campus.ended).code, 0, signal);
  }
  const again = await runToEnd(shortCampus(data, ['--speed', 'max', '--hours', '0.05', '--sample', '15']));
  assert.equal(again.readings.lost, 0);
});

test('each signal to npm ends everything too', async (t) => {
  const data = temporaryFolder(t, 'npm');
  const two = twoBoards(t);
  for (const signal of signals) {
    const npm = spawn('npm', ['start', '--', ...shortCampus(data, two)], {
      cwd: root,
      env: programEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    npm.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    while (!stderr.includes('dashboard')) await once(npm.stderr, 'data');
    const ended = once(npm, 'close');
    const told = performance.now();
    npm.kill(signal);
    await assertEndedWithin5s(ended, told, data, []);
  }
});

test('a first start that is told to stop at one step ends, and the next start goes on with it', async (t) => {
  const data = temporaryFolder(t, 'start');
  const two = twoBoards(t);
  // It compiles its code, too.
  const env = { NODE_COMPILE_CACHE: temporaryFolder(t, 'cache') };
  for (const step of ['certificates', 'head-end and boards', 'creating the database', 'starting the ledger']) {
    const campus = new CampusProcess(shortCampus(data, two), { env });
    await campus.says(new RegExp(step));
    const pids = campus.processes().map(({ pid }) => pid);
    const told = performance.now();
    campus.child.kill('SIGINT');
    await assertEndedWithin5s(campus.ended, told, data, pids);
    assert.equal((await campus.ended).code, 0, step);
    // The last step may be over before the signal is there.
    assert.match(campus.stderr, /stopped (before it had started|at .*); the next start/);
  }
  const again = await runToEnd(shortCampus(data, [...two, '--speed', 'max', '--hours', '0.01', '--sample', '15']));
  assert.equal(again.readings.lost, 0);
});

test('on a terminal the start shows its steps, then one screen of status, and Ctrl-C ends it', async (t) => {
  const data = temporaryFolder(t, 'tty');
  const command = [
    process.execPath,
    'cli/gridtokenx.js',
    'campus',
    ...shortCampus(data, ['--speed', '60', '--sample', '15']),
  ];
  const terminal = spawn('script', ['-qefc', command.join(' '), '/dev/null'], {
    cwd: root,
    env: programEnvironment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let screen = '';
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => (screen += text));
  // The first screen is drawn before the first board has posted.
  while (!/boards +25 online/.test(screen)) await once(terminal.stdout, 'data');
  assert.match(screen, /✓ certificates/);
  assert.match(screen, /✓ starting the ledger/);
  assert.match(screen, /readings +\d+ stored/);
  assert.match(screen, /Ctrl-C ends it/);
  const ended = once(terminal, 'close');
  const told = performance.now();
  terminal.stdin.write('\x03');
  await assertEndedWithin5s(ended, told, data, []);
  assert.match(screen, /stopped at .*; the next start goes on/);
});
