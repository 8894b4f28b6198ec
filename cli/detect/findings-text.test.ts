import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadBoardFile } from '#edge/board-file.ts';
import { type Detected, snippetOf, suggestionsFor, textOf } from './findings-text.ts';

const sunSpec = (part: 'inverter' | 'battery', isLegacy = false) => ({
  manufacturer: 'Acme',
  model: 'X',
  serial: `S-${part}`,
  version: '1',
  models: [1],
  parts: [part],
  isLegacy,
  ratedW: 8000,
  capacityWh: 10_000,
});
const meter = { map: 'sdm630', title: 'SDM630', certainty: 'likely', evidence: ['its voltages are right'] } as const;

const detected: Detected = {
  place: 'serial /dev/ttyUSB0',
  port: { serial: '/dev/ttyUSB0', baud: 9600 },
  setting: '9600 8N1',
  found: [
    { unit: 1, sunSpec: sunSpec('inverter', true), meters: [], alsoAnswersTo: [7, 8, 9, 12] },
    { unit: 2, sunSpec: sunSpec('battery'), meters: [], alsoAnswersTo: [] },
    { unit: 3, sunSpec: undefined, meters: [meter], alsoAnswersTo: [] },
    { unit: 4, sunSpec: undefined, meters: [meter], alsoAnswersTo: [] },
    { unit: 5, sunSpec: undefined, meters: [], alsoAnswersTo: [] },
  ],
  emon: undefined,
  damaged: [],
};

const board = `meterId: AMI_METER_TEST_001
name: Test
building: academic
zone: campus
location: { latitude: 37.4, longitude: -122.1, timeZone: America/Los_Angeles }
connection: { importLimitW: 20000, exportLimitW: 20000 }
hal: real
`;

test('what detect prints for the board file is a board file with every device that a board has room for', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-detect-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const load = (name: string, found: Detected) => {
    const file = join(folder, name);
    writeFileSync(file, board + snippetOf(found, suggestionsFor(found)));
    return loadBoardFile(file);
  };
  const { devices, ports } = load('bus.yaml', detected);
  assert.deepEqual(ports, { line1: { serial: '/dev/ttyUSB0', baud: 9600 } });
  assert.deepEqual(devices.inverter, {
    driver: 'sunspec-inverter',
    port: 'line1',
    unit: 1,
    ratedW: 8000,
    models: 'legacy',
  });
  assert.equal(devices.battery?.['unit'], 2);
  assert.equal(devices.clamps?.['unit'], 3);
  const line = 'OK 8 0 0 0 0 (-0)';
  const emon = { format: 'ok', channels: 4, okFrames: { layout: 'emontx3', node: 8 }, line } as const;
  const heard = load('emon.yaml', { ...detected, found: [], emon });
  assert.deepEqual(heard.devices.clamps?.['okFrames'], { layout: 'emontx3', node: 8 });
});

test('a person reads what each unit is and why, and numbers in ranges', () => {
  const text = textOf(detected, suggestionsFor(detected));
  assert.match(text, /unit 1: Acme X \(certain\): inverter, 8000 W, 10000 Wh/);
  assert.match(text, /answers as unit 7 to 9, 12 too/);
  assert.match(text, /unit 3: SDM630 \(likely\)\n {4}because its voltages are right/);
  assert.match(text, /unit 5: answers, but is nothing that is known here/);
  assert.match(text, /# clamps: \{ driver: sdm630, port: line1, unit: 4/);
});
