import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadTraces } from '#drivers/site/traces.ts';
import { loadBoardFiles } from '#edge/board-file.ts';
import { writeProfileTraces } from './profiles-traces.ts';

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const profiles = fromRoot('../shared/profiles');

test('measured profiles drive seven buildings, day and night, within their ratings', async (t) => {
  if (!existsSync(profiles)) return t.skip('the measured profiles are not beside this checkout');
  const folder = mkdtempSync(join(tmpdir(), 'gtx-profiles-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const boards = new Map(loadBoardFiles(fromRoot('boards/stanford')).map((board) => [board.meterId, board]));
  const set = await loadTraces(await writeProfileTraces(profiles, folder), boards.keys());
  assert.equal(set.buildings.length, 7);
  const start = Date.parse('2025-07-14T07:00:00Z') / 1000;
  for (const meterId of set.buildings) {
    const board = boards.get(meterId);
    const rated = board?.devices.inverter?.ratedW ?? 0;
    const source = set.sourceOf(meterId, 'America/Los_Angeles');
    const wh = { pv: 0, load: 0 };
    for (let time = start; time < start + 86_400; time += 60) {
      const [pv, load] = [source?.pvW?.(time) ?? Number.NaN, source?.loadW?.(time) ?? Number.NaN];
      assert.ok(pv >= 0 && pv <= rated && load >= 0 && load <= rated, `${meterId}: ${pv} W, ${load} W of ${rated} W`);
      wh.pv += pv / 60;
      wh.load += load / 60;
    }
    assert.ok(wh.pv > rated && wh.load > 0.3 * rated, `${meterId}: ${wh.pv} Wh of sun, ${wh.load} Wh of load`);
    assert.equal(source?.pvW?.(start + 3600), 0, 'no sun at 1 h local time');
  }
});
