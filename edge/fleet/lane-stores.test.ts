import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { FieldStore, fieldFile } from './field-store.ts';
import { laneFolders, openLanes, shareOut } from './lane-stores.ts';
import type { FleetBoard } from './protocol.ts';

const boardsOf = (meterIds: readonly string[]): FleetBoard[] =>
  meterIds.map((meterId) => ({ meterId, path: `${meterId}.yaml` }));
const idsOf = (lanes: readonly { readonly boards: readonly FleetBoard[] }[]): string[][] =>
  lanes.map(({ boards }) => boards.map(({ meterId }) => meterId));

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-lanes-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Buildings that a lane keeps the state of, as after a run. */
function keep(folder: string, meterIds: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  using store = new FieldStore(join(folder, fieldFile));
  store.save(meterIds.map((meterId) => [meterId, {}]) as unknown as Parameters<FieldStore['save']>[0]);
}

const ids = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 30 });

test('each board is in one lane, a known one in its own, and new ones make lanes even', () => {
  fc.assert(
    fc.property(ids, ids, fc.integer({ min: 0, max: 30 }), (meterIds, old, split) => {
      const known = [old.slice(0, split), old.slice(split)];
      const lanes = shareOut(boardsOf(meterIds), known).map((lane) => lane.map(({ meterId }) => meterId));
      assert.deepEqual(lanes.flat().toSorted(), meterIds.toSorted());
      for (const [lane, own] of known.entries()) {
        for (const meterId of own) if (meterIds.includes(meterId)) assert.ok(lanes[lane]?.includes(meterId));
      }
      const [a = [], b = []] = lanes;
      const news = (lane: readonly string[]): number => lane.filter((meterId) => !old.includes(meterId)).length;
      if (Math.abs(a.length - b.length) > 1) assert.equal(news(a.length > b.length ? a : b), 0);
    }),
  );
});

test('boards stay in their lane when the campus grows or shrinks, and a lane without boards is not opened', (t) => {
  const folder = temporary(t);
  const open = (...meterIds: string[]) => openLanes(folder, boardsOf(meterIds));
  assert.deepEqual(idsOf(open('A')), [['A']]);
  const lanes = open('A', 'B', 'C', 'D');
  assert.deepEqual(idsOf(lanes), [
    ['A', 'C'],
    ['B', 'D'],
  ]);
  for (const lane of lanes) keep(lane.folder, idsOf([lane]).flat());
  assert.deepEqual(idsOf(open('0', 'A', 'B', 'D')), [
    ['A', '0'],
    ['B', 'D'],
  ]);
  assert.deepEqual(
    open('B', 'D').map((lane) => lane.folder),
    [laneFolders(folder)[1]],
  );
});

test('the boards of a folder from the time of one lane stay in the first', (t) => {
  const folder = temporary(t);
  keep(folder, ['A', 'B', 'C']);
  assert.deepEqual(idsOf(openLanes(folder, boardsOf(['A', 'B', 'C', 'D']))), [['A', 'B', 'C'], ['D']]);
});

test('a store that cannot be read is told with its code, and no board is taken for a new one', (t) => {
  const folder = temporary(t);
  mkdirSync(join(folder, fieldFile));
  assert.throws(() => openLanes(folder, boardsOf(['A'])), { code: 'GTX-FLT-001' });
});
