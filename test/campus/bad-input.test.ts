import assert from 'node:assert/strict';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemCode } from '#hal/errors.ts';
import {
  CampusProcess,
  type Ended,
  runToEnd,
  shortCampus,
  stanford,
  temporaryFolder,
  twoBoards,
} from './campus-process.ts';

const quick = ['--hours', '0.1', '--speed', 'max', '--sample', '15'];

const run = (args: readonly string[]): Promise<Ended> => new CampusProcess(args).ended;

/** The code, a message that matches, a hint, and the exit code. */
function assertRefused(ended: Ended, exitCode: number, code: string, message: RegExp): void {
  assert.equal(ended.code, exitCode, ended.stderr);
  assert.match(ended.stderr, new RegExp(`^${code} `, 'm'));
  assert.match(ended.stderr, message);
  assert.match(ended.stderr, /^ {2}hint: ./m);
  assert.equal(ended.stdout, '');
}

const wrongFlags: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['an unknown flag', ['--colour', 'red'], /--colour/],
  ['a speed that is no number', ['--speed', 'fast'], /--speed.*fast/],
  ['no hours', ['--hours', '0'], /--hours.*0/],
  ['a sampling period that does not divide 15', ['--sample', '4'], /--sample.*1, 3, 5 or 15/s],
  ['a start that is no time', ['--start', 'tomorrow'], /--start.*tomorrow/],
  ['a start in the 13th month', ['--start', '2026-13-01T00:00:00Z'], /--start/],
  ['a negative seed', ['--seed', '-1'], /--seed/],
  ['a port beyond 65535', ['--http-port', '70000'], /--http-port/],
  ['a key store that does not exist', ['--tpm', 'gold'], /--tpm/],
];

for (const [name, args, message] of wrongFlags) {
  test(`${name} is a usage error and changes nothing`, async (t) => {
    const data = join(temporaryFolder(t, 'flag'), 'data');
    assertRefused(await run(['--data', data, ...args]), 2, 'GTX-CLI-002', message);
    assert.equal(existsSync(data), false);
  });
}

/** A copy of the board files that a test may spoil. */
function copiedBoards(t: Parameters<typeof temporaryFolder>[0]): string {
  const folder = join(temporaryFolder(t, 'boards'), 'boards');
  cpSync(stanford, folder, { recursive: true });
  return folder;
}

test('an invalid board file is told with file, line and what was expected, and changes nothing', async (t) => {
  const folder = copiedBoards(t);
  const file = join(folder, 'eng-001.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('ratedW: 50000', 'ratedW: abc'));
  const data = join(temporaryFolder(t, 'data'), 'data');
  const ended = await run(['--data', data, '--boards', folder]);
  assertRefused(ended, 2, 'GTX-BRD-002', /eng-001\.yaml:\d+ devices\.inverter\.ratedW: expected .*abc/);
  assert.equal(existsSync(data), false);
});

test('two boards with one meter id are named', async (t) => {
  const folder = copiedBoards(t);
  cpSync(join(folder, 'eng-001.yaml'), join(folder, 'eng-copy.yaml'));
  assertRefused(
    await run(['--boards', folder]),
    2,
    'GTX-BRD-003',
    /eng-001\.yaml.*eng-copy\.yaml.*AMI_METER_STANFORD_ENG_001/,
  );
});

test('boards of two zones are refused, and nothing is made', async (t) => {
  const folder = copiedBoards(t);
  const file = join(folder, 'eng-001.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('zone: campus', 'zone: annex'));
  const data = join(temporaryFolder(t, 'zones'), 'data');
  assertRefused(await run(['--data', data, '--boards', folder]), 2, 'GTX-CMP-005', /zone/);
  assert.equal(existsSync(data), false);
});

test('a folder without board files, and one that is missing', async (t) => {
  assertRefused(await run(['--boards', temporaryFolder(t, 'none')]), 2, 'GTX-BRD-004', /No board file/);
  assertRefused(await run(['--boards', '/nowhere/at/all']), 2, 'GTX-BRD-001', /nowhere/);
});

const traces = (csv: string): readonly [string, string] => [
  'traces:\n  - { building: AMI_METER_STANFORD_ENG_001, quantity: load, file: load.csv, column: power, unit: W, time: time }\n',
  csv,
];
const wrongTraces: readonly (readonly [string, string, string, RegExp])[] = [
  ['a missing column', 'time,watts\n2026-06-22T00:00,1\n', 'GTX-TRC-003', /load\.csv:1.*power/],
  ['a gap', 'time,power\n2026-06-22T00:00,1\n2026-06-22T00:15,1\n2026-06-22T00:45,1\n', 'GTX-TRC-004', /load\.csv:4/],
  ['a non-number', 'time,power\n2026-06-22T00:00,1\n2026-06-22T00:15,many\n', 'GTX-TRC-005', /load\.csv:3.*many/],
];

for (const [name, csv, code, message] of wrongTraces) {
  test(`a trace with ${name} is told with file and line, and changes nothing`, async (t) => {
    const folder = temporaryFolder(t, 'traces');
    const [yaml, text] = traces(csv);
    writeFileSync(join(folder, 'traces.yaml'), yaml);
    writeFileSync(join(folder, 'load.csv'), text);
    const data = join(folder, 'data');
    assertRefused(await run(['--data', data, '--traces', folder]), 2, code, message);
    assert.equal(existsSync(data), false);
  });
}

for (const [flag, other] of [
  ['--sep-port', '--http-port'],
  ['--http-port', '--sep-port'],
] as const) {
  test(`a port that is taken is named with its flag (${flag})`, async (t) => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const { port } = server.address() as net.AddressInfo;
    const data = join(temporaryFolder(t, 'port'), 'data');
    const ended = await run(['--data', data, flag, String(port), other, '0', ...quick]);
    assertRefused(ended, 1, 'GTX-CMP-003', new RegExp(`Port ${port}.*taken`));
    assert.match(ended.stderr, new RegExp(`hint: .*${flag}`));
    assert.equal(existsSync(data), false);
  });
}

test('a data folder of another version is left as it is', async (t) => {
  const data = temporaryFolder(t, 'version');
  writeFileSync(join(data, 'gridtokenx.json'), '{"program":"gridtokenx","version":99}\n');
  assertRefused(await run(['--data', data, ...quick]), 1, 'GTX-DAT-002', /version 99/);
  assert.deepEqual(readdirSync(data), ['gridtokenx.json']);
});

test('a data folder that cannot be written is told', async (t) => {
  const folder = temporaryFolder(t, 'readonly');
  const data = join(folder, 'file', 'data');
  writeFileSync(join(folder, 'file'), 'not a folder');
  assertRefused(await run(['--data', data, ...quick]), 1, 'GTX-DAT-001', /data/);
});

/** Lets a file take what is left of its disk. */
function fill(file: string): void {
  const piece = Buffer.alloc(1 << 16);
  const descriptor = openSync(file, 'w');
  try {
    while (writeSync(descriptor, piece) > 0);
  } catch (error) {
    if (systemCode(error) !== 'ENOSPC') throw error;
  } finally {
    closeSync(descriptor);
  }
}

test('a disk without space is told, at the first start and in the middle of a run', { timeout: 120_000 }, async (t) => {
  const disk = temporaryFolder(t, 'disk');
  const two = twoBoards(t);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0711', 'tmpfs', disk]);
  if (mounted.status !== 0) {
    t.skip('only root may mount a small file system');
    return;
  }
  using _mounted = { [Symbol.dispose]: () => void spawnSync('umount', ['-l', disk]) };
  const first = await run(shortCampus(join(disk, 'data'), [...two, ...quick]));
  assert.equal(first.code, 1, first.stderr);
  assert.match(first.stderr, /^GTX-[A-Z]+-\d+ .*[Nn]o space left/m);
  spawnSync('mount', ['-o', 'remount,size=400m', disk]);
  const running = new CampusProcess(shortCampus(join(disk, 'data'), [...two, '--speed', 'max', '--sample', '15']));
  await running.says(/dashboard/);
  const filler = join(disk, 'filler');
  fill(filler);
  const full = await running.ended;
  assert.equal(full.code, 1, full.stderr);
  assert.match(full.stderr, /^GTX-[A-Z]+-\d+ .*([Nn]o space left|disk)/m);
  assert.match(full.stderr, /^ {2}hint: ./m);
  rmSync(filler);
  const report = await runToEnd(shortCampus(join(disk, 'data'), [...two, ...quick]));
  assert.equal(report.readings.lost, 0);
  assert.equal(report.settlement.moneyResidueMicro, 0);
});

test('a data folder that another campus uses is refused', async (t) => {
  const data = temporaryFolder(t, 'twice');
  const two = twoBoards(t);
  const first = new CampusProcess(shortCampus(data, [...two, '--speed', '1']));
  await first.says(/dashboard/);
  assertRefused(await run(shortCampus(data, [...two, ...quick])), 1, 'GTX-DAT-003', /Another campus/);
  first.child.kill('SIGTERM');
  assert.equal((await first.ended).code, 0);
});

test('a start before what is stored is refused, and the data goes on', async (t) => {
  const data = temporaryFolder(t, 'start');
  const two = twoBoards(t);
  const startAt = (time: string): Promise<Ended> => run(shortCampus(data, [...two, ...quick, '--start', time]));
  const first = await startAt('2026-06-22T12:00:00Z');
  assert.equal(first.code, 0, first.stderr);
  assertRefused(await startAt('2026-06-22T11:00:00Z'), 2, 'GTX-CMP-001', /2026-06-22T12:06/);
  const again = await startAt('2026-06-22T13:00:00Z');
  assert.equal(again.code, 0, again.stderr);
});

test('a traces folder that does not exist, and a report that cannot be written', async (t) => {
  assertRefused(await run(['--traces', '/nowhere/at/all']), 2, 'GTX-TRC-001', /nowhere/);
  const data = temporaryFolder(t, 'json');
  mkdirSync(join(data, 'sub'));
  const ended = await run(shortCampus(data, [...quick, '--json', join(data, 'no', 'such', 'report.json')]));
  assert.equal(ended.code, 2, ended.stderr);
  assert.match(ended.stderr, /GTX-CMP-002/);
});
