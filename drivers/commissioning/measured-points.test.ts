import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { meterMaps } from '../meter/maps.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import type { RegisterBank } from '../modbus/server.ts';
import { Site } from '../site/site.ts';
import { twinKinds } from '../twins.ts';
import { type MeasuredPoint, readMapPoints, readSunSpecPoints } from './measured-points.ts';
import { exceptionError } from '../modbus/protocol.ts';

const noon = UnixSeconds(1_782_068_400);
const battery = { capacityWh: 20_000, ratedW: 10_000 };
const location = { latitude: 37.4, longitude: -122.2, timeZone: 'America/Los_Angeles' };

function twinNamed(name: string) {
  const site = new Site(
    { meterId: 'T', building: 'academic', location, pvRatedW: 15_000, peakLoadW: 20_000, battery },
    1,
  );
  const kind = twinKinds.find((each) => each.name === name)!;
  const twin = kind.make({ site, clock: { now: () => noon }, serial: 'S-1', pvRatedW: 15_000, battery });
  site.advanceTo(noon);
  return { twin, site };
}

/** A bank without a wire. */
const direct = (bank: RegisterBank): RegisterTransport => {
  const registers = (found: Buffer | number): Promise<Buffer> =>
    typeof found === 'number' ? Promise.reject(exceptionError(found, 'no')) : Promise.resolve(Buffer.from(found));
  return {
    name: 'direct',
    start: () => Promise.resolve(),
    readHolding: (_unit, at, count) => registers(bank.read(at, count)),
    readInput: (_unit, at, count) => registers(bank.readInput?.(at, count) ?? 1),
    writeHolding: () => Promise.reject(new Error('read writes nothing')),
  };
};

const valueOf = (points: readonly MeasuredPoint[], name: string, group?: string): unknown =>
  points.find((point) => point.name === name && (group === undefined || point.group.startsWith(group)))?.value;

test('every point of a map is read in its own unit, and none is left out', async () => {
  for (const map of meterMaps) {
    const { twin } = twinNamed(map.name);
    const points = await readMapPoints(map, direct(twin.bank), 1);
    assert.deepEqual(
      points.map(({ name }) => name),
      map.points.map(({ name }) => name),
    );
    assert.ok(points.every(({ value }) => typeof value === 'number'));
  }
  const { twin } = twinNamed('sdm630');
  twin.hold('power', 1234.5);
  twin.hold('frequency', 50.02);
  const held = await readMapPoints(meterMaps.find(({ name }) => name === 'sdm630')!, direct(twin.bank), 1);
  assert.equal(valueOf(held, 'power'), 1234.5);
  assert.equal(Math.round(1000 * Number(valueOf(held, 'frequency'))), 50_020);
});

test('a SunSpec device is read in physical units, its scale factors and settings left out', async () => {
  const { twin } = twinNamed('sunspec-battery');
  twin.hold('713.SoC', 55.5);
  twin.hold('701.W', -2500);
  const points = await readSunSpecPoints(direct(twin.bank), 2, 'measured');
  assert.equal(valueOf(points, 'SoC', '713'), 55.5);
  assert.equal(valueOf(points, 'W', '701'), -2500);
  assert.equal(valueOf(points, 'SN', '1 '), 'S-1');
  assert.ok(points.every(({ name, group }) => !name.endsWith('_SF') && !group.startsWith('704')));
});

test('with its settings a SunSpec device shows its nested curves point by point', async () => {
  const { twin } = twinNamed('sunspec-inverter');
  const points = await readSunSpecPoints(direct(twin.bank), 1, 'all');
  assert.equal(valueOf(points, 'WMaxRtg', '702'), 15_000);
  assert.equal(typeof valueOf(points, 'Crv[0].Pt[0].V', '705'), 'number');
  assert.equal(valueOf(points, 'WMaxLimPctEna', '704'), 'DISABLED');
});
