import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createLog } from '#hal/log.ts';
import { loadBoardFile } from '#edge/board-file.ts';
import { holdDevices } from '#edge/runtime/device-holds.ts';
import { BenchSite } from '../bench/bench-site.ts';
import { loadCases } from '../bench/case.ts';
import { runLimit } from '../limit/run.ts';
import { runRead } from '../read/run.ts';
import { commissionCt } from './ct.ts';
import { openSite } from './open-site.ts';

const folder = mkdtempSync(join(tmpdir(), 'gtx-held-'));
after(() => rmSync(folder, { recursive: true }));
const board = join(folder, 'board.yaml');
const plan = join(folder, 'plan.yaml');
/** An address that no test else has, and that nobody answers. */
const tcp = `192.0.2.${(process.pid % 250) + 1}:${1024 + (process.pid % 60_000)}`;
writeFileSync(
  board,
  `meterId: AMI_METER_TEST_002
name: Test
building: academic
zone: campus
location: { latitude: 37.4, longitude: -122.1, timeZone: America/Los_Angeles }
connection: { importLimitW: 50000, exportLimitW: 20000 }
hal: real
ports: { bus: { tcp: "${tcp}" } }
devices:
  clamps: { driver: sdm630, port: bus, unit: 5, gridChannel: 1 }
  inverter: { driver: sunspec-inverter, port: bus, unit: 1, ratedW: 15000 }
`,
);
writeFileSync(plan, `title: Test\nboard: ${board}\nsteps:\n  - limit: { exportW: 0 }\n`);
const data = join(folder, 'none');

const commands: readonly (readonly [name: string, run: () => Promise<void>])[] = [
  ['limit', () => runLimit({ board, data, watts: 0, of: 'export', seconds: 1 })],
  ['limit --dry-run', () => runLimit({ board, data, watts: 0, of: 'export', seconds: 1, dryRun: true })],
  ['read', () => runRead(undefined, { board, data, parity: 'none' })],
  ['commission ct', () => commissionCt({ board, data, out: folder, seconds: 1 })],
  [
    'doctor',
    async () => {
      await using cleanup = new AsyncDisposableStack();
      await openSite({ board, data }, cleanup);
    },
  ],
  [
    'bench',
    async () => {
      await using site = new BenchSite(loadCases(plan)[0]!, 1, createLog('test', 'silent'));
      await site.start();
    },
  ],
];

test('devices that a board holds are no command’s to try', {
  skip: process.platform !== 'linux' && 'devices are held by their name on Linux only',
}, async (t) => {
  await using held = await holdDevices(loadBoardFile(board));
  assert.ok(held !== undefined);
  for (const [name, run] of commands) {
    await t.test(`${name} is refused`, async () => {
      await assert.rejects(run(), { code: 'GTX-EDG-043', message: new RegExp(tcp) });
    });
  }
});

test('two that only look take turns as well: the second one is told', {
  skip: process.platform !== 'linux' && 'devices are held by their name on Linux only',
}, async () => {
  await using cleanup = new AsyncDisposableStack();
  await openSite({ board, data: join(folder, 'none of it') }, cleanup);
  await assert.rejects(runRead(undefined, { board, data, parity: 'none' }), { code: 'GTX-EDG-043' });
});
