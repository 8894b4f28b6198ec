import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { testFolder } from './fake-kernel.ts';
import { GpioSysfs } from './gpio-sysfs.ts';

/** The files of a kernel that has exported line 17. */
function sysfs(t: TestContext): { folder: string; read: (name: string) => string; level: (level: string) => void } {
  const folder = testFolder(t);
  mkdirSync(join(folder, 'gpio17'));
  for (const name of ['export', 'unexport', 'gpio17/active_low', 'gpio17/direction', 'gpio17/value']) {
    writeFileSync(join(folder, name), name.endsWith('value') ? '0\n' : '');
  }
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  return { folder, read, level: (level) => writeFileSync(join(folder, 'gpio17/value'), `${level}\n`) };
}

test('an output is exported, takes its inactive level with its direction, is set, and is given back', async (t) => {
  for (const [isActiveLow, direction] of [
    [false, 'low'],
    [true, 'high'],
  ] as const) {
    const { folder, read } = sysfs(t);
    const line = new GpioSysfs(folder).output({ line: 17, isActiveLow });
    await assert.rejects(line.set(true), { code: 'GTX-HAL-006' });
    await line.start();
    assert.deepEqual(
      [read('export'), read('gpio17/active_low'), read('gpio17/direction')],
      ['17', isActiveLow ? '1' : '0', direction],
    );
    await line.set(true);
    assert.equal(read('gpio17/value'), '1');
    await line[Symbol.asyncDispose]();
    assert.equal(read('unexport'), '17');
  }
});

test('an input is read, and a change that lasts is told once', async (t) => {
  const { folder, read, level } = sysfs(t);
  await using line = new GpioSysfs(folder).input({ line: 17 });
  await line.start();
  assert.equal(read('gpio17/direction'), 'in');
  assert.equal(await line.read(), false);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  using _watch = line.onChange(resolve);
  level('1');
  assert.equal(await promise, true);
  assert.equal(await line.read(), true);
});

test('a kernel without GPIO in sysfs is told apart', async (t) => {
  const line = new GpioSysfs(join(testFolder(t), 'none')).output({ line: 17 });
  await assert.rejects(line.start(), { code: 'GTX-HAL-004', hint: /gpiochip0/ });
});
