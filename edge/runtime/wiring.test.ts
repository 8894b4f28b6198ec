import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadBoardFile } from '../board-file.ts';
import { devicesOf } from '../board-devices.ts';
import type { BoardFile } from '../board-file.ts';
import { Wiring } from './wiring.ts';

const stanford = new URL('../../boards/stanford/eng-001.yaml', import.meta.url).pathname;

/** The devices of a building at these ports. */
function wired(ports: Readonly<Record<'clamps' | 'inverter' | 'battery', string>>): BoardFile {
  const { devices, ...file } = loadBoardFile(stanford);
  const { clamps, inverter, battery } = devices;
  assert.ok(clamps !== undefined && inverter !== undefined && battery !== undefined);
  return {
    ...file,
    hal: 'real',
    ports: {
      front: { serial: '/dev/ttyAMA9', baud: 115_200 },
      line: { serial: '/dev/ttyUSB9', baud: 9600 },
      gateway: { tcp: '127.0.0.1:1' },
    },
    devices: {
      clamps: { ...clamps, port: ports.clamps },
      inverter: { ...inverter, port: ports.inverter },
      battery: { ...battery, port: ports.battery },
    },
  };
}

test('devices at one port share one wire, and each port has its own', async () => {
  const file = wired({ clamps: 'front', inverter: 'gateway', battery: 'gateway' });
  await using wiring = new Wiring(file);
  const [clamps, inverter, battery] = devicesOf(file).map((device) => wiring.wireOf(device));
  assert.equal(inverter, battery);
  assert.notEqual(clamps, inverter);
  assert.equal(wiring.wireOf(devicesOf(file)[0]!), clamps);
  const apart = wired({ clamps: 'front', inverter: 'gateway', battery: 'line' });
  await using other = new Wiring(apart);
  const names = devicesOf(apart).map((device) => other.wireOf(device).name);
  assert.deepEqual(names, ['serial /dev/ttyAMA9 115200', 'tcp 127.0.0.1:1', 'serial /dev/ttyUSB9 9600']);
});

test('nothing is opened before a device is started', async () => {
  const file = wired({ clamps: 'front', inverter: 'line', battery: 'gateway' });
  const wiring = new Wiring(file);
  for (const device of devicesOf(file)) wiring.wireOf(device);
  await wiring[Symbol.asyncDispose]();
});
