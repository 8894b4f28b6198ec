import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { loadTraces, type TraceSet } from './traces.ts';

const root = mkdtempSync(join(tmpdir(), 'gtx-traces-'));
after(() => rmSync(root, { recursive: true }));

const zone = 'America/Los_Angeles';
const at = (localIso: string): number => Date.parse(`${localIso}:00-07:00`) / 1000;
const meter = 'AMI_METER_STANFORD_ENG_001';
const yamlOf = (...rest: string[]): string =>
  [
    'traces:',
    `  - building: ${meter}`,
    '    quantity: load',
    '    file: a.csv',
    ...rest.map((line) => `    ${line}`),
  ].join('\n');
const minutes = ['column: power', 'unit: W', 'step: 60'];

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(root, 'set-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const load = (csv: string, ...rest: string[]): Promise<TraceSet> =>
  loadTraces(folderOf({ 'traces.yaml': yamlOf(...rest), 'a.csv': csv }));

const failsWith = async (loading: Promise<unknown>, code: string, ...texts: string[]): Promise<void> => {
  await assert.rejects(loading, (error) => {
    assert.ok(error instanceof GridError, String(error));
    assert.equal(error.code, code, error.message);
    assert.equal(error.kind, 'input');
    assert.ok(error.hint !== undefined && error.hint !== '');
    for (const text of texts) assert.ok(error.message.includes(text), error.message);
    return true;
  });
};

test('a column replays as the load of its building by local time of day', async () => {
  const set = await load('power\n100\n200.4\n300\n', ...minutes, 'start: "12:00"');
  const source = set.sourceOf(meter, zone);
  assert.deepEqual(set.buildings, [meter]);
  assert.equal(source?.loadW?.(at('2025-06-18T12:00')), 100);
  assert.equal(source?.loadW?.(at('2025-06-18T12:01') + 59), 200);
  assert.equal(source?.pvW, undefined);
  assert.equal(set.sourceOf('AMI_METER_OTHER', zone), undefined);
});

test('semicolons, quotes, a byte order mark, carriage returns, numbered columns, kW and a scale are understood', async () => {
  const csv = '\uFEFF"Time";"kW"\r\n"00:00";"0.5"\r\n00:30;1.25\r\n\r\n';
  const set = await load(csv, 'column: 2', 'time: Time', 'unit: kW', 'scale: 2');
  const source = set.sourceOf(meter, zone);
  assert.equal(source?.loadW?.(at('2025-06-18T00:10')), 1000);
  assert.equal(source?.loadW?.(at('2025-06-18T00:30')), 2500);
});

test('the energy of a day is that of its rows', async () => {
  const rows = Array.from({ length: 96 }, (_, i) => 10 * i);
  const set = await load(['power', ...rows].join('\n'), 'column: power', 'unit: W', 'step: 900');
  const source = set.sourceOf(meter, zone);
  let joules = 0;
  const midnight = at('2025-06-18T00:00');
  for (let s = 0; s < 86_400; s++) joules += source?.loadW?.(midnight + s) as number;
  assert.equal(
    joules,
    rows.reduce((sum, w) => sum + w * 900, 0),
  );
});

test('a folder without traces.yaml, and a CSV that is not there, are unreadable', async () => {
  await failsWith(loadTraces(join(root, 'nowhere')), 'GTX-TRC-001', 'traces.yaml', 'ENOENT');
  await failsWith(loadTraces(folderOf({ 'traces.yaml': yamlOf(...minutes) })), 'GTX-TRC-001', 'a.csv');
});

test('a fault in traces.yaml is told with line and expectation', async () => {
  const csv = 'power\n1\n';
  await failsWith(
    load(csv, 'column: power', 'unit: MW', 'step: 60'),
    'GTX-TRC-002',
    'traces.yaml:6 traces[0].unit: expected one of W, kW, found "MW"',
  );
  await failsWith(load(csv, ...minutes, 'sclae: 3'), 'GTX-TRC-002', ':8 traces[0].sclae: unknown key');
  await failsWith(load(csv, 'column: power', 'unit: W'), 'GTX-TRC-002', 'traces[0].step: missing');
  await failsWith(
    load(csv, ...minutes, 'start: noon'),
    'GTX-TRC-002',
    ':8 traces[0].start: expected a local time',
    '"noon"',
  );
  await failsWith(load(csv, ...minutes, 'time: 1', 'start: "12:00"'), 'GTX-TRC-002', ':9 traces[0].start: not used');
  await failsWith(load(csv, 'column: {}', 'unit: W', 'step: 60'), 'GTX-TRC-002', 'a column name, or a number from 1');
  await failsWith(
    loadTraces(folderOf({ 'traces.yaml': 'traces: []' })),
    'GTX-TRC-002',
    ':1 traces: expected a list of at least one',
  );
  await failsWith(
    loadTraces(folderOf({ 'traces.yaml': 'traces: [' })),
    'GTX-TRC-001',
    'traces.yaml:1 is not valid YAML',
  );
});

test('two traces for one quantity, and a building that no board file has, are refused', async () => {
  const twice = `${yamlOf(...minutes)}\n${yamlOf(...minutes)
    .split('\n')
    .slice(1)
    .join('\n')}`;
  const folder = folderOf({ 'traces.yaml': twice, 'a.csv': 'power\n1\n' });
  await failsWith(loadTraces(folder), 'GTX-TRC-002', ':9 traces[1].quantity: expected one load trace');
  await failsWith(
    loadTraces(folder, ['AMI_METER_X']),
    'GTX-TRC-002',
    ':2 traces[0].building: expected the meterId of a board file',
  );
});

test('a missing column is told with the columns that there are', async () => {
  const loading = load('Time,kW\n00:00,1\n', ...minutes);
  await failsWith(loading, 'GTX-TRC-003', 'a.csv:1 has no column "power"');
  await assert.rejects(loading, (error) => error instanceof GridError && /Time, kW/.test(error.hint ?? ''));
  await failsWith(load('a,b\n1,2\n', 'column: 3', 'unit: W', 'step: 60'), 'GTX-TRC-003', 'no column 3');
  await failsWith(load('a,b\n1,2\n', 'column: b', 'time: when', 'unit: W'), 'GTX-TRC-003', 'no column "when"');
});

test('a gap is told with its line: an empty row, a missing value, a time that jumps, repeats or goes back', async () => {
  await failsWith(load('power\n1\n\n3\n', ...minutes), 'GTX-TRC-004', 'a.csv:3 has no value: a gap');
  await failsWith(load('t,power\n1,1\n2\n', ...minutes), 'GTX-TRC-004', 'a.csv:3');
  await failsWith(load('power\n', ...minutes), 'GTX-TRC-004', 'a.csv:1 has no row');
  const timed = ['column: power', 'time: t', 'unit: W'];
  await failsWith(
    load('t,power\n00:00,1\n00:15,1\n00:45,1\n', ...timed),
    'GTX-TRC-004',
    'a.csv:4 comes 1800 s after',
    'expected 900 s',
  );
  await failsWith(
    load('t,power\n00:00,1\n00:00,1\n', ...timed),
    'GTX-TRC-004',
    'a.csv:3 comes 0 s after',
    'a later time',
  );
  await failsWith(load('t,power\n00:00,1\n00:15,1\n00:10,1\n', ...timed), 'GTX-TRC-004', 'a.csv:4 comes -300 s after');
  await failsWith(
    load('t,power\n00:00,1\n00:30,1\n', ...timed, 'step: 900'),
    'GTX-TRC-004',
    'a.csv:3',
    'expected 900 s',
  );
  await failsWith(load('t,power\n00:00,1\n', ...timed), 'GTX-TRC-004', 'step is not known');
});

test('a non-number and a non-time are told with their line and text', async () => {
  for (const cell of ['abc', '1,5', 'NaN', '0x10', 'Infinity', '1e300', '12 W']) {
    await failsWith(
      load(`power;x\n1;1\n${cell};1\n`, ...minutes),
      'GTX-TRC-005',
      `a.csv:3 expected a number, found "${cell}"`,
    );
  }
  await failsWith(
    load('t,power\n00:00,1\nlater,1\n', 'column: power', 'time: t', 'unit: W'),
    'GTX-TRC-006',
    'a.csv:3',
    '"later"',
  );
});

test('a load below zero is refused unless it is clamped; a negative scale turns the sign', async () => {
  await failsWith(load('power\n5\n-3\n', ...minutes), 'GTX-TRC-007', 'a.csv:3 is -3 W');
  const set = await load('power\n5\n-3\n', ...minutes, 'scale: -2', 'clampNegative: true');
  const source = set.sourceOf(meter, zone);
  assert.equal(source?.loadW?.(at('2025-06-18T00:00')), 0);
  assert.equal(source?.loadW?.(at('2025-06-18T00:01')), 6);
});
