import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { verifyChain } from '#hal/hash-chain.ts';
import { ChainedSecurityLog, securityLogName } from './security-log.ts';

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

test('an entry says what, who, whom and more, and a changed word in it is found', async (t) => {
  const folder = await folderOf(t);
  const log = new ChainedSecurityLog(folder);
  await log.record({ kind: 'role-change', actor: 'ada', subject: 'bob', detail: { from: 'viewer', to: 'operator' } });
  await log.record({ kind: 'refusal', actor: 'AMI-1' });
  const file = join(folder, (await readdir(folder)).find((name) => name.endsWith('.jsonl'))!);
  const text = await readFile(file, 'utf8');
  const { what, actor, subject, detail } = JSON.parse(text.split('\n')[0]!) as Record<string, unknown>;
  assert.deepEqual(
    { what, actor, subject, detail },
    { what: 'role-change', actor: 'ada', subject: 'bob', detail: { from: 'viewer', to: 'operator' } },
  );
  assert.equal((await verifyChain(folder, securityLogName)).seq, 1);
  await writeFile(file, text.replace('"to":"operator"', '"to":"auditor"'));
  await assert.rejects(verifyChain(folder, securityLogName), { code: 'GTX-CHN-001' });
});

test('what comes from outside cannot make an entry too long', async (t) => {
  const log = new ChainedSecurityLog(await folderOf(t));
  const long = 'ü'.repeat(100_000);
  const detail = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`${i}`, 'x'.repeat(i)]));
  await log.record({ kind: 'refusal', actor: long, subject: long, detail });
});
