import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { DataFolder } from './data-folder.ts';

const temporary = (t: TestContext): string => {
  const parent = mkdtempSync(join(tmpdir(), 'gtx-data-'));
  t.after(() => rmSync(parent, { recursive: true }));
  return join(parent, 'data');
};
const markerOf = (path: string): string => join(path, 'gridtokenx.json');

test('nobody else may list a data folder, and only the way to the database may be passed through', async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'gtx-data-'));
  t.after(() => rmSync(parent, { recursive: true }));
  using data = await DataFolder.open(join(parent, 'data'));
  const modeOf = (path: string): number => statSync(path).mode & 0o777;
  assert.equal(modeOf(data.folder('boards')), 0o700);
  assert.equal(modeOf(data.folder('head-end', true)) & 0o066, 0);
  assert.equal(modeOf(data.path) & 0o066, 0);
});

test('a data folder says what made it, is found again, and keeps what is in it', async (t) => {
  const path = temporary(t);
  {
    using data = await DataFolder.open(path);
    assert.equal(data.path, path);
    assert.deepEqual(JSON.parse(readFileSync(markerOf(path), 'utf8')), { program: 'gridtokenx', version: 2 });
    writeFileSync(join(data.folder('ca'), 'root.pem'), 'kept');
  }
  using again = await DataFolder.open(path);
  assert.equal(readFileSync(join(again.folder('ca'), 'root.pem'), 'utf8'), 'kept');
});

test('a folder of the first layout is taken on, and is the second’s from then on', async (t) => {
  const path = temporary(t);
  mkdirSync(path);
  writeFileSync(markerOf(path), '{"program":"gridtokenx","version":1}');
  using _data = await DataFolder.open(path);
  assert.deepEqual(JSON.parse(readFileSync(markerOf(path), 'utf8')), { program: 'gridtokenx', version: 2 });
});

test('one campus at a time: the second is told, and finds it free when the first is gone', async (t) => {
  const path = temporary(t);
  {
    using _first = await DataFolder.open(path);
    await assert.rejects(DataFolder.open(path), { code: 'GTX-DAT-003' });
  }
  using _second = await DataFolder.open(path);
});

test('the folder of another version, or of nobody knows what, is refused and left as it was', async (t) => {
  const path = temporary(t);
  mkdirSync(path);
  for (const marker of ['{"program":"gridtokenx","version":3}', '{"version":"1"}', '{}', 'null', '', 'not JSON']) {
    writeFileSync(markerOf(path), marker);
    await assert.rejects(DataFolder.open(path), { code: 'GTX-DAT-002' }, marker);
    assert.equal(readFileSync(markerOf(path), 'utf8'), marker);
    assert.deepEqual(readdirSync(path), ['gridtokenx.json']);
  }
});

test('what a first start left behind when it was killed does not stop the next one', async (t) => {
  const path = temporary(t);
  mkdirSync(path);
  for (const name of ['lock', 'gridtokenx.json.new']) writeFileSync(join(path, name), '');
  using _data = await DataFolder.open(path);
  assert.match(readFileSync(markerOf(path), 'utf8'), /"version":2/);
});

test('what is not a folder cannot be one', async (t) => {
  const path = temporary(t);
  writeFileSync(path, 'a file');
  await assert.rejects(DataFolder.open(path), { code: 'GTX-DAT-001' });
  await assert.rejects(DataFolder.open(join(path, 'in it')), { code: 'GTX-DAT-001' });
  assert.equal(readFileSync(path, 'utf8'), 'a file');
});
