import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { lockFolder, tryLockFolder } from './folder-lock.ts';

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-lock-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('a folder is held by one at a time, and free when that one lets go', (t) => {
  const folder = temporary(t);
  for (let n = 0; n < 2; n++) {
    using first = tryLockFolder(folder);
    assert.notEqual(first, undefined);
    assert.equal(tryLockFolder(folder), undefined);
  }
});

test('another folder is another lock', (t) => {
  using first = tryLockFolder(temporary(t));
  using second = tryLockFolder(temporary(t));
  assert.ok(first !== undefined && second !== undefined);
});

test('the lock of a process that was killed is free at once', async (t) => {
  const folder = temporary(t);
  const program = `
    import { tryLockFolder } from '#hal/folder-lock.ts';
    globalThis.held = tryLockFolder(${JSON.stringify(folder)});
    console.log(globalThis.held === undefined ? 'busy' : 'held');
    setInterval(() => {}, 1000);`;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program];
  const child = spawn(process.execPath, args, { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  assert.equal(said.toString(), 'held\n');
  assert.equal(tryLockFolder(folder), undefined);
  child.kill('SIGKILL');
  await once(child, 'exit');
  using taken = tryLockFolder(folder);
  assert.notEqual(taken, undefined);
});

test('the lock file is its owner’s alone: who may read it could hold it', (t) => {
  const folder = temporary(t);
  chmodSync(folder, 0o777);
  using _lock = tryLockFolder(folder);
  assert.equal(statSync(join(folder, 'lock')).mode & 0o777, 0o600);
});

test('an empty file that a killed start left behind is no hindrance, and what is no lock file is an error', (t) => {
  const folder = temporary(t);
  writeFileSync(join(folder, 'lock'), '');
  {
    using lock = tryLockFolder(folder);
    assert.notEqual(lock, undefined);
  }
  writeFileSync(join(folder, 'lock'), 'not a database'.repeat(100));
  assert.throws(() => tryLockFolder(folder), { code: 'EIO' });
});

test('a folder that is not there, or whose lock is a folder, is a system error with its code', (t) => {
  const folder = temporary(t);
  assert.throws(() => tryLockFolder(join(folder, 'nothing')), { code: 'ENOENT' });
  mkdirSync(join(folder, 'lock'));
  assert.throws(() => tryLockFolder(folder), { code: 'EISDIR' });
});

test('who waits for a folder has it as soon as the other lets go, and is told when it never does', async (t) => {
  const folder = temporary(t);
  const first = await lockFolder(folder, 0);
  await assert.rejects(lockFolder(folder, 20), { code: 'GTX-HAL-022' });
  const second = lockFolder(folder, 5000);
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
});
