import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { StatusSocket } from './status-socket.ts';

test('boards whose socket cannot be made run on, and the log tells why', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-status-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const told: unknown[] = [];
  const log = { warn: (...words: unknown[]) => void told.push(words) };
  await using there = new StatusSocket(join(folder, 'status.sock'), () => []);
  await there.startOrTell(log);
  assert.deepEqual(told, []);
  await using away = new StatusSocket(join(folder, 'nowhere', 'status.sock'), () => []);
  await away.startOrTell(log);
  assert.match(JSON.stringify(told), /GTX-EDG-020/);
});
