import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DeviceFile } from './device-memory.ts';

test('what a device wrote last is read after a restart; nothing and damage count as lost', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-memory-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'devices', 'clamps.json');
  assert.equal(new DeviceFile(path).read(), undefined);
  await new DeviceFile(path).write({ forwardWh: 1 });
  await new DeviceFile(path).write({ forwardWh: 7 });
  assert.deepEqual(new DeviceFile(path).read(), { forwardWh: 7 });
  writeFileSync(path, '{"forwardWh":');
  assert.equal(new DeviceFile(path).read(), undefined);
});
