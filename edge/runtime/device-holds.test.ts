import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testBoardFile } from '../test-board-file.ts';
import { holdDevices } from './device-holds.ts';

/** An address that no test else has. */
const tcp = `192.0.2.${(process.pid % 250) + 1}:${1024 + (process.pid % 60_000)}`;

const board = (meterUnit: number, inverterUnit: number, hal: 'real' | 'emulated' = 'real') =>
  testBoardFile({
    hal,
    devices: {
      clamps: { driver: 'sdm630', unit: meterUnit, gridChannel: 1, port: { tcp } },
      inverter: { driver: 'sunspec-inverter', unit: inverterUnit, ratedW: 10_000, port: { tcp } },
    },
  });

test('a device has one program that drives it; the first one keeps it', {
  skip: process.platform !== 'linux' && 'devices are held by their name on Linux only',
}, async () => {
  const first = await holdDevices(board(1, 2));
  await assert.rejects(holdDevices(board(1, 2)), { code: 'GTX-EDG-043' });
  // Another unit behind the same gateway is another device, a meter is read by whoever likes, and a twin is one's own.
  await using other = await holdDevices(board(1, 3));
  await using emulated = await holdDevices(board(1, 2, 'emulated'));
  assert.ok(other !== undefined && emulated !== undefined);
  await first[Symbol.asyncDispose]();
  await using second = await holdDevices(board(1, 2));
  assert.ok(second !== undefined);
});
