import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GridReading } from '#drivers/grid-support.ts';
import { hasBit } from '#ieee2030_5/bitmap.ts';
import { parseAs } from '#ieee2030_5/parse.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import { availabilityOf, capabilityOf, type DerState, settingsOf, statusOf } from './der-documents.ts';
import { both, cells, pvOnly, reading, state, storageOnly } from './test-der-state.ts';

const bitsOf = (bytes: Uint8Array | undefined): number[] =>
  Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => bytes !== undefined && hasBit(bytes, bit));
const number = (quantity: { value: number; multiplier: number } | undefined): number | undefined =>
  quantity && quantity.value * 10 ** quantity.multiplier;

test('the capability is the sum of the devices, and its modes are those that the site carries out', () => {
  const all = capabilityOf(both);
  assert.deepEqual(
    [number(all.rtgMaxW), number(all.rtgMaxVA), number(all.rtgMaxVar), number(all.rtgMaxVarNeg)],
    [105_000, 115_500, 46_200, -46_200],
  );
  assert.deepEqual(
    [number(all.rtgMaxChargeRateW), number(all.rtgMaxDischargeRateW), number(all.rtgMaxWh)],
    [4_000, 5_000, 80_000],
  );
  assert.deepEqual([all.type, capabilityOf(pvOnly).type, capabilityOf(storageOnly).type], [83, 4, 80]);
  // charge, discharge, Connect, Energize, FixedVar, FixedW, FreqWatt, MaxLimW, TargetVar, TargetW, VoltVar
  assert.deepEqual(bitsOf(all.modesSupported), [0, 1, 2, 3, 6, 7, 9, 20, 21, 22, 23]);
  assert.deepEqual([bitsOf(all.doeModesSupported), bitsOf(all.vppModesSupported)], [[0, 1, 2, 3], [0]]);
  assert.deepEqual(bitsOf(capabilityOf(pvOnly).vppModesSupported), []);
  assert.deepEqual(bitsOf(capabilityOf({ inverter: undefined, battery: undefined }).modesSupported), []);
  assert.deepEqual([all.rtgMinPFOverExcited, all.rtgMaxWh !== undefined], [{ displacement: 92, multiplier: -2 }, true]);
});

test('the settings follow the default control in force, and say the reserve', () => {
  const source = { kind: 'default', mRID: '', program: '', primacy: 0 } as const;
  const settings = {
    setGradW: { value: 27, rampTms: undefined, source },
    setESDelay: { value: 500, rampTms: undefined, source },
  };
  const told = settingsOf({ ...state, settings });
  assert.deepEqual([told.setGradW, told.setESDelay, number(told.setMinWh)], [27, 500, 8_000]);
  assert.equal(settingsOf(state).setGradW, 0);
  assert.deepEqual(bitsOf(told.doeModesEnabled), [0, 1, 2, 3]);
});

test('the status tells connection, energizing and alarms', () => {
  const connect = (change: Partial<DerState>): number[] =>
    bitsOf(statusOf({ ...state, ...change }).genConnectStatus?.value);
  const seen = (change: Partial<GridReading>): DerState['grid'] => ({
    inverter: { ...reading, ...change },
    battery: reading,
  });
  assert.deepEqual(connect({}), [0, 1, 2]);
  assert.deepEqual(
    connect({ service: 'out', grid: seen({ isConnected: false, operation: 'off' }) }),
    [0, 1],
    'de-energized',
  );
  assert.deepEqual(connect({ service: 'out', mayConnect: false }), [], 'disconnected');
  const off = { ...reading, isConnected: false, operation: 'off' } as const;
  assert.deepEqual(connect({ grid: { inverter: off, battery: off } }), [], 'tripped');
  assert.deepEqual(connect({ grid: { inverter: off, battery: reading } }), [0, 1, 2], 'storage is there');
  assert.deepEqual(connect({ plant: pvOnly, grid: seen({ operation: 'fault' }) }), [0, 4]);
  assert.deepEqual(connect({ grid: { inverter: undefined, battery: reading } }), [0, 1, 2, 4], 'not heard of');
  const alarms = statusOf({
    ...state,
    grid: seen({ alarms: new Set(['acOverVoltage', 'cabinetOpen', 'underFrequency']) }),
  });
  assert.deepEqual(bitsOf(alarms.alarmStatus), [1, 4]);
  assert.deepEqual([statusOf(state).inverterStatus?.value, statusOf(state).operationalModeStatus?.value], [4, 2]);
  const mode = (change: Partial<DerState>): number | undefined =>
    statusOf({ ...state, ...change }).operationalModeStatus?.value;
  assert.equal(mode({ service: 'out' }), 1);
  assert.equal(mode({ grid: seen({ operation: 'sleeping' }) }), 2, 'storage is there');
  const asleep = { inverter: { ...reading, operation: 'sleeping' }, battery: undefined } as const;
  assert.equal(mode({ plant: pvOnly, grid: asleep }), 1);
  assert.deepEqual(connect({ plant: pvOnly, grid: asleep }), [0, 1], 'without sun it does not operate');
  const entering = { ...reading, operation: 'starting' } as const;
  assert.deepEqual(connect({ plant: pvOnly, grid: { ...asleep, inverter: entering } }), [0, 1, 2], 'its power rises');
  const waiting = { ...reading, isConnected: false, operation: 'standby' } as const;
  assert.equal(mode({ plant: pvOnly, grid: { ...asleep, inverter: waiting } }), 1, 'not connected yet');
  const standby = { ...reading, operation: 'standby' } as const;
  assert.deepEqual(connect({ grid: { inverter: asleep.inverter, battery: standby } }), [0, 1, 2], 'storage could');
});

test('the status tells what storage does', () => {
  const mode = (w: number): number | undefined =>
    statusOf({ ...state, battery: cells(5_000, w) }).storageModeStatus?.value;
  assert.deepEqual([mode(-2_000), mode(2_000), mode(50)], [0, 1, 2]);
  assert.equal(statusOf(state).stateOfChargeStatus?.value, 5_000);
  const alone = statusOf({ ...state, plant: storageOnly, grid: { inverter: undefined, battery: reading } });
  assert.deepEqual(bitsOf(alone.genConnectStatus?.value), [0, 1, 2], 'a server looks at genConnectStatus');
  assert.equal(statusOf({ ...state, plant: pvOnly, battery: undefined }).storageModeStatus, undefined);
});

test('the availability is what is above the reserve and below full', () => {
  const told = availabilityOf(state);
  assert.deepEqual(
    [
      number(told.statWAvail),
      told.availabilityDuration,
      told.maxChargeDuration,
      told.reservePercent,
      told.reserveChargePercent,
    ],
    [7_000, Math.floor((3_600 * 32_000) / 7_000), 36_000, 667, 5_000],
  );
  const empty = availabilityOf({ ...state, battery: cells(1_000, 0) });
  assert.deepEqual([number(empty.statWAvail), empty.availabilityDuration], [0, 0]);
  const full = availabilityOf({ ...state, battery: cells(10_000, 0) });
  assert.deepEqual([full.maxChargeDuration, full.reserveChargePercent], [0, 0]);
  assert.equal(availabilityOf({ ...state, plant: pvOnly }).statWAvail, undefined);
});

test('all of them are documents that a strict reader takes', () => {
  for (const plant of [both, pvOnly, storageOnly]) {
    const of = { ...state, plant };
    const documents = {
      DERCapability: capabilityOf(plant),
      DERSettings: settingsOf(of),
      DERStatus: statusOf(of),
      DERAvailability: availabilityOf(of),
    };
    for (const [name, document] of Object.entries(documents) as [keyof typeof documents, object][]) {
      const written = writeDocument(name, document as never);
      assert.equal(writeDocument(name, parseAs(name, Buffer.from(written)) as never), written);
    }
  }
});
