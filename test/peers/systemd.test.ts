import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { debianPackage } from '../debian-packages.ts';
import { testFolder } from '#hal/linux/fake-kernel.ts';
import { SystemdNotify } from '#hal/linux/systemd.ts';

test('the service manager hears that the program is ready, beats and stops, over a path and an abstract name', async (t) => {
  if (!debianPackage(t, 'socat')) return;
  for (const [variable, listen] of [
    [join(testFolder(t), 'notify'), 'UNIX-RECV:'],
    [`@gtx-notify-${process.pid}`, 'ABSTRACT-RECV:'],
  ] as const) {
    const manager = spawn('socat', ['-u', '-d', '-d', `${listen}${variable.replace(/^@/, '')}`, 'STDOUT']);
    t.after(() => manager.kill());
    await once(manager.stderr, 'data');
    const heard: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    createInterface({ input: manager.stdout }).on('line', (line) => {
      if (heard.push(line) === 4) resolve();
    });
    const systemd = SystemdNotify.from({ NOTIFY_SOCKET: variable, WATCHDOG_USEC: '30000000' });
    assert.equal(systemd?.timeoutSeconds, 30);
    await systemd.start();
    await systemd.start();
    await systemd.beat();
    await systemd.status('two\nlines');
    await systemd[Symbol.asyncDispose]();
    await systemd[Symbol.asyncDispose]();
    await promise;
    assert.deepEqual(heard, ['READY=1', 'WATCHDOG=1', 'STATUS=two lines', 'STOPPING=1']);
  }
});

test('without a service manager there is none, and without WatchdogSec no beat is ever late', () => {
  assert.equal(SystemdNotify.from({}), undefined);
  assert.equal(SystemdNotify.from({ NOTIFY_SOCKET: 'vsock:2:1' }), undefined);
  assert.equal(SystemdNotify.from({ NOTIFY_SOCKET: '/run/none' })?.timeoutSeconds, Infinity);
});

test('a service manager that is gone is told in words', async (t) => {
  const systemd = SystemdNotify.from({ NOTIFY_SOCKET: join(testFolder(t), 'none') });
  await assert.rejects(systemd?.start() ?? Promise.resolve(), { code: 'GTX-HAL-010', hint: /Type=notify/ });
});
