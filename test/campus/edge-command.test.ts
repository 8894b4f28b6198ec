import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { delay } from '#hal/wall.ts';
import { loadBoardFile } from '#edge/board-file.ts';
import type { BoardReport } from '#edge/runtime/board-report.ts';
import { debianPackage } from '../debian-packages.ts';
import { programEnvironment } from '../program-environment.ts';
import { prepareIdentities } from '#cli/campus/identities.ts';

const program = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const board = fileURLToPath(new URL('../../boards/stanford/lab-001.yaml', import.meta.url));

function start(t: TestContext, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, 'edge', ...args],
    {
      env: programEnvironment({ GRIDTOKENX_LOG: 'silent', ...env }),
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  t.after(() => child.kill('SIGKILL'));
  let told = '';
  child.stderr?.on('data', (chunk: Buffer) => (told += chunk.toString()));
  const ended = once(child, 'close') as Promise<[code: number | null]>;
  const line = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(told);
      if (found !== null) return found;
      if (child.exitCode !== null) throw new Error(told);
      await Promise.race([once(child.stderr as NodeJS.ReadableStream, 'data'), ended]);
    }
  };
  return { child, line, ended, told: () => told };
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'gtx-edge-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('a board runs while its head-end is away, shows itself, beats for systemd, and stops in order', async (t) => {
  if (!debianPackage(t, 'socat')) return;
  const root = folder(t);
  const file = loadBoardFile(board);
  const { boardsFolder } = await prepareIdentities(join(root, 'ca'), join(root, 'identities'), [file]);
  const socket = join(root, 'notify');
  const manager = spawn('socat', ['-u', '-d', '-d', `UNIX-RECV:${socket}`, 'STDOUT']);
  t.after(() => manager.kill());
  await once(manager.stderr, 'data');
  const heard: string[] = [];
  const stopping = Promise.withResolvers<void>();
  createInterface({ input: manager.stdout }).on('line', (line) => {
    heard.push(line);
    if (line === 'STOPPING=1') stopping.resolve();
  });
  const { child, line, ended, told } = start(
    t,
    `--board ${board} --server https://127.0.0.1:1/dcap --data ${join(root, 'data')} --status-port 0 --identity ${join(boardsFolder, file.meterId)}`.split(
      ' ',
    ),
    // With its coverage.
    { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '3000000' },
  );
  const [, url = ''] = await line(/status at (http:\S+)/);
  let report: BoardReport;
  do {
    await delay(200);
    report = (await (await fetch(`${url}status.json`)).json()) as BoardReport;
  } while (report.sample === null || report.reasons.length === 0 || !heard.includes('WATCHDOG=1'));
  assert.equal(report.meterId, file.meterId);
  assert.ok(report.isControlAlive);
  assert.ok(report.sample.gridW !== undefined && report.sample.inverter !== undefined);
  child.kill('SIGTERM');
  const [code] = await ended;
  assert.equal(code, 0, told());
  await stopping.promise;
  assert.equal(heard[0], 'READY=1');
});

test('what was given wrongly is told with a code, and is a usage error', async (t) => {
  const root = folder(t);
  const server = ['--server', 'https://127.0.0.1:1'];
  const wrong = [
    [['--board', board], 'GTX-CLI-002 required option'],
    [['--board', join(root, 'none.yaml'), ...server], 'GTX-BRD-001'],
    [['--board', board, '--server', 'http://head-end'], 'GTX-CLI-002'],
    [['--board', board, ...server, '--sample', '0'], 'GTX-CLI-002'],
  ] as const;
  const runs = wrong.map(async ([args, text]) => {
    const { ended, told } = start(t, [...args, '--data', join(root, 'data')]);
    const [code] = await ended;
    assert.deepEqual([code, told().startsWith(text)], [2, true], told());
  });
  await Promise.all(runs);
});
