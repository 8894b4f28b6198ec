import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { lfdiBytes, mridOf } from '#ieee2030_5/identity.ts';
import type { MirrorUsagePoint } from '#ieee2030_5/types.generated.ts';
import type { Device } from '../../registry/devices.ts';
import { sampleOf } from '../sample-documents.ts';
import { reasonOf, TestServer, testStart } from '../test-server.ts';

suite('mirror usage points and what is read of them', { concurrency: false }, () => {
  let server: TestServer;
  let device: Device;
  before(async () => {
    server = await TestServer.start();
    device = await server.device();
  });
  after(() => server[Symbol.asyncDispose]());

  const type = { uom: 72, flowDirection: 1, accumulationBehaviour: 3, phase: 0 };
  const point = (more: Partial<MirrorUsagePoint> = {}): MirrorUsagePoint => ({
    ...sampleOf('MirrorUsagePoint', 'point'),
    deviceLFDI: lfdiBytes(device.lfdi),
    MirrorMeterReading: [{ mRID: mridOf('energy'), description: 'energy', ReadingType: type }],
    ...more,
  });
  const post = (document: MirrorUsagePoint, who = device) =>
    server.send(who, 'POST', '/mup', 'MirrorUsagePoint', document);
  let href: string;

  test('one mRID is one MirrorUsagePoint: 201 at first, then 204 with the same place', async () => {
    const [first, again] = [await post(point()), await post(point({ roleFlags: Uint8Array.of(0, 73) }))];
    href = first.location ?? '';
    assert.deepEqual([first.status, again.status, again.location], [201, 204, href]);
    const read = await server.document(device, href, 'MirrorUsagePoint');
    assert.deepEqual([...read.roleFlags], [0, 73]);
    const [reading] = read.MirrorMeterReading ?? [];
    assert.deepEqual([reading?.description, reading?.ReadingType?.uom], ['energy', 72]);
    assert.equal((await server.document(device, '/dcap', 'DeviceCapability')).MirrorUsagePointListLink?.all, 1);
  });

  test('the operator’s post rate goes before the one that the device suggests', async () => {
    await server.send(device, 'PUT', href, 'MirrorUsagePoint', point({ postRate: 77 }));
    const rate = async () => (await server.document(device, href, 'MirrorUsagePoint')).postRate;
    assert.equal(await rate(), 77);
    await server.registry.update(device.id, { postRate: 60 }, server.clock.now());
    assert.equal(await rate(), 60);
    await server.registry.update(device.id, { postRate: undefined }, server.clock.now());
    assert.equal(await rate(), 77);
  });

  test('a MirrorUsagePoint that is put keeps its mRID', async () => {
    const put = (document: MirrorUsagePoint) => server.send(device, 'PUT', href, 'MirrorUsagePoint', document);
    assert.equal((await put(point({ status: 0 }))).status, 204);
    assert.equal((await put(point({ mRID: mridOf('another') }))).status, 400);
    assert.equal((await server.document(device, href, 'MirrorUsagePoint')).status, 0);
  });

  test('readings of another device’s mRID are refused', async () => {
    const other = await server.device();
    const theirs = point({ mRID: mridOf('theirs'), deviceLFDI: lfdiBytes(other.lfdi) });
    const answer = await post(theirs, other);
    assert.deepEqual([answer.status, reasonOf(answer)], [400, 1]);
  });

  test('a reading without a time period is of the instant at which it was made, and none is of the future', async () => {
    const send = (document: object) =>
      server.send(device, 'POST', href, 'MirrorMeterReading', { mRID: mridOf('energy'), ...document });
    assert.equal((await send({ Reading: { value: 1 } })).status, 201);
    assert.equal((await send({ lastUpdateTime: BigInt(testStart + 5), Reading: { value: 2 } })).status, 201);
    assert.equal((await send({ lastUpdateTime: BigInt(testStart + 7_200), Reading: { value: 3 } })).status, 400);
    const { rows } = await server.database.pool.query('SELECT period_start, duration, value FROM readings ORDER BY 1');
    assert.deepEqual(rows, [
      { period_start: testStart, duration: 0, value: 1 },
      { period_start: testStart + 5, duration: 0, value: 2 },
    ]);
  });

  test('what was mirrored is read back as a UsagePoint: types, days and readings, page by page', async () => {
    const day = 86_400;
    const at = (start: number, value: number) => ({ value, timePeriod: { start: BigInt(start), duration: 15 } });
    const readings = [at(testStart - 2 * day, 10), at(testStart - 2 * day + 15, 11), at(testStart + 15, 12)];
    for (const Reading of readings) {
      await server.send(device, 'POST', href, 'MirrorMeterReading', { mRID: mridOf('energy'), Reading });
    }
    const points = await server.document(device, '/upt?l=9', 'UsagePointList');
    const meterReadings = points.UsagePoint?.[0]?.MeterReadingListLink;
    assert.deepEqual([points.all, meterReadings?.all], [1, 1]);
    const list = await server.document(device, `${meterReadings?.href}?l=9`, 'MeterReadingList');
    const [meterReading] = list.MeterReading ?? [];
    assert.equal((await server.document(device, meterReading?.ReadingTypeLink.href ?? '', 'ReadingType')).uom, 72);
    assert.equal((await server.document(device, meterReading?.ReadingLink?.href ?? '', 'Reading')).value, 12);
    const sets = await server.document(device, `${meterReading?.ReadingSetListLink?.href}?l=9`, 'ReadingSetList');
    assert.deepEqual([sets.all, sets.results], [3, 3]);
    const starts = (sets.ReadingSet ?? []).map(({ timePeriod }) => Number(timePeriod.start));
    assert.deepEqual(
      starts,
      [0, 1, 2].map((days) => testStart - (testStart % day) - days * day),
    );
    const valuesOf = async (set: number, query: string) => {
      const path = `${sets.ReadingSet?.[set]?.ReadingListLink?.href}?${query}`;
      const { all, Reading = [] } = await server.document(device, path, 'ReadingList');
      return [all, Reading.map(({ value }) => value)];
    };
    assert.deepEqual(await valuesOf(0, 'l=9'), [3, [1, 2, 12]]);
    assert.deepEqual(await valuesOf(0, 's=1&l=1'), [3, [2]]);
    assert.deepEqual(await valuesOf(0, `a=${testStart}&l=9`), [2, [2, 12]]);
    assert.deepEqual(await valuesOf(0, 's=9&l=9'), [3, []]);
    assert.deepEqual(await valuesOf(1, 'l=9'), [0, []]);
    assert.deepEqual(await valuesOf(2, 'l=9'), [2, [10, 11]]);
  });

  test('a MirrorUsagePoint that is removed is gone with its UsagePoint; its readings stay', async () => {
    assert.equal((await server.ask(device, 'DELETE', href)).status, 204);
    for (const path of [href, href.replace('/mup', '/upt')]) assert.equal((await server.get(device, path)).status, 404);
    const again = await post(point());
    assert.equal(again.location, href);
    const { rows } = await server.database.pool.query<{ n: number }>('SELECT count(*) AS n FROM readings');
    assert.equal(rows[0]?.n, 5);
  });
});
