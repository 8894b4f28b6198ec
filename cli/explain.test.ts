import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { TestSite, watts } from '#edge/control/test-site.ts';
import { type BoardStatus, StatusSocket, statusSocketName } from '#edge/status-socket.ts';
import { gridtokenx } from './test-command.ts';

/** A campus' data folder in which one board answers. */
async function startBoard(t: TestContext, lane = ''): Promise<{ readonly site: TestSite; readonly folder: string }> {
  const connection = { importLimitW: 50_000, exportLimitW: 4_000 };
  const site = await TestSite.start(t, { connection, base: watts('opModImpLimW', 6_000) });
  const folder = mkdtempSync(join(tmpdir(), 'gtx-explain-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'boards', lane), { recursive: true });
  const socket = new StatusSocket(join(folder, 'boards', lane, statusSocketName), () => [site.board]);
  await socket.start();
  t.after(() => socket[Symbol.asyncDispose]());
  return { site, folder };
}

const explain = (...args: string[]) => gridtokenx(['explain', ...args]);

test('a board itself tells what holds: the default of its program, and the installer’s limit', async (t) => {
  const { site, folder } = await startBoard(t);
  const early = await explain(site.board.meterId, '--board', folder);
  assert.deepEqual([early.code, early.stdout], [0, 'The board has not measured anything yet.\n']);
  await site.runTo(60);
  const { code, stdout, stderr } = await explain(site.board.meterId, '--board', folder);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^export +Export to the grid is limited to 4 kW by the installer’s setting of this site\.$/m);
  assert.match(stdout, /^import +Import from the grid is limited to 6 kW by the default .* \(primacy 0\)/m);
  assert.match(stdout, /^storage +The battery is told to /m);
  const json = await explain(site.board.meterId, '--board', folder, '--json');
  const { explanation, meterId } = JSON.parse(json.stdout) as BoardStatus;
  assert.deepEqual([meterId, explanation?.limits.export?.source.kind], [site.board.meterId, 'site']);
  assert.equal(statSync(join(folder, 'boards', statusSocketName)).mode & 0o777, 0o600);
});

test('a board answers whichever lane of its campus it is in', async (t) => {
  const { site, folder } = await startBoard(t, 'lane-2');
  await using emptyLane = new StatusSocket(join(folder, 'boards', statusSocketName), () => []);
  await emptyLane.start();
  assert.equal((await explain(site.board.meterId, '--board', folder)).code, 0);
});

test('a board that does not run here, and a folder without boards, are told with a code', async (t) => {
  const { folder } = await startBoard(t);
  const other = await explain('NOBODY', '--board', folder);
  assert.equal(other.code, 2);
  assert.match(other.stderr, /^GTX-ASK-005 .*\n {2}hint: /);
  const empty = await explain('NOBODY', '--board', join(folder, 'elsewhere'));
  assert.equal(empty.code, 1);
  assert.match(empty.stderr, /^GTX-ASK-004 .*no status socket\n {2}hint: /);
});
