import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { boardSchema, loadBoardFile, loadBoardFiles } from './board-file.ts';

const root = mkdtempSync(join(tmpdir(), 'gtx-boards-'));
after(() => rmSync(root, { recursive: true }));
let made = 0;

const good = `meterId: AMI_METER_TEST_001
name: Test
building: academic
zone: campus
location: { latitude: 37.4275, longitude: -122.1697, timeZone: America/Los_Angeles }
connection: { importLimitW: 60000, exportLimitW: 60000 }
hal: emulated
devices:
  clamps: { driver: emontx, gridChannel: 1, loadChannel: 2 }
  inverter: { driver: sunspec-inverter, unit: 1, ratedW: 50000 }
  battery: { driver: sunspec-battery, unit: 2, capacityWh: 30000, ratedW: 15000, reservePercent: 20 }
site: { peakLoadW: 40000 }
`;

function fileOf(text: string, folder = join(root, `set-${made++}`), name = 'board.yaml'): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const failsWith = (load: () => unknown, code: string, text: string): void => {
  assert.throws(load, (error) => {
    assert.ok(error instanceof GridError, String(error));
    assert.equal(error.code, code, error.message);
    assert.equal(error.kind, 'input');
    assert.ok(error.hint !== undefined);
    assert.ok(error.message.includes(text), error.message);
    return true;
  });
};

/** Changes the good file, and expects GTX-BRD-002 with this text after the file's name. */
const refused = (from: string | RegExp, to: string, text: string): void => {
  const changed = good.replace(from, to);
  assert.notEqual(changed, good);
  const path = fileOf(changed);
  failsWith(() => loadBoardFile(path), 'GTX-BRD-002', `${path}${text}`);
};

test('a good file is read as it stands, with its path', () => {
  const path = fileOf(good);
  const board = loadBoardFile(path);
  assert.equal(board.path, path);
  assert.equal(board.meterId, 'AMI_METER_TEST_001');
  assert.equal(board.devices.battery?.reservePercent, 20);
  assert.deepEqual(board.site, { peakLoadW: 40_000 });
});

test('a building may have no inverter and no battery', () => {
  const board = loadBoardFile(fileOf(good.replace(/^ {2}(inverter|battery):.*\n/gm, '')));
  assert.deepEqual(Object.keys(board.devices), ['clamps']);
});

test('a file that is not there, or is not YAML, is unreadable', () => {
  failsWith(() => loadBoardFile(join(root, 'none.yaml')), 'GTX-BRD-001', 'none.yaml cannot be read: ENOENT');
  failsWith(() => loadBoardFile(fileOf('a: 1\nb: [1,\n')), 'GTX-BRD-001', 'is not valid YAML');
  failsWith(
    () => loadBoardFile(fileOf('a: 1\na: 2\n')),
    'GTX-BRD-001',
    ':2 is not valid YAML: Map keys must be unique',
  );
  failsWith(() => loadBoardFile(fileOf('a: !!thing 1\n')), 'GTX-BRD-001', ':1 is not valid YAML');
  const bomb = [
    'a0: &a0 [1]',
    ...Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}]`),
  ];
  failsWith(() => loadBoardFile(fileOf(bomb.join('\n'))), 'GTX-BRD-001', 'is not valid YAML');
});

test('a wrong value is told with line, key, what was expected and what was found', () => {
  refused(
    'ratedW: 50000',
    'ratedW: "abc"',
    ':10 devices.inverter.ratedW: expected an integer from 1 to 10000000, found "abc"',
  );
  refused('ratedW: 50000', 'ratedW: 0', ':10 devices.inverter.ratedW: expected an integer from 1 to 10000000, found 0');
  refused('ratedW: 50000', 'ratedW: 1.5', ':10 devices.inverter.ratedW');
  refused(
    'academic',
    'palace',
    ':3 building: expected one of academic, residential, administrative, athletic, research, support, found "palace"',
  );
  refused(
    'AMI_METER_TEST_001',
    'eng 1',
    ':1 meterId: expected a meter id like AMI_METER_STANFORD_ENG_001, found "eng 1"',
  );
  refused('latitude: 37.4275', 'latitude: 137', ':5 location.latitude: expected a number from -90 to 90, found 137');
  refused(
    'America/Los_Angeles',
    'America/Palo_Alto',
    ':5 location.timeZone: expected a time zone like America/Los_Angeles, found "America/Palo_Alto"',
  );
  refused('name: Test', 'name: [a]', ':2 name: expected a text of 1 to 80 characters, found ["a"]');
  refused(/devices:[^]*/, 'devices: 5\n', ':8 devices: expected a mapping with clamps, inverter, battery, found 5');
  refused(
    'loadChannel: 2',
    'loadChannel: 1',
    ':9 devices.clamps.loadChannel: expected another channel than gridChannel',
  );
});

test('a missing key is told at the thing that lacks it', () => {
  refused('zone: campus\n', '', ':1 zone: missing, expected a market zone in lower case, like campus');
  refused(', reservePercent: 20', '', ':11 devices.battery.reservePercent: missing, expected an integer from 0 to 100');
  refused(/site:.*\n/, '', ':1 site: missing, expected site: { peakLoadW } because hal is emulated');
  failsWith(() => loadBoardFile(fileOf('')), 'GTX-BRD-002', ':1 the file: expected a mapping with meterId, name');
});

test('an unknown key is refused, with the keys that there are', () => {
  refused(
    'zone: campus',
    'zone: campus\ncolour: red',
    ':5 colour: unknown key, expected one of meterId, name, building',
  );
  refused('unit: 1, ratedW', 'unit: 1, baud: 9600, ratedW', ':10 devices.inverter.baud: unknown key');
});

test('of several faults the first in the file is told', () => {
  refused(/ratedW: 50000 }\n(.*)ratedW: 15000/, 'ratedW: x }\n$1ratedW: y', ':10 devices.inverter.ratedW');
});

test('a real board needs a port for each device', () => {
  const real = good.replace('hal: emulated', 'hal: real').replace(/site:.*\n/, '');
  const path = fileOf(real);
  failsWith(() => loadBoardFile(path), 'GTX-BRD-002', `${path}:9 devices.clamps.port: missing`);
  const withPorts = real
    .replaceAll(' }\n', ', port: { tcp: "192.168.1.20:502" } }\n')
    .replace(/^(location|connection)(.*), port.*$/gm, '$1$2 }');
  assert.equal(loadBoardFile(fileOf(withPorts)).devices.inverter?.port?.tcp, '192.168.1.20:502');
  failsWith(
    () => loadBoardFile(fileOf(withPorts.replace(':502"', '"'))),
    'GTX-BRD-002',
    'expected a text like "192.168.1.20:502"',
  );
});

test('a folder is read in the order of its meter ids', () => {
  const folder = join(root, 'order');
  fileOf(good.replace('TEST_001', 'TEST_B'), folder, 'a.yaml');
  fileOf(good.replace('TEST_001', 'TEST_A'), folder, 'b.yml');
  fileOf('not a board file', folder, 'README.md');
  assert.deepEqual(
    loadBoardFiles(folder).map(({ meterId }) => meterId),
    ['AMI_METER_TEST_A', 'AMI_METER_TEST_B'],
  );
});

test('two boards with one meter id are refused, both files named', () => {
  const folder = join(root, 'twice');
  const [a, b] = [fileOf(good, folder, 'a.yaml'), fileOf(good, folder, 'b.yaml')];
  failsWith(() => loadBoardFiles(folder), 'GTX-BRD-003', `${a} and ${b} have the same meterId AMI_METER_TEST_001`);
});

test('a folder without board files, or that is not there, is refused', () => {
  const folder = join(root, 'empty');
  mkdirSync(folder);
  failsWith(() => loadBoardFiles(folder), 'GTX-BRD-004', `No board file (*.yaml) in ${folder}`);
  failsWith(() => loadBoardFiles(join(root, 'nowhere')), 'GTX-BRD-001', 'nowhere cannot be read');
});

test('boards/board.schema.json is the schema that is checked', () => {
  const published: unknown = JSON.parse(readFileSync(new URL('../boards/board.schema.json', import.meta.url), 'utf8'));
  const expected: unknown = JSON.parse(JSON.stringify(boardSchema));
  assert.deepEqual(
    published,
    expected,
    `boards/board.schema.json is stale; it has to be ${JSON.stringify(boardSchema)}`,
  );
});
