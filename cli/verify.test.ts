import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ChainedSecurityLog } from '#head-end/security-log.ts';
import { gridtokenx } from './test-command.ts';

const verify = (...args: string[]) => gridtokenx(['verify', ...args]);

test('verify security-log tells a log that holds from one that was edited, and what it cannot see', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  const log = new ChainedSecurityLog(folder);
  for (const actor of ['ada', 'bob', 'eve']) await log.record({ kind: 'sign-in', actor });
  const file = join(folder, 'security-0000000000.jsonl');
  const [whole, alone] = await Promise.all([verify('security-log', folder), verify('security-log', file, '--json')]);
  assert.equal(whole.code, 0, whole.stderr);
  assert.match(whole.stdout, /^Entries 0 to 2 hold; head [0-9a-f]{64}$/m);
  assert.match(whole.stderr, /written anew as a whole/);
  const { first, last, head, unseen } = JSON.parse(alone.stdout) as Record<string, unknown>;
  assert.deepEqual([first, last], [0, 2]);
  assert.match(String(unseen), /missing at its end/);

  const text = await readFile(file, 'utf8');
  await writeFile(file, text.slice(0, text.lastIndexOf('{')));
  const [folderCut, fileCut, nowhere] = await Promise.all([
    verify('security-log', folder),
    verify('security-log', file, '--head', String(head)),
    verify('security-log', join(folder, 'none')),
  ]);
  for (const { code, stderr } of [folderCut, fileCut]) {
    assert.equal(code, 1);
    assert.match(stderr, /^GTX-CHN-001 /);
  }
  assert.equal(nowhere.code, 2);
  assert.match(nowhere.stderr, /^GTX-VFY-001 /);

  await writeFile(file, text.replace('"eve"', '"adam"'));
  assert.equal((await verify('security-log', folder)).code, 1);
});
