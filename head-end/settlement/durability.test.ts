import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { killRounds } from './kill-rounds.ts';

test('after kill -9 at random moments every confirmed transaction is there once', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gridtokenx-kill-'));
  t.after(() => rmSync(folder, { recursive: true }));
  await killRounds(folder, 4);
});
