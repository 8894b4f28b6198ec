import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { DeviceStarts } from './device-starts.ts';
import { Health } from './health.ts';
import type { BoardDevices } from './sampler.ts';

function bench() {
  const missing = new Set<string>();
  const tried: string[] = [];
  const device = (role: string) => ({
    start: async () => {
      tried.push(role);
      if (missing.has(role)) throw new GridError('GTX-HAL-001', `Cannot open the ${role}`, { hint: 'Look.' });
    },
  });
  const devices = {
    meter: device('clamps'),
    inverter: device('inverter'),
    battery: undefined,
    gridChannel: 1,
    loadChannel: 2,
  } as unknown as BoardDevices;
  const told: string[] = [];
  const tell = ({ device: role }: { device: string }, what: string) => void told.push(`${role}: ${what}`);
  const health = new Health();
  const starts = new DeviceStarts(devices, health, { warn: tell, info: tell } as unknown as Log);
  return { missing, tried, told, health, starts };
}

test('a device that is missing is told of once, tried again by itself, and told of when it is found', async () => {
  const { missing, tried, told, health, starts } = bench();
  missing.add('inverter');
  assert.equal(await starts.attempt(UnixSeconds(0)), true);
  assert.deepEqual([starts.isStarted('clamps'), starts.isStarted('inverter'), starts.isComplete], [true, false, false]);
  assert.equal(await starts.attempt(UnixSeconds(10)), false);
  assert.deepEqual(
    health.parts.find(({ part }) => part === 'inverter'),
    {
      part: 'inverter',
      isWell: false,
      since: 0,
      fault: 'GTX-HAL-001 Cannot open the inverter. Look.',
    },
  );
  missing.clear();
  assert.equal(await starts.attempt(UnixSeconds(20)), true);
  assert.ok(starts.isComplete && starts.isStarted('inverter') && starts.isStarted('battery'));
  assert.equal(await starts.attempt(UnixSeconds(30)), false);
  assert.deepEqual(tried, ['clamps', 'inverter', 'inverter', 'inverter']);
  assert.deepEqual(told, ['inverter: device is missing', 'inverter: device was found']);
  assert.deepEqual(
    health.parts.map(({ part, isWell, since }) => `${part} ${isWell} ${since}`),
    ['clamps true 0', 'inverter true 20'],
  );
});
