import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readFrames } from './journal.ts';
import { EmbeddedLedger } from './embedded-ledger.ts';
import { killRounds } from './kill-rounds.ts';

test('after 60 times kill -9 every confirmed transaction is there once', { timeout: 300_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gridtokenx-kill-'));
  t.after(() => rmSync(folder, { recursive: true }));
  await killRounds(folder, 60);
});

test('every single bit of a journal is guarded, and every cut is a clean one', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gridtokenx-bits-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const ledger = new EmbeddedLedger({ folder });
  await ledger.start();
  for (let n = 0; n < 4; n++) {
    await ledger.fund('Stake11111111111111111111111111111111111111' as Parameters<typeof ledger.fund>[0], 1n);
  }
  await ledger[Symbol.asyncDispose]();
  const path = join(folder, 'journal-000001');
  const bytes = readFileSync(path);
  const frames = (content: Buffer): number =>
    readFrames(content.subarray(32), 'journal', content.subarray(0, 32)).bodies.length;
  assert.equal(frames(bytes), 5);
  const flip = (bit: number): unknown => bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    flip(bit);
    assert.throws(() => frames(bytes), { code: 'GTX-LED-004' }, `bit ${bit}`);
    flip(bit);
  }
  for (let length = 32; length < bytes.length; length++) assert.ok(frames(bytes.subarray(0, length)) < 5);
  writeFileSync(path, bytes);
  await ledger.start();
  await ledger[Symbol.asyncDispose]();
});
