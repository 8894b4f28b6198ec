import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { testFolder } from './fake-kernel.ts';
import { HardwareWatchdog } from './watchdog.ts';

test('every beat is a write, and only an end in order stops the watchdog', async (t) => {
  const folder = testFolder(t);
  const device = join(folder, 'watchdog0');
  writeFileSync(device, '');
  const watchdog = new HardwareWatchdog({ device, sysfs: folder });
  await assert.rejects(watchdog.beat(), { code: 'GTX-HAL-006' });
  await watchdog.start();
  await watchdog.beat();
  await watchdog.beat();
  assert.equal(readFileSync(device, 'latin1'), '\0\0');
  await watchdog[Symbol.asyncDispose]();
  assert.equal(readFileSync(device, 'latin1'), '\0\0V');
});

test('its time is what the kernel says, and 15 s where it does not', async (t) => {
  const folder = testFolder(t);
  const watchdog = new HardwareWatchdog({ device: '/dev/watchdog7', sysfs: folder });
  assert.equal(watchdog.timeoutSeconds, 15);
  mkdirSync(join(folder, 'watchdog7'));
  writeFileSync(join(folder, 'watchdog7', 'timeout'), '60\n');
  assert.equal(watchdog.timeoutSeconds, 60);
  await assert.rejects(watchdog.start(), { code: 'GTX-HAL-004', hint: /dtparam=watchdog=on/ });
});
