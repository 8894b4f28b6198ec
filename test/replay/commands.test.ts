import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { TcpPort } from '#hal/linux/tcp.ts';
import { everyWall, wallSeconds } from '#hal/wall.ts';
import { ModbusTcpClient } from '#drivers/modbus/client.ts';
import { parseTwinPlan } from '#drivers/twin-plan.ts';
import { TwinSet } from '#drivers/twin-set.ts';
import { loadBoardFile } from '#edge/board-file.ts';
import { prepareIdentities } from '#cli/campus/identities.ts';
import { debianPackage } from '../debian-packages.ts';
import { programEnvironment } from '../program-environment.ts';
import { casesFolder } from './cases.ts';

const program = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const textCase = join(casesFolder, 'front-end-as-text.gtxr');

interface Running {
  readonly child: ChildProcess;
  /** The first line of its output, or of its talk, that holds the text. */
  line(text: string): Promise<string>;
  readonly ended: Promise<Ended>;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(t: TestContext, ...args: readonly string[]): Running {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], {
    env: programEnvironment({ GRIDTOKENX_LOG: 'silent' }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [stdout, stderr]: [string[], string[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    stdout: stdout.join(''),
    stderr: stderr.join(''),
  }));
  const line = async (text: string): Promise<string> => {
    for (;;) {
      const found = [...stdout, ...stderr]
        .join('')
        .split('\n')
        .find((each) => each.includes(text));
      if (found !== undefined) return found;
      if (child.exitCode !== null) throw new Error(`it ended without ${text}: ${stderr.join('')}`);
      await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), ended]);
    }
  };
  return { child, line, ended };
}

const run = (t: TestContext, ...args: readonly string[]): Promise<Ended> => start(t, ...args).ended;

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'gtx-recorded-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Three devices on one Modbus TCP port, in real time. */
async function twins(t: TestContext): Promise<number> {
  const devices = [
    '{ twin: sdm630, unit: 3 }',
    '{ twin: sunspec-inverter, unit: 1 }',
    '{ twin: sunspec-battery, unit: 2 }',
  ];
  const plan = parseTwinPlan('plan.yaml', `ports: [{ tcp: 0, devices: [${devices.join(', ')}] }]`);
  const set = new TwinSet(plan, { now: wallSeconds });
  const [served] = await set.start();
  const second = everyWall(1000, () => set.advanceTo(wallSeconds()));
  t.after(async () => {
    second[Symbol.dispose]();
    await set[Symbol.asyncDispose]();
  });
  return Number(served?.at.split(':')[1]);
}

const board = (port: number): string => `meterId: SITE_001
name: Recorded site
building: academic
zone: campus
location: { latitude: 37.4, longitude: -122.2, timeZone: America/Los_Angeles }
connection: { importLimitW: 100000, exportLimitW: 100000 }
hal: real
ports: { gateway: { tcp: "127.0.0.1:${port}" } }
devices:
  clamps: { driver: sdm630, unit: 3, gridChannel: 1, port: gateway }
  inverter: { driver: sunspec-inverter, unit: 1, ratedW: 15000, port: gateway }
  battery: { driver: sunspec-battery, unit: 2, capacityWh: 20000, ratedW: 10000, reservePercent: 10, port: gateway }
`;

test('what a board records on site is shown, replayed, made a case of, and put on the wire on the desk', async (t) => {
  const root = folder(t);
  const boardPath = join(root, 'board.yaml');
  writeFileSync(boardPath, board(await twins(t)));
  const { boardsFolder } = await prepareIdentities(join(root, 'ca'), join(root, 'ids'), [loadBoardFile(boardPath)]);
  const path = join(root, 'site.gtxr');
  const edge = start(
    t,
    'edge',
    `--board=${boardPath}`,
    '--server=https://127.0.0.1:1/dcap',
    `--data=${join(root, 'data')}`,
    `--identity=${join(boardsFolder, 'SITE_001')}`,
    `--record=${path}`,
  );
  await edge.line('SITE_001 runs');
  await new Promise<void>((resolve) => {
    // A few samples.
    const until = wallSeconds() + 4;
    const waiting = everyWall(100, () => {
      if (wallSeconds() < until) return;
      waiting[Symbol.dispose]();
      resolve();
    });
  });
  edge.child.kill('SIGTERM');
  const stopped = await edge.ended;
  assert.equal(stopped.code, 0, stopped.stderr);

  const cases = join(root, 'cases');
  const [shown, replayed, made] = await Promise.all([
    run(t, 'recording', 'show', path),
    run(t, 'recording', 'edge', path),
    run(t, 'recording', 'test', path, '--out', cases),
  ]);
  assert.equal(shown.code, 0, shown.stderr);
  assert.match(shown.stderr, /Recorded site \(SITE_001\)/);
  assert.match(shown.stdout, /unit 3 read input 0 to 75: .*frequency \d+(\.\d+)? Hz/);
  assert.match(shown.stdout, /unit 1 read holding .*701\.W \d+ W/);
  const samples = replayed.stdout.trimEnd().split('\n');
  assert.ok(samples.length >= 3 && samples.some((line) => line.includes('"gridW"')), replayed.stdout);
  // A machine that is busy with other things may have been late in its own way; `laws.test.ts` has the rule itself.
  const [, differing] =
    new RegExp(`${samples.length} samples replayed, (\\d+) differences`).exec(replayed.stderr) ?? [];
  assert.equal(replayed.code, differing === '0' ? 0 : 1, replayed.stderr);
  assert.equal(made.code, 0, made.stderr);
  assert.equal(readFileSync(join(cases, 'site.samples.jsonl'), 'utf8'), replayed.stdout);

  const twin = start(t, 'twin', '--replay', path, '--tcp', '0');
  const at = /units [\d, ]+ at tcp 127\.0\.0\.1:(\d+)/.exec(await twin.line('at tcp'));
  await using client = new ModbusTcpClient(new TcpPort('127.0.0.1', Number(at?.[1])));
  assert.equal((await client.readHolding(1, 40_000, 2)).toString(), 'SunS');
  const frequency = (await client.readInput(3, 0x46, 2)).readFloatBE(0);
  assert.ok(Math.abs(frequency - 60) < 1 || Math.abs(frequency - 50) < 1, `${frequency} Hz`);
  twin.child.kill('SIGTERM');
  assert.equal((await twin.ended).code, 0);
});

test('a line that was recorded is played on the desk', async (t) => {
  const twin = start(t, 'twin', '--replay', textCase, '--port', 'serial /dev/ttyAMA0', '--tcp', '0');
  const at = /a line at line tcp 127\.0\.0\.1:(\d+)/.exec(await twin.line('at line'));
  const stream = await new TcpPort('127.0.0.1', Number(at?.[1])).open();
  t.after(() => stream.destroy());
  const [chunk] = (await once(stream, 'data')) as [Buffer];
  assert.match(chunk.toString(), /MSG:\d+,V1:/);
});

test("another program's Modbus master reads a recorded line on a pseudo-terminal", async (t) => {
  if (!debianPackage(t, 'mbpoll')) return;
  const path = join(folder(t), 'line');
  const twin = start(t, 'twin', '--replay', join(casesFolder, 'three-on-a-line.gtxr'), '--pty', path);
  await twin.line(`units 3, 1, 2 at rtu ${path}`);
  const asked = '-m rtu -b 19200 -P none -a 3 -t 3:float -B -r 71 -c 1 -1 -q'.split(' ');
  const { stdout } = await promisify(execFile)('mbpoll', [...asked, path]);
  assert.match(stdout, /\[71\]:\s+60/);
});

test('a recording that is cut off or damaged is shown up to there, and said so with file and offset', async (t) => {
  const root = folder(t);
  const bytes = readFileSync(textCase);
  const [cut, damaged] = [join(root, 'cut.gtxr'), join(root, 'damaged.gtxr')];
  writeFileSync(cut, bytes.subarray(0, -5));
  writeFileSync(damaged, Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1)! ^ 1])]));
  const [ofCut, ofDamaged, unclear] = await Promise.all([
    run(t, 'recording', 'show', cut, '--to', '5'),
    run(t, 'recording', 'show', damaged, '--json'),
    run(t, 'twin', '--replay', textCase, '--tcp', '0'),
  ]);
  assert.equal(ofCut.code, 0);
  assert.match(ofCut.stderr, /cut\.gtxr was cut off: it is whole up to byte \d+/);
  assert.match(ofCut.stdout, /unit 2 read holding 40000 to 40001: 53756e53/);
  assert.equal(ofDamaged.code, 2);
  assert.match(ofDamaged.stderr, /GTX-REC-004 .*damaged\.gtxr is damaged at byte \d+/);
  const [first = ''] = ofDamaged.stdout.split('\n');
  assert.equal(typeof (JSON.parse(first) as { readonly seconds: unknown }).seconds, 'number');
  assert.equal(unclear.code, 2);
  assert.match(unclear.stderr, /GTX-REC-010[^]*--port "serial \/dev\/ttyAMA0"/);
});
