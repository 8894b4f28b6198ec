import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type BoardFile, loadBoardFiles } from '#edge/board-file.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const boards = loadBoardFiles(here('stanford'));
const prefix = 'AMI_METER_STANFORD_';

const sum = (of: (board: BoardFile) => number): number => boards.reduce((total, board) => total + of(board), 0);

test('the campus has 25 boards of 1,120 kW and 684 kWh in one zone, all emulated', () => {
  assert.equal(boards.length, 25);
  assert.equal(
    sum(({ devices }) => devices.inverter?.ratedW ?? 0),
    1_120_000,
  );
  assert.equal(
    sum(({ devices }) => devices.battery?.capacityWh ?? 0),
    684_000,
  );
  assert.deepEqual([...new Set(boards.map(({ zone, hal }) => `${zone} ${hal}`))], ['campus emulated']);
});

test('a file is named by its meter', () => {
  for (const { meterId, path } of boards) {
    assert.equal(`${prefix}${basename(path, '.yaml').toUpperCase().replaceAll('-', '_')}`, meterId);
  }
});

test('the connection carries the plant, and the load peaks within the rating', () => {
  for (const { connection, devices, site, meterId } of boards) {
    const rated = devices.inverter?.ratedW ?? 0;
    assert.ok(connection.importLimitW >= rated && connection.exportLimitW >= rated, meterId);
    assert.ok(site !== undefined && site.peakLoadW >= 0.6 * rated && site.peakLoadW <= 0.9 * rated, meterId);
  }
});

test('the buildings are those of the campus data', (t) => {
  const source = here('../../shared/campus/stanford.json');
  if (!existsSync(source)) return t.skip('the campus data is not beside this checkout');
  const campus = JSON.parse(readFileSync(source, 'utf8')) as {
    location: object;
    meters: { meterId: string; building: string; ratedKw: number; batteryKwh: number }[];
  };
  const listed = boards.map(({ meterId, building, devices }) => ({
    meterId,
    building,
    ratedKw: (devices.inverter?.ratedW ?? 0) / 1000,
    batteryKwh: (devices.battery?.capacityWh ?? 0) / 1000,
  }));
  assert.deepEqual(
    listed,
    campus.meters.toSorted((a, b) => (a.meterId < b.meterId ? -1 : 1)),
  );
  for (const { location } of boards) assert.deepEqual(location, campus.location);
});
