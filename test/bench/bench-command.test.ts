import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UnixSeconds } from '#hal/units.ts';
import { everyWall, wallSeconds } from '#hal/wall.ts';
import { shippedPlans } from '#cli/bench/run.ts';
import { parseTwinPlan } from '#drivers/twin-plan.ts';
import { TwinSet } from '#drivers/twin-set.ts';
import { type Ended, gridtokenx } from '#cli/test-command.ts';
import { programEnvironment } from '#test/program-environment.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const program = here('../../cli/gridtokenx.js');
const sites = here('../../boards/bench/sites');
let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gtx-bench-'));
});
after(() => rmSync(folder, { recursive: true }));

const bench = (...args: readonly string[]): Promise<Ended> =>
  gridtokenx(['bench', ...args], { env: programEnvironment() });

function written(name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

test('--list names every plan that comes with the program, a line each', async () => {
  const { code, stdout } = await bench('--list');
  assert.equal(code, 0);
  const names = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0]);
  assert.deepEqual(
    names,
    shippedPlans().map((path) => basename(path, '.yaml')),
  );
});

test('a plan by its name passes with exit code 0, a tick a step, and both reports', async () => {
  const [junit, html] = [join(folder, 'out.xml'), join(folder, 'out.html')];
  const { code, stdout } = await bench('accuracy-voltage', '--junit', junit, '--html', html);
  assert.equal(code, 0);
  assert.match(stdout, /^ {2}✓ expect voltage to be 277 V ± 0.5 % within 10 s: 27[67](\.\d+)? V/m);
  assert.match(stdout, /^10 of 10 passed$/m);
  assert.equal(readFileSync(junit, 'utf8').match(/<testsuite /g)?.length, 10);
  assert.equal(readFileSync(html, 'utf8').match(/<section /g)?.length, 10);
});

test('a plan that fails is exit code 1 and names the step; a plan that is wrong is exit code 2 and runs nothing', async () => {
  const board = `board: ${join(sites, 'meter.yaml')}`;
  const failing = written('failing.yaml', [
    'title: It fails',
    board,
    'steps: [{ expect: { quantity: gridPower, is: 5 } }]',
  ]);
  const wrong = written('wrong.yaml', [
    'title: It is wrong',
    board,
    'steps: [{ expect: { quantity: warmth, is: 5 } }]',
  ]);
  const [failed, refused, unknown, none] = await Promise.all([
    bench(failing),
    bench(failing, wrong),
    bench('no-such-plan'),
    bench(),
  ]);
  assert.equal(failed.code, 1);
  assert.match(failed.stdout, /✗ expect power at the connection point to be 5 W: 0 W/);
  assert.match(failed.stderr, /^GTX-BEN-003 1 of 1 did not pass: failing/);
  assert.deepEqual([refused.code, refused.stdout], [2, '']);
  assert.match(refused.stderr, /^GTX-BEN-002 .*wrong\.yaml:3 steps\[0\]\.expect\.quantity: /);
  assert.deepEqual([unknown.code, none.code], [2, 2]);
  assert.match(unknown.stderr, /^GTX-BEN-004 No plan is called no-such-plan/);
});

test('a run that is asked to stop ends at once, with exit code 1, and says what it left undone', async () => {
  const plan = written('long.yaml', ['title: Long', `board: ${join(sites, 'meter.yaml')}`, 'steps: [{ wait: 86400 }]']);
  const child = spawn(process.execPath, [program, 'bench', plan], { env: programEnvironment() });
  const told = text(child.stderr);
  child.stdout.once('data', () => child.kill('SIGINT'));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 1);
  assert.match(await told, /^GTX-BEN-005 Stopped after 0 of 1\n {2}hint: Devices .* fall back by themselves/);
});

test('only another board file, and the same plan runs on devices at real ports, in real time', async () => {
  const clock = { now: (): UnixSeconds => UnixSeconds(wallSeconds()) };
  const twins = parseTwinPlan(
    'twins',
    JSON.stringify({
      site: { peakLoadW: 8000, pvRatedW: 10_000 },
      start: '2026-06-21T19:00:00Z',
      ports: [
        {
          tcp: 0,
          devices: [
            { twin: 'sdm630', unit: 3, set: { power: 1234 } },
            { twin: 'sunspec-inverter', unit: 1 },
          ],
        },
      ],
    }),
  );
  await using set = new TwinSet(twins, clock);
  const [served] = await set.start();
  using _second = everyWall(250, () => set.advanceTo(clock.now()));
  const own = readFileSync(join(sites, 'solar.yaml'), 'utf8');
  const port = served?.at.replace('tcp ', '');
  const real = written('real.yaml', [
    own
      .replace('hal: emulated', `hal: real\nports: { line: { tcp: "${port}" } }`)
      .replaceAll('unit: ', 'port: line, unit: '),
  ]);
  const plan = written('plan.yaml', [
    'title: On twins or not',
    `board: ${join(sites, 'solar.yaml')}`,
    'steps:',
    '  - { expect: { quantity: silent, is: 0 }, within: 5 }',
    '  - limit: { generationW: 2000 }',
    '  - { expect: { quantity: pvPower, by: twin, atMost: 2000 }, within: 4 }',
    '  - { expect: { quantity: gridPower, is: actual } }',
    '  - set: { loadW: 1000 }',
    '  - { expect: { quantity: gridPower, is: 1000 } }',
  ]);
  const [onTwins, onReal] = await Promise.all([bench(plan), bench(plan, '--board', real)]);
  assert.equal(onTwins.code, 0, onTwins.stdout + onTwins.stderr);
  assert.equal(onReal.code, 0, onReal.stdout + onReal.stderr);
  assert.match(onReal.stdout, /✓ expect PV power, as it flows, to be at most 2,000 W/);
  assert.match(onReal.stdout, /– expect .* what truly flows: nothing but a twin knows/);
  assert.match(onReal.stdout, /– set load 1,000 W: the device is real and nobody is there/);
  assert.match(onReal.stdout, /2 of 4 checks, 2 skipped/);
});
