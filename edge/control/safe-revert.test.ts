import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Battery, PvInverter } from '#drivers/capabilities.ts';
import type { ModeSupport } from '#drivers/grid-support.ts';
import type { BoardFile } from '../board-file.ts';
import { testBoardFile, testDevices } from '../test-board-file.ts';
import { revertFaults } from './safe-revert.ts';

const connection = { importLimitW: 20_000, exportLimitW: 2_000 };

const devicesOf = (limit: ModeSupport['reverts'] | undefined, target: ModeSupport['reverts']) => {
  const modes = (mode: string, reverts: ModeSupport['reverts'] | undefined) => ({
    modes: () => new Map(reverts === undefined ? [] : [[mode, { reverts, ramps: false }]]),
  });
  return {
    inverter: modes('limitW', limit) as unknown as PvInverter,
    battery: modes('targetW', target) as unknown as Battery,
  };
};

const unsafe = (file: Partial<BoardFile>, devices: ReturnType<typeof devicesOf>): readonly string[] => [
  ...revertFaults(testBoardFile({ connection, ...file }), devices, () => true).keys(),
];

test('a device that was found and does not fall back to a safe value is told of, unless something else holds it', () => {
  assert.deepEqual(unsafe({}, devicesOf('toValue', 'toValue')), []);
  assert.deepEqual(unsafe({}, devicesOf('toDefault', 'toValue')), ['inverter']);
  assert.deepEqual(unsafe({}, devicesOf('never', 'toDefault')), ['inverter', 'battery']);
  assert.deepEqual(unsafe({}, devicesOf(undefined, 'toValue')), ['inverter']);
  const { inverter } = testDevices;
  const held = { ...testDevices, inverter: { ...inverter, ownLimitW: 2_000 } };
  assert.deepEqual(unsafe({ devices: held }, devicesOf('toDefault', 'toValue')), []);
  const cut = { ...testDevices, contactor: { driver: 'contactor', coil: 5 } };
  assert.deepEqual(unsafe({ devices: cut }, devicesOf('never', 'never')), []);
  const wide = { importLimitW: 20_000, exportLimitW: 10_000 };
  assert.deepEqual(unsafe({ connection: wide }, devicesOf('toDefault', 'never')), []);
  assert.equal(revertFaults(testBoardFile({ connection }), devicesOf('never', 'never'), () => false).size, 0);
});
