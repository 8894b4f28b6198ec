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
  refused(/devices:[^]*/, 'devices: 5\n', ':8 devices: expected a mapping with clamps, inverter, battery, ');
  refused(
    'loadChannel: 2',
    'loadChannel: 1',
    ':9 devices.clamps.loadChannel: expected another channel than gridChannel',
  );
});

test('a missing key is told at the thing that lacks it', () => {
  refused('zone: campus\n', '', ':1 zone: missing, expected a market zone in lower case, like campus');
  refused(', reservePercent: 20', '', ':11 devices.battery.reservePercent: missing, expected an integer from 0 to 100');
  refused(/site:.*\n/, '', ':1 site: missing, expected site: { peakLoadW } because a device is emulated');
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

/** A real board: the clamps on a serial line, inverter and battery behind one gateway. */
const wired = good
  .replace('hal: emulated', 'hal: real')
  .replace(/site:.*\n/, '')
  .replace(
    'devices:\n',
    `ports:
  front: { serial: /dev/ttyAMA0, baud: 115200 }
  gateway: { tcp: "192.168.1.20:502" }
devices:
`,
  )
  .replace('loadChannel: 2 }', 'loadChannel: 2, port: front }')
  .replace('ratedW: 50000 }', 'ratedW: 50000, port: gateway }')
  .replace('reservePercent: 20 }', 'reservePercent: 20, port: gateway }');

/** As `refused`, of the wired file. */
const miswired = (from: string | RegExp, to: string, text: string): void => {
  const changed = wired.replace(from, to);
  assert.notEqual(changed, wired);
  const path = fileOf(changed);
  failsWith(() => loadBoardFile(path), 'GTX-BRD-002', `${path}${text}`);
};

test('a real board needs a port for each device: a named one, one of its own, or a twin', () => {
  const path = fileOf(good.replace('hal: emulated', 'hal: real').replace(/site:.*\n/, ''));
  failsWith(() => loadBoardFile(path), 'GTX-BRD-002', `${path}:9 devices.clamps.port: missing`);
  assert.equal(loadBoardFile(fileOf(wired)).devices.inverter?.port, 'gateway');
  const own = wired.replace('port: front', 'port: { tcp: "[fd00::7]:23" }');
  assert.deepEqual(loadBoardFile(fileOf(own)).devices.clamps?.port, { tcp: '[fd00::7]:23' });
  const twinned = `${wired.replace('port: front', 'port: emulated')}site: { peakLoadW: 40000 }\n`;
  assert.equal(loadBoardFile(fileOf(twinned)).devices.clamps?.port, 'emulated');
  miswired(
    'port: front',
    'port: emulated',
    ':1 site: missing, expected site: { peakLoadW } because a device is emulated',
  );
});

test('a port that is not there, is of another kind, or is written out beside its name is refused', () => {
  miswired(
    'port: front',
    'port: frnt',
    ':12 devices.clamps.port: there is no port "frnt"; the ports are front, gateway',
  );
  miswired(
    'port: front',
    'port: { spi: /dev/spidev0.0 }',
    ':12 devices.clamps.port: emontx needs a port of kind tcp or serial, found spi /dev/spidev0.0',
  );
  miswired(
    'port: front',
    'port: { serial: /dev/ttyAMA0, baud: 9600 }',
    ':12 devices.clamps.port: serial /dev/ttyAMA0 is the port front: expected its name',
  );
  miswired('port: front', 'port: { tcp: "nowhere" }', ':12 devices.clamps.port.tcp: expected a text like');
  miswired(
    'port: front',
    'port: { ctp: "host:1" }',
    ':12 devices.clamps.port: expected the name of a port, `emulated`',
  );
});

test('what a file says of a port is told by the port’s kind', () => {
  miswired('baud: 115200', 'baud: 12', ':9 ports.front.baud: expected an integer from 300 to 3000000, found 12');
  miswired(', baud: 115200', '', ':9 ports.front.baud: missing, expected an integer');
  miswired('baud: 115200', 'baud: 9600, speed: 1', ':9 ports.front.speed: unknown key, expected one of serial, baud');
  miswired('/dev/ttyAMA0', 'COM1', ':9 ports.front.serial: expected a device file like /dev/ttyAMA0, found "COM1"');
  miswired(
    '{ tcp: "192.168.1.20:502" }',
    '{ udp: 1 }',
    ':10 ports.gateway: expected a mapping with one of tcp, serial',
  );
  miswired('  front:', '  Front 1:', ':9 ports.Front 1: expected a name in lower case');
  miswired('  gateway: {', '  other: { serial: /dev/ttyAMA0, baud: 9600 }\n  gateway: {', ':10 ports.other: serial');
});

test('two devices in each other’s way are refused', () => {
  miswired(
    'unit: 2',
    'unit: 1',
    ':14 devices.battery.unit: expected another unit than the inverter has: they share tcp',
  );
  refused('unit: 2', 'unit: 1', ':11 devices.battery.unit: expected another unit than the inverter has: emulated');
  miswired(
    'port: front',
    'port: gateway',
    ':13 devices.inverter.port: tcp 192.168.1.20:502 is used by clamps in another',
  );
});

test('a driver that there is not, and a setting that its driver does not have, are told by the driver', () => {
  refused('emontx', 'emonty', ':9 devices.clamps.driver: expected one of emontx, ');
  refused('driver: emontx, ', '', ':9 devices.clamps.driver: missing, expected one of emontx, ');
  refused('loadChannel: 2', 'loadChannel: 2, unit: 3', ':9 devices.clamps.unit: unknown key, expected one of driver');
  refused('gridChannel: 1', 'gridChannel: 7', ':9 devices.clamps.gridChannel: expected an input of the emonTx, 1 to 6');
  refused(/ {2}clamps:.*\n/, '', ':8 devices.clamps: missing, expected clamps: without them nobody sees');
});

test('a clamp with a ratio of 0 is refused', () => {
  const clamp = '{ wattsPerCount: 0.01, wattHoursPerCount: 0.001, ratio: 1 }';
  const ade = good.replace(
    'driver: emontx, ',
    `driver: ade7953, voltsPerCount: 0.0001, clamps: [${clamp}, ${clamp}], `,
  );
  assert.equal(loadBoardFile(fileOf(ade)).devices.clamps?.driver, 'ade7953');
  const path = fileOf(ade.replace('ratio: 1', 'ratio: 0'));
  const told = `${path}:9 devices.clamps.clamps[0].ratio: expected a number above 0 to 10000, found 0`;
  failsWith(() => loadBoardFile(path), 'GTX-BRD-002', told);
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
