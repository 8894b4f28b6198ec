import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { defaultSource, generatedFile, generateModels } from './generate.ts';
import { models } from './models.generated.ts';
import { layOut, type GroupTable } from './table.ts';

test('the committed table is what the generator makes of the model files', (t) => {
  if (!existsSync(defaultSource)) {
    t.skip('the SunSpec model files (../shared/sunspec/json) are not there');
    return;
  }
  assert.equal(readFileSync(generatedFile, 'utf8'), generateModels(defaultSource));
});

test('every model lays out without gaps or overlaps, each repetition of a group after the other', () => {
  for (const [id, model] of Object.entries<GroupTable>(models)) {
    const placed = layOut(model, () => 3, model.size - 2 + 40);
    let next = 0;
    for (const { path, at, point } of placed) {
      assert.equal(at, next, `${id} ${path}`);
      next += point.size;
    }
    assert.equal(new Set(placed.map(({ path }) => path)).size, placed.length, `${id}: paths are unique`);
  }
});

const at = (id: keyof typeof models, path: string, count = 1): number | undefined =>
  layOut(models[id], () => count, 1000).find((placed) => placed.path === path)?.at;

test('the places that the models are known by', () => {
  assert.equal(at(123, 'WMaxLimPct'), 5);
  assert.equal(at(123, 'WMaxLimPct_RvrtTms'), 7);
  assert.equal(at(123, 'WMaxLim_Ena'), 9);
  assert.equal(at(123, 'WMaxLimPct_SF'), 23);
  assert.equal(at(704, 'WMaxLimPctRvrtTms'), 18);
  assert.equal(at(704, 'WSet'), 24);
  assert.equal(at(704, 'WSetRvrtTms'), 31);
  assert.equal(models[704].points.WSetRvrtTms.size, 2);
  assert.equal(at(704, 'PFWAbsRvrt.Ext'), 66);
  assert.equal(at(714, 'Prt[1].DCWhInj', 2), 20 + 25 + 13);
  assert.equal(at(705, 'Crv[1].Pt[2].V', 3), 15 + (10 + 3 * 2) + 10 + 2 * 2);
  assert.equal(at(707, 'Crv[0].MayTrip.Pt[1].V', 2), 9 + 1 + (1 + 2 * 3) + 1 + 3);
  assert.equal(at(160, 'module[1].ID'), 30);
});

test('a folder or a model that is none is refused with its name', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-models-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const refused = (points: readonly object[], expected: RegExp): void => {
    writeFileSync(join(folder, 'model_9.json'), JSON.stringify({ id: 9, group: { name: 'g', points } }));
    assert.throws(
      () => generateModels(folder),
      (error: unknown) => error instanceof GridError && error.code === 'GTX-SUN-010' && expected.test(error.message),
    );
  };
  assert.throws(() => generateModels(folder), /no model_<id>.json/);
  assert.throws(() => generateModels(join(folder, 'absent')), GridError);
  refused([{ name: 'A', type: 'decimal', size: 1 }], /model 9 group g point A: unknown type decimal/);
  refused([{ name: 'A', type: 'uint32', size: 1 }], /uint32 of 1 registers/);
  refused([{ name: 'A', type: 'uint16', size: 1, sf: -1 }], /scale factor that is no point/);
  refused([{ name: 'A', type: 'uint16', size: 1, sf: 'B_SF' }], /scale factor B_SF is no point/);
  const a = { name: 'A', type: 'uint16', size: 1 };
  refused([a, a], /two points A/);
});
