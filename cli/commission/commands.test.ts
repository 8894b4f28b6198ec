import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, suite, test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { parseTwinPlan } from '#drivers/twin-plan.ts';
import { TwinSet } from '#drivers/twin-set.ts';
import { signReport } from '#edge/commissioning/signed-report.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'gtx-commands-'));
const noon = 1_782_068_400;
/** The building lives at noon, second by second. */
const began = wallSeconds();
let ahead = 0;
const clock = { now: () => UnixSeconds(noon + ahead + wallSeconds() - began) };
const plan = `
start: 2026-06-21T19:00:00Z
ports:
  - tcp: 0
    devices:
      - { twin: sdm630, unit: 5, set: { frequency: 50.01 } }
      - { twin: sunspec-inverter, unit: 1 }
      - { twin: sunspec-battery, unit: 2 }
  - pty: ${join(folder, 'line')}
    devices: [{ twin: sdm120, unit: 1 }]
  - pty: ${join(folder, 'other')}
    devices: [{ twin: sdm120, unit: 1, set: { power: 1234.5 } }]
`;
const twins = new TwinSet(parseTwinPlan('test', plan), clock);
let address = '';
let board = '';
const ticking = setInterval(() => twins.advanceTo(clock.now()), 250);
ticking.unref();

before(async () => {
  const [first] = await twins.start();
  // So that power flows from the first question on.
  ahead = 5;
  twins.advanceTo(clock.now());
  address = first!.at.replace('tcp ', '');
  board = join(folder, 'board.yaml');
  writeFileSync(
    board,
    `meterId: AMI_METER_TEST_001
name: Test
building: academic
zone: campus
location: { latitude: 37.4, longitude: -122.1, timeZone: America/Los_Angeles }
connection: { importLimitW: 50000, exportLimitW: 20000 }
hal: real
ports: { bus: { tcp: "${address}" } }
devices:
  clamps: { driver: sdm630, port: bus, unit: 5, gridChannel: 1 }
  inverter: { driver: sunspec-inverter, port: bus, unit: 1, ratedW: 15000 }
  battery: { driver: sunspec-battery, port: bus, unit: 2, ratedW: 10000, capacityWh: 20000, reservePercent: 20 }
`,
  );
});
after(async () => {
  clearInterval(ticking);
  await twins[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const data = ['--data', join(folder, 'none')];
const command = [join(root, 'cli', 'gridtokenx.js')];

const run = (
  ...args: readonly string[]
): Promise<{ code: number | string | undefined; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [...command, ...args], { cwd: root }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? undefined), stdout, stderr });
    });
  });

let running: Promise<unknown> = Promise.resolve();
/** A command on the board itself: its devices are held by one program at a time, the next one would be refused. */
const runOnBoard = (...args: readonly string[]): ReturnType<typeof run> => {
  const turn = running.then(() => run(...args, '--board', board, ...data));
  running = turn;
  return turn;
};

const lineMatching = async (child: ChildProcess, pattern: RegExp): Promise<string> => {
  for await (const line of createInterface(child.stdout!)) if (pattern.test(line)) return line;
  throw new Error(`no line like ${pattern}`);
};

suite('commands that only look', { concurrency: 4 }, () => {
  test('detect tells who is behind an address, and what a board file says of it', async () => {
    const { code, stdout } = await run('detect', '--tcp', address, '--units', '1-6');
    assert.equal(code, 0);
    assert.match(stdout, /unit 1: GridTokenX PV inverter twin \(certain\): inverter, 15000 W/);
    assert.match(stdout, /unit 5: Eastron SDM630 Modbus V2 \(likely\)/);
    assert.match(stdout, /inverter: \{ driver: sunspec-inverter, port: line1, unit: 1, ratedW: 15000 \}/);
  });

  test('detect finds a meter on a serial line', async () => {
    const { code, stdout } = await run('detect', '--serial', join(folder, 'line'), '--units', '1-2', '--json');
    assert.equal(code, 0);
    const { found, port } = JSON.parse(stdout) as {
      found: { unit: number; meters: { map: string }[] }[];
      port: { serial: string; baud: number };
    };
    assert.deepEqual([found[0]?.unit, found[0]?.meters[0]?.map], [1, 'sdm120']);
    // A pty has no speed: on a machine that is late the second one may be the first that is answered.
    assert.equal(port.serial, join(folder, 'line'));
    assert.ok([9600, 19_200].includes(port.baud), String(port.baud));
  });

  test('detect says so when nobody is there, and refuses to guess where to look', async () => {
    const nobody = await run('detect', '--tcp', address, '--units', '77');
    assert.deepEqual([nobody.code, /GTX-DTC-002/.test(nobody.stderr)], [1, true]);
    const nowhere = await run('detect');
    assert.deepEqual([nowhere.code, /GTX-DTC-001/.test(nowhere.stderr)], [2, true]);
  });

  test('read shows the values of one device by name, and of a role of a board', async () => {
    const one = await run('read', 'sdm120', '--serial', join(folder, 'other'), '--unit', '1', '--json');
    const [reading] = JSON.parse(one.stdout) as { points: { name: string; value: number; unit: string }[] }[];
    const power = reading?.points.find(({ name }) => name === 'power');
    assert.deepEqual([one.code, power?.value, power?.unit], [0, 1234.5, 'W']);
    const role = await runOnBoard('read', 'battery');
    assert.deepEqual([role.code, /713 DERStorageCapacity/.test(role.stdout)], [0, true]);
    const silent = await run('read', 'sdm630', '--tcp', address, '--unit', '99');
    assert.deepEqual([silent.code, /GTX-CMS-005/.test(silent.stderr)], [1, true]);
    const none = await runOnBoard('read', 'ripple');
    assert.deepEqual([none.code, /GTX-CMS-002/.test(none.stderr)], [2, true]);
  });

  test('doctor asks the devices of a board, and ends with 1 where one is not well', async () => {
    const well = await runOnBoard('doctor');
    assert.equal(well.code, 0, well.stdout + well.stderr);
    assert.match(well.stdout, /ok {6}device inverter: .* answers with \d+ values/);
    const ill = await run('doctor', '--tpm', '/dev/gtx-no-tpm', '--json', ...data);
    const findings = JSON.parse(ill.stdout) as { check: string; state: string }[];
    assert.deepEqual([ill.code, findings.find(({ check }) => check === 'TPM')?.state], [1, 'fault']);
  });

  test('verify report tells who signed, and refuses what was changed', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = {
      publicKey,
      sign: (message: Uint8Array) =>
        Promise.resolve(sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
    };
    const report = { meterId: 'A', at: '2026-06-21T19:00:00Z', verdict: 'good' };
    const signed = await signReport(report, { key, chain: [] });
    const file = join(folder, 'report.json');
    writeFileSync(file, JSON.stringify(signed));
    const good = await run('verify', 'report', file);
    assert.deepEqual([good.code, /The report of A .* holds; its verdict is good/.test(good.stdout)], [0, true]);
    writeFileSync(file, JSON.stringify({ ...signed, report: { ...report, verdict: 'fault' } }));
    const changed = await run('verify', 'report', file);
    assert.deepEqual([changed.code, /GTX-RPT-002/.test(changed.stderr)], [1, true]);
  });
});

test('a dry limit names registers and values, and the inverter goes on as it was', async () => {
  const { code, stdout } = await runOnBoard('limit', '--watts', '3000', '--dry-run');
  assert.equal(code, 0, stdout);
  assert.match(stdout, /704\.WMaxLimPct +20 Pct/);
  assert.match(stdout, /704\.WMaxLimPctRvrtTms +60 Secs/);
  assert.match(stdout, /Nothing was written\.\n$/);
  assert.ok(twins.site.state.pvW > 5000);
});

/** The sun's power flows again; the test's time-out ends the wait. */
const isFree = (): Promise<void> =>
  new Promise((resolve) => {
    const looking = setInterval(() => {
      if (twins.site.state.pvW <= 5000) return;
      clearInterval(looking);
      resolve();
    }, 20);
  });

test('a limit holds until Ctrl-C, and is released by it', async () => {
  const args = [...command, 'limit', '--board', board, '--watts', '3000', '--seconds', '600', ...data];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let told = '';
  child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
  });
  assert.match(await lineMatching(child, /3000 W +3000 W +3000 W/), /:\d\d /);
  assert.ok(twins.site.state.pvW <= 3000);
  child.kill('SIGINT');
  assert.equal(await ended, 0, told);
  assert.match(told, /limit: released/);
  await isFree();
});

test('nothing is left where a board has no data folder', () => {
  assert.ok(!readdirSync(folder).includes('none'));
});
