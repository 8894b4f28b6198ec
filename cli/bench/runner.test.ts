import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLog } from '#hal/log.ts';
import { loadCases } from './case.ts';
import { type CaseResult, outcomeOf } from './result.ts';
import { runCase, type RunOptions } from './runner.ts';

const sites = fileURLToPath(new URL('../../boards/bench/sites', import.meta.url));
const log = createLog('test', 'silent');
let folder = '';
let plans = 0;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gtx-bench-'));
});
after(() => rmSync(folder, { recursive: true }));

/** Runs the steps on a board of the bench, or of another file. */
function run(board: string, lines: readonly string[], more: Partial<RunOptions> = {}): Promise<CaseResult> {
  const path = join(folder, `plan-${plans++}.yaml`);
  const file = board.endsWith('.yaml') ? board : join(sites, `${board}.yaml`);
  writeFileSync(path, ['title: A plan', `board: ${file}`, ...lines, ''].join('\n'));
  const [bench] = loadCases(path);
  assert.ok(bench !== undefined);
  return runCase(bench, { seed: 1, log, signal: new AbortController().signal, ask: undefined, ...more });
}

const outcomes = ({ steps }: CaseResult): string[] => steps.map(({ outcome }) => outcome);

test('what does not hold fails with what was measured, and the steps after it are still done', async () => {
  const result = await run('meter', [
    'steps:',
    '  - set: { loadW: 3000 }',
    '  - { expect: { quantity: gridPower, is: 2000, tolerance: 10 }, within: 4 }',
    '  - { expect: { quantity: gridPower, is: 3000, tolerance: 10 } }',
  ]);
  assert.deepEqual(outcomes(result), ['passed', 'failed', 'passed']);
  assert.match(result.steps[1]!.detail, /3,000 W, after 4 s/);
  assert.equal(outcomeOf(result), 'failed');
});

test('a clamp that hangs the wrong way round, and one with a wrong ratio, do not pass for right', async () => {
  const clamps = (settings: string): readonly string[] => [
    'matrix:',
    `  - { name: bad, devices: { clamps: { driver: emontx, gridChannel: 1, clamps: [${settings}] } } }`,
    'steps:',
    '  - set: { loadW: 3000 }',
    '  - { expect: { quantity: gridPower, is: 3000, percent: 1 }, within: 3 }',
  ];
  const [reversed, ratio] = await Promise.all([
    run('meter', clamps('{ isReversed: true }')),
    run('meter', clamps('{ ratio: 1.02 }')),
  ]);
  assert.match(reversed.steps[1]!.detail, /^-3,000 W/);
  assert.match(ratio.steps[1]!.detail, /^3,060 W/);
  assert.deepEqual([reversed, ratio].map(outcomeOf), ['failed', 'failed']);
});

test('within is the time to get there, for the time to stay there', async () => {
  const steps = (within: number, lasting: number): string[] => [
    'charge: 50',
    'steps:',
    '  - set: { loadW: 1000 }',
    '  - { expect: { quantity: batteryPower, is: 1000, tolerance: 60 }, within: 30, for: 5 }',
    '  - pull: board',
    // The battery reverts in 60 s.
    `  - { expect: { quantity: batteryPower, by: twin, is: 0 }, within: ${within}, for: ${lasting} }`,
    '  - restore: board',
    '  - { expect: { quantity: batteryPower, by: twin, is: 0 }, for: 10 }',
  ];
  const [inTime, tooLate] = await Promise.all([
    run('solar-storage', steps(61, 20)),
    run('solar-storage', steps(29, 1)),
  ]);
  assert.deepEqual(outcomes(inTime).slice(3, 4), ['passed']);
  assert.deepEqual(outcomes(tooLate).slice(3, 4), ['failed']);
  const last = inTime.steps.at(-1)!;
  assert.equal(last.outcome, 'failed');
  assert.match(last.detail, /[\d,]+ W, after \d+ s, it had held for \d+ s/);
});

test('the same seed gives the same run, second by second, faults on the line included; another seed another', async () => {
  const lines = [
    'line: { baud: 19200, faults: 0.2 }',
    'steps:',
    '  - set: { loadW: building, irradianceWm2: sky }',
    '  - limit: { exportW: 500 }',
    '  - storm: true',
    '  - wait: 60',
    '  - storm: false',
    '  - { expect: { quantity: silent, is: 0 }, within: 40 }',
  ];
  const [one, again, other] = await Promise.all([1, 1, 2].map((seed) => run('solar-storage', lines, { seed })));
  assert.deepEqual(one!.seconds, again!.seconds);
  assert.notDeepEqual(one!.seconds, other!.seconds);
  assert.ok(
    one!.seconds.some(({ read }) => read.silent !== 0),
    'faults were met',
  );
  assert.equal(outcomeOf(one!), 'passed');
});

test('a run that is stopped ends with the signal’s reason', async () => {
  const reason = new Error('asked to stop');
  const stopping = new AbortController();
  const running = run('meter', ['steps: [{ wait: 5 }, { wait: 86400 }]'], {
    signal: stopping.signal,
    onStep: () => stopping.abort(reason),
  });
  await assert.rejects(running, reason);
});

/** A board whose meter is said to be real, at a port where nobody is. */
function realBoard(): string {
  const path = join(folder, 'real.yaml');
  writeFileSync(
    path,
    `meterId: BENCH_REAL
name: Real
building: residential
zone: bench
location: { latitude: 37, longitude: -122, timeZone: UTC }
connection: { importLimitW: 20000, exportLimitW: 20000 }
hal: real
devices:
  clamps: { driver: sdm630, unit: 1, gridChannel: 1, port: { tcp: "127.0.0.1:1" } }
`,
  );
  return path;
}

test('what only a person could do on real devices is skipped where there is nobody, and what follows is not judged', async () => {
  const result = await run(realBoard(), [
    'steps:',
    '  - set: { loadW: 3000 }',
    '  - { expect: { quantity: gridPower, is: 3000 }, within: 1 }',
  ]);
  assert.deepEqual(outcomes(result), ['skipped', 'skipped']);
  assert.match(result.steps[0]!.detail, /real and nobody is there/);
  assert.match(result.steps[1]!.detail, /nobody did: Set load 3,000 W/);
  assert.equal(outcomeOf(result), 'skipped');
});

test('a person is asked, the board goes on meanwhile, and then what they did is judged', async () => {
  const asked: string[] = [];
  const result = await run(
    realBoard(),
    ['steps:', '  - set: { loadW: 3000 }', '  - pull: clamps', '  - { expect: { quantity: silent, is: 1 } }'],
    {
      ask: async (what) => {
        asked.push(what);
      },
    },
  );
  assert.deepEqual(asked, ['Set load 3,000 W', 'Pull the cable of clamps']);
  assert.deepEqual(outcomes(result), ['passed', 'passed', 'passed']);
});
