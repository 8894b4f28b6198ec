import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds, W, Wh } from '#hal/units.ts';
import type { BatteryReading } from '#drivers/capabilities.ts';
import type { GridReading } from '#drivers/grid-support.ts';
import type { BoardDevices, SiteSample } from './sampler.ts';
import { type Measured, placesOf } from './utility-places.ts';

const devicesOf = (...there: ('inverter' | 'battery')[]): BoardDevices =>
  Object.fromEntries(there.map((which) => [which, {}])) as unknown as BoardDevices;

const battery: BatteryReading = {
  powerW: W(-2_000),
  stateOfChargeCentiPercent: 2_550,
  acChargeWh: Wh(0),
  acDischargeWh: Wh(0),
  dcChargeWh: Wh(0),
  dcDischargeWh: Wh(0),
};
const sample: SiteSample = {
  time: UnixSeconds(0),
  gridW: W(-3_000),
  loadW: W(1_000),
  voltageV: 231.2,
  inverter: { powerW: W(6_000), generationWh: Wh(1) },
  battery,
};
const grid = (reactiveVar: number | undefined, voltageV: number | undefined, frequencyHz: number): GridReading => ({
  powerW: W(0),
  reactiveVar,
  apparentVA: undefined,
  voltageV,
  voltagePercent: undefined,
  frequencyHz,
  operation: 'running',
  isConnected: true,
  alarms: new Set(),
});
const measured: Measured = { sample, grid: { inverter: grid(400, 233.4, 49.98), battery: grid(-100, 232, 50) } };

/** By place and channel. */
const valuesOf = (devices: BoardDevices, what: Measured, capacityWh?: number): object =>
  Object.fromEntries(
    placesOf(devices, capacityWh).map(({ name, channels }) => [
      name,
      Object.fromEntries([...channels].map(([channel, { valueOf }]) => [channel, valueOf(what)])),
    ]),
  );

test('the site draws and the DERs give: power, reactive power and voltage of each, and what storage holds', () => {
  assert.deepEqual(valuesOf(devicesOf('inverter', 'battery'), measured, 10_000), {
    site: { W: -3_000, var: -300, V: 231.2 },
    der: { W: 4_000, var: 300, V: 233.4, Hz: 49.98, storedWh: 2_550 },
  });
  const [site, der] = placesOf(devicesOf('inverter'), undefined);
  assert.deepEqual([site?.flowDirection, der?.flowDirection], [1, 19]);
  assert.deepEqual(site?.channels.get('var')?.qualityFlags, Uint8Array.of(0, 0x20), 'derived: no clamp measures it');
});

test('a device that does not answer leaves the sums open: a part is not told as the whole', () => {
  const silent: Measured = {
    sample: { ...sample, battery: undefined, voltageV: undefined },
    grid: { ...measured.grid, battery: undefined },
  };
  assert.deepEqual(valuesOf(devicesOf('inverter', 'battery'), silent, 10_000), {
    site: { W: -3_000, var: undefined, V: 233.4 },
    der: { W: undefined, var: undefined, V: 233.4, Hz: 49.98, storedWh: undefined },
  });
});

test('a site without storage tells of none, and one without DERs of the connection point alone', () => {
  const solar = { sample: { ...sample, battery: undefined }, grid: { ...measured.grid, battery: undefined } };
  assert.deepEqual(valuesOf(devicesOf('inverter'), solar), {
    site: { W: -3_000, var: -400, V: 231.2 },
    der: { W: 6_000, var: 400, V: 233.4, Hz: 49.98 },
  });
  const bare = {
    sample: { ...sample, inverter: undefined, battery: undefined },
    grid: { inverter: undefined, battery: undefined },
  };
  assert.deepEqual(valuesOf(devicesOf(), bare), { site: { W: -3_000, var: undefined, V: 231.2 } });
});
