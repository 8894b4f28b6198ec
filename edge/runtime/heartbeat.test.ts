import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { EmulatedWatchdog } from '#hal/emulated/watchdog.ts';
import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { Watchdog } from '#hal/ports.ts';
import { UnixSeconds } from '#hal/units.ts';
import { Heartbeat } from './heartbeat.ts';

function bench(others: readonly Watchdog[] = []) {
  const clock = new VirtualClock(UnixSeconds(1000));
  const watchdog = new EmulatedWatchdog(clock, 15);
  const told: string[] = [];
  const tell = (facts: unknown, what?: string) => void told.push(what ?? String(facts));
  const log = { info: tell, warn: tell, error: tell } as unknown as Log;
  const state = { isAlive: true };
  const heartbeat = new Heartbeat({ watchdogs: [...others, watchdog], isAlive: () => state.isAlive, log });
  return { clock, watchdog, told, state, heartbeat };
}

test('beats come while the control loop is alive, and stay away while it is not', async () => {
  const { clock, watchdog, told, state, heartbeat } = bench();
  await heartbeat.start();
  for (const second of [1005, 1010, 1015]) {
    clock.setNow(UnixSeconds(second));
    await heartbeat.beat();
  }
  assert.deepEqual([watchdog.beats, watchdog.isExpired], [3, false]);
  state.isAlive = false;
  for (const second of [1020, 1025, 1031]) {
    clock.setNow(UnixSeconds(second));
    await heartbeat.beat();
  }
  assert.deepEqual([watchdog.beats, watchdog.isExpired], [3, true]);
  assert.equal(told.length, 1);
  assert.match(told[0] ?? '', /no more beats/);
  await heartbeat[Symbol.asyncDispose]();
  assert.equal(watchdog.isExpired, false);
});

test('a watchdog that is not there is told of once and keeps the other from nothing', async () => {
  const missing: Watchdog = {
    name: 'watchdog /dev/watchdog0',
    timeoutSeconds: 15,
    start: () => Promise.reject(new GridError('GTX-HAL-004', 'Cannot open it')),
    beat: () => Promise.reject(new GridError('GTX-HAL-006', 'not started')),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const { watchdog, told, heartbeat } = bench([missing]);
  await heartbeat.start();
  await heartbeat.beat();
  await heartbeat.beat();
  await heartbeat[Symbol.asyncDispose]();
  assert.deepEqual([watchdog.beats, told], [2, ['watchdog does not answer']]);
});
