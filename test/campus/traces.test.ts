import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLog } from '#hal/log.ts';
import { openDatabase } from '#head-end/database/database.ts';
import { channelMrid, type ChannelName, channelNames } from '#ieee2030_5/ext/channels.ts';
import { runToEnd, shortCampus, temporaryFolder } from './campus-process.ts';
import { writeProfileTraces } from './profiles-traces.ts';

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const profiles = fromRoot('../shared/profiles');
const july = ['--start', '2025-07-14T11:00:00-07:00', '--speed', 'max', '--seed', '3', '--sample', '15'];
/** One posting at the start, then one every 15 s. */
const halfAnHour = { hours: '0.5', postings: 121 };

test('half an hour of campus with measured profiles loses nothing', async (t) => {
  if (!existsSync(profiles)) return t.skip('the measured profiles are not beside this checkout');
  const folder = temporaryFolder(t, 'profiles');
  const traces = await writeProfileTraces(profiles, join(folder, 'traces'));
  const { meters, readings, energyWh, settlement } = await runToEnd(
    shortCampus(join(folder, 'data'), [...july, '--hours', halfAnHour.hours, '--traces', traces]),
  );
  assert.equal(meters, 25);
  assert.equal(readings.posted, 25 * 9 * halfAnHour.postings);
  assert.equal(readings.stored, readings.posted);
  assert.equal(readings.lost, 0);
  assert.ok(Math.abs(energyWh.residue) <= 25 * 8, `residue ${energyWh.residue} Wh`);
  assert.equal(settlement.moneyResidueMicro, 0);
});

test('a constant load without sun is, to the watt-hour, what the head-end holds', async (t) => {
  const folder = temporaryFolder(t, 'constant');
  const [boards, traces, data] = ['boards', 'traces', 'data'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const meterId = 'AMI_METER_STANFORD_DORM_001';
  mkdirSync(boards);
  mkdirSync(traces);
  copyFileSync(fromRoot('boards/stanford/dorm-001.yaml'), join(boards, 'dorm-001.yaml'));
  writeFileSync(join(traces, 'constant.csv'), 'load,pv\n36,0\n');
  const trace = (quantity: string): string =>
    `  - { building: ${meterId}, quantity: ${quantity}, file: constant.csv, column: ${quantity}, unit: kW, step: 3600 }\n`;
  writeFileSync(join(traces, 'traces.yaml'), `traces:\n${trace('load')}${trace('pv')}`);
  const report = await runToEnd(
    shortCampus(data, [...july, '--hours', halfAnHour.hours, '--boards', boards, '--traces', traces]),
  );
  assert.equal(report.energyWh.consumption, 18_000);

  await using database = await openDatabase({
    folder: join(data, 'head-end', 'database'),
    log: createLog('test', 'silent'),
  });
  const counted = await registersOf(database.pool, meterId);
  assert.equal(counted.consumption, 36_000 / 2);
  assert.equal(counted.generation, 0);
  assert.equal(counted.gridExport, 0);
  const residue =
    counted.generation +
    counted.gridImport +
    counted.storageDischarge -
    (counted.consumption + counted.gridExport + counted.storageCharge + counted.losses);
  assert.ok(Math.abs(residue) <= 8, `residue ${residue} Wh`);
});

/** What each channel of a meter counted from its first reading to its last. */
async function registersOf(
  pool: Awaited<ReturnType<typeof openDatabase>>['pool'],
  meterId: string,
): Promise<Record<ChannelName, number>> {
  const { rows } = await pool.query<{ mrid: Buffer; first: number; last: number }>(
    `SELECT c.mrid, min(r.value) AS first, max(r.value) AS last
     FROM readings r JOIN reading_channels c ON c.id = r.channel_id JOIN devices d ON d.id = c.device_id
     WHERE d.meter_id = $1 GROUP BY c.mrid`,
    [meterId],
  );
  const counted = channelNames.map((name) => {
    const row = rows.find(({ mrid }) => mrid.equals(channelMrid(meterId, name)));
    return [name, row === undefined ? Number.NaN : row.last - row.first] as const;
  });
  return Object.fromEntries(counted) as Record<ChannelName, number>;
}
