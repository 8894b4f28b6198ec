import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeFileAtomic } from './atomic-file.ts';

test('a file is replaced whole, with its mode, and the rest of a killed write disappears', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'secret');
  await writeFile(`${file}.new`, 'half', { mode: 0o666 });
  await writeFileAtomic(file, 'one', 0o600);
  await writeFileAtomic(file, 'two', 0o600);
  assert.equal(await readFile(file, 'utf8'), 'two');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(folder), ['secret']);
});

test('a write that fails says where and what to do', async () => {
  await assert.rejects(writeFileAtomic('/nowhere/at/all', ''), {
    code: 'GTX-HAL-020',
    message: /^Cannot write \/nowhere\/at\/all: /,
    hint: 'The folder does not exist.',
  });
});
