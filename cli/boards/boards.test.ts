import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gridtokenx } from '../test-command.ts';

const root = join(import.meta.dirname, '..', '..');
let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
});
after(() => rm(folder, { recursive: true }));

const run = (...args: string[]) => gridtokenx(['boards', ...args], { cwd: root });

const board = (ports: string, devices: string): string => `meterId: AMI_METER_TEST_001
name: Test
building: academic
zone: campus
location: { latitude: 37.4, longitude: -122.1, timeZone: America/Los_Angeles }
connection: { importLimitW: 20000, exportLimitW: 5000 }
hal: real
${ports}
devices:
${devices}
`;
const meter = '  clamps: { driver: sdm630, gridChannel: 1, unit: 1, port: line1 }';
const line = (baud: number): string => `ports: { line1: { serial: /dev/ttyAMA0, baud: ${baud} } }`;
const inverter = (more: string): string =>
  `  inverter: { driver: sunspec-inverter, unit: 2, ratedW: 10000, port: { tcp: "192.0.2.7:502" }${more} }`;

async function check(name: string, text: string) {
  const file = join(folder, name);
  await writeFile(file, text);
  return run('check', file);
}

test('the boards of the campus and every register map would do', async () => {
  const { code, stdout } = await run('check', 'boards/stanford', 'drivers/meter/maps');
  assert.equal(code, 0, stdout);
  assert.equal(stdout.match(/^ok /gm)?.length, 25 + 8);
});

test('a line that would be too busy is refused with how busy it would be', async () => {
  const good = await check('good.yaml', board(line(19_200), meter));
  assert.equal(good.code, 0, good.stdout);
  assert.match(good.stdout, /ok {2}.*good\.yaml: AMI_METER_TEST_001, \/dev\/ttyAMA0 \d+ % busy with 1/);
  const busy = await check('busy.yaml', board(line(1200), meter));
  assert.equal(busy.code, 2);
  assert.match(
    busy.stdout,
    /GTX-BRD-020 .*busy\.yaml: \/dev\/ttyAMA0: this line would be 2\d\d % busy with 1 unit at 1200 baud/,
  );
});

test('an inverter that reverts to "no limit" needs a limit of its own or a contactor', async () => {
  const legacy = await check('legacy.yaml', board(line(19_200), `${meter}\n${inverter(', models: legacy')}`));
  assert.equal(legacy.code, 2);
  assert.match(legacy.stdout, /GTX-BRD-021 .*reverts to "no limit" \(SunSpec model 123\).* export 10000 W/);
  assert.match(legacy.stdout, /hint: Set a limit in the inverter itself/);
  const high = await check(
    'high.yaml',
    board(line(19_200), `${meter}\n${inverter(', models: legacy, ownLimitW: 6000')}`),
  );
  assert.match(high.stdout, /GTX-BRD-021 .*could then export 6000 W: more than exportLimitW of 5000 W/);
  for (const more of [', models: legacy, ownLimitW: 5000', ', models: ieee1547', '']) {
    const { code, stdout } = await check('ok.yaml', board(line(19_200), `${meter}\n${inverter(more)}`));
    assert.equal(code, 0, stdout);
  }
});

test('a battery that reverts to its own operation needs a limit of its own too', async () => {
  const battery = (more: string): string =>
    `  battery: { driver: sunspec-battery, unit: 3, capacityWh: 20000, ratedW: 30000, reservePercent: 10, port: { tcp: "192.0.2.7:502" }${more} }`;
  const checked = (devices: string) => check('battery.yaml', board(line(19_200), `${meter}\n${devices}`));
  assert.match(
    (await checked(battery(', models: legacy'))).stdout,
    /GTX-BRD-021 .*devices\.battery: .*model 124.* draw 30000 W: more than importLimitW of 20000 W/,
  );
  assert.match((await checked(battery(', models: legacy, ownLimitW: 6000'))).stdout, /GTX-BRD-021 .* export 6000 W/);
  const both = `${inverter(', models: legacy, ownLimitW: 3000')}\n${battery(', models: legacy, ownLimitW: 3000')}`;
  assert.match((await checked(both)).stdout, /GTX-BRD-021 .*devices\.inverter.* export 6000 W/);
  for (const more of [', models: legacy, ownLimitW: 4000', ', models: ieee1547', '']) {
    const { code, stdout } = await checked(battery(more));
    assert.equal(code, 0, stdout);
  }
});

test('a file that is wrong is told with its line, beside those that are good', async () => {
  const map = join(folder, 'map.json');
  const point = (name: string, at: number): string =>
    `{ "name": "${name}", "at": ${at}, "type": "int32", "unit": "W", "quantity": "power"${name === 'a' ? '' : ', "phase": "L1"'} }`;
  const text = `{ "name": "own", "title": "Own", "kind": "meter", "source": "none", "function": "input",
  "wordOrder": "high-first", "points": [
    ${point('a', 4)},
    ${point('b', 5)}
  ] }\n`;
  await writeFile(map, text);
  const { code, stdout, stderr } = await run('check', map, join(root, 'boards/stanford/gym-001.yaml'));
  assert.equal(code, 2);
  assert.match(stdout, /GTX-MAP-002 .*map\.json:4 points\[1\]\.at: expected registers of its own/);
  assert.match(stdout, /ok .*gym-001/);
  assert.match(stderr, /GTX-BRD-022 1 of 2 files would not do/);
  const missing = await run('check', join(folder, 'missing.yaml'));
  assert.match(missing.stderr, /GTX-BRD-001/);
});

test('the list tells each board with its devices and where they are', async () => {
  const { code, stdout } = await run('list', '--json');
  assert.equal(code, 0);
  const boards = JSON.parse(stdout) as { meterId: string; devices: { driver: string; at: string }[] }[];
  assert.equal(boards.length, 25);
  assert.ok(boards.every(({ devices }) => devices.every(({ at }) => at === 'emulated')));
});
