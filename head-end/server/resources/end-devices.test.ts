import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { formatLfdi, lfdiBytes } from '#ieee2030_5/identity.ts';
import type { Device } from '../../registry/devices.ts';
import { isValidConnectionPointId } from '../connection-point.ts';
import { sampleOf } from '../sample-documents.ts';
import { endDeviceOf, testLfdi, TestServer } from '../test-server.ts';

suite('EndDevices', { concurrency: false }, () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start();
  });
  after(() => server[Symbol.asyncDispose]());
  const allow = (inBandRegistration: boolean) => server.sep.settings.change({ inBandRegistration });
  const lfdisOf = async (who: Parameters<TestServer['ask']>[0]): Promise<string[]> => {
    const { EndDevice = [] } = await server.document(who, '/edev?l=255', 'EndDeviceList');
    return EndDevice.map(({ lFDI }) => formatLfdi(lFDI ?? new Uint8Array()));
  };
  const register = (who: Parameters<TestServer['ask']>[0], lfdi: ReturnType<typeof testLfdi>) =>
    server.send(who, 'POST', '/edev', 'EndDevice', endDeviceOf(lfdi));

  test('a certificate of the CA discovers, finds no EndDevice of its own, and registers itself', async () => {
    const lfdi = testLfdi(1_000);
    await allow(false);
    assert.equal((await server.get(lfdi, '/dcap')).status, 403);
    assert.equal((await register(lfdi, lfdi)).status, 403);
    await allow(true);
    const dcap = await server.document(lfdi, '/dcap', 'DeviceCapability');
    assert.deepEqual(
      Object.keys(dcap)
        .filter((name) => name.endsWith('Link'))
        .toSorted(),
      ['EndDeviceListLink', 'MirrorUsagePointListLink', 'TimeLink'],
    );
    assert.deepEqual(await lfdisOf(lfdi), []);
    assert.equal((await server.document(lfdi, '/mup', 'MirrorUsagePointList')).all, 0);
    for (const path of ['/edev/1', '/derp', '/upt', '/nothing', '/rsps/1/rsp']) {
      assert.equal((await server.get(lfdi, path)).status, 403, path);
    }
    const { status, location = '' } = await register(lfdi, lfdi);
    assert.equal(status, 201);
    const device = server.registry.byLfdi(lfdi) as Device;
    assert.equal(location, `/edev/${device.id}`);
    assert.deepEqual(await lfdisOf(device), [lfdi]);
    const edev = await server.document(device, location, 'EndDevice');
    assert.deepEqual([edev.enabled, edev.sFDI], [true, device.sfdi]);
    // Without a building it does not trade; without a PIN it has no Registration.
    assert.deepEqual([edev.FlowReservationRequestListLink, edev.RegistrationLink], [undefined, undefined]);
    assert.equal((await server.get(device, `${location}/frq`)).read?.name, 'FlowReservationRequestList');
    assert.equal(
      (
        await server.send(
          device,
          'POST',
          `${location}/frq`,
          'FlowReservationRequest',
          sampleOf('FlowReservationRequest', ''),
        )
      ).status,
      403,
    );
  });

  test('an EndDevice that is there, is another’s, or contradicts itself is refused', async () => {
    const device = await server.device();
    const other = await server.device();
    const had = server.registry.all().length;
    assert.equal((await register(device, device.lfdi)).status, 400);
    assert.equal((await register(device, other.lfdi)).status, 403);
    assert.equal((await register(device, testLfdi(2_000))).status, 403);
    const wrongSfdi = { ...endDeviceOf(testLfdi(2_001)), sFDI: 7 };
    assert.equal((await server.send(testLfdi(2_001), 'POST', '/edev', 'EndDevice', wrongSfdi)).status, 400);
    const short = { ...endDeviceOf(testLfdi(2_001)), lFDI: Uint8Array.of(1, 2, 3) };
    assert.equal((await server.send(testLfdi(2_001), 'POST', '/edev', 'EndDevice', short)).status, 400);
    assert.equal((await register(testLfdi(2_001), testLfdi(2_002))).status, 403);
    assert.equal(server.registry.all().length, had);
  });

  test('an aggregator registers its devices, sees them all, and acts for them', async () => {
    const aggregator = await server.device({ isAggregator: true });
    const lfdi = testLfdi(3_000);
    const { status, location = '' } = await register(aggregator, lfdi);
    assert.equal(status, 201);
    assert.deepEqual((await lfdisOf(aggregator)).toSorted(), [aggregator.lfdi, lfdi].toSorted());
    assert.equal((await server.document(aggregator, '/dcap', 'DeviceCapability')).EndDeviceListLink?.all, 2);
    assert.equal(
      (await server.send(aggregator, 'PUT', `${location}/der/1/ders`, 'DERStatus', sampleOf('DERStatus', ''))).status,
      201,
    );
    const point = { ...sampleOf('MirrorUsagePoint', 'aggregated'), deviceLFDI: lfdiBytes(lfdi) };
    assert.equal((await server.send(aggregator, 'POST', '/mup', 'MirrorUsagePoint', point)).status, 201);
    const device = server.registry.byLfdi(lfdi) as Device;
    assert.equal(server.readings.mirrorUsagePointsOf(device.id).length, 1);
    assert.deepEqual(await lfdisOf(device), [lfdi]);
    // Its own EndDevice is not its device's to see.
    assert.equal((await server.get(device, `/edev/${aggregator.id}`)).status, 403);
    await server.restart();
    assert.deepEqual((await lfdisOf(aggregator)).toSorted(), [aggregator.lfdi, lfdi].toSorted());
  });

  test('one that removes itself may come back as new; one that an operator removed may not', async () => {
    const lfdi = testLfdi(4_000);
    const { location = '' } = await register(lfdi, lfdi);
    const device = server.registry.byLfdi(lfdi) as Device;
    await server.program([device]);
    await server.send(device, 'PUT', `${location}/di`, 'DeviceInformation', sampleOf('DeviceInformation', ''));
    assert.equal((await server.ask(device, 'DELETE', location)).status, 204);
    assert.deepEqual(await lfdisOf(lfdi), []);
    assert.equal((await register(lfdi, lfdi)).status, 201);
    const again = server.registry.byLfdi(lfdi) as Device;
    assert.equal((await server.get(again, `/edev/${again.id}/di`)).status, 404);
    assert.equal((await server.document(again, '/derp', 'DERProgramList')).all, 0);
    await server.sep.removeDevice(again.id, { barred: true });
    await server.restart();
    assert.equal((await register(lfdi, lfdi)).status, 403);
    assert.equal(server.registry.byLfdi(lfdi), undefined);
    // The operator may think better of it.
    const back = await server.registry.register({ meterId: lfdi, lfdi, at: server.clock.now() });
    assert.deepEqual(await lfdisOf(back), [lfdi]);
  });

  test('a device changes its category, and cannot become another', async () => {
    const device = await server.device();
    const href = `/edev/${device.id}`;
    const deviceCategory = Uint8Array.of(0, 0, 64, 0);
    const put = (document: ReturnType<typeof endDeviceOf>) => server.send(device, 'PUT', href, 'EndDevice', document);
    assert.equal((await put({ ...endDeviceOf(device.lfdi), deviceCategory })).status, 204);
    assert.equal((await put(endDeviceOf(testLfdi(5_000)))).status, 400);
    await server.restart();
    const edev = await server.document(device, href, 'EndDevice');
    assert.deepEqual(Buffer.from(edev.deviceCategory ?? []), Buffer.from(deviceCategory));
    assert.equal(formatLfdi(edev.lFDI ?? new Uint8Array()), device.lfdi);
  });

  test('a PIN that the operator gave is in the Registration', async () => {
    const device = await server.device({ pin: 111115 });
    const { RegistrationLink } = await server.document(device, `/edev/${device.id}`, 'EndDevice');
    assert.equal((await server.document(device, RegistrationLink?.href ?? '', 'Registration')).pIN, 111115);
    const without = await server.device();
    assert.equal((await server.get(without, `/edev/${without.id}/rg`)).status, 404);
  });

  test('rates are those of the device, else of the resource, else the usual ones', async () => {
    const [device, other] = [await server.device({ pollRate: 45, postRate: 50 }), await server.device()];
    await server.sep.settings.change({ pollRate: { dcap: 61, fsa: 62 }, postRate: 63 });
    await server.sep.settings.change({ pollRate: { dcap: 60 } });
    const rates = async (who: Device) => [
      (await server.document(who, '/dcap', 'DeviceCapability')).pollRate,
      (await server.document(who, `/edev/${who.id}/fsa`, 'FunctionSetAssignmentsList')).pollRate,
      (await server.document(who, '/edev', 'EndDeviceList')).pollRate,
      (await server.document(who, '/mup', 'MirrorUsagePointList')).pollRate,
      (await server.document(who, `/edev/${who.id}`, 'EndDevice')).postRate,
    ];
    assert.deepEqual(await rates(other), [60, 62, 900, 900, 300]);
    assert.deepEqual(await rates(device), [45, 45, 45, 45, 50]);
    await server.restart();
    assert.deepEqual(await rates(other), [60, 62, 900, 900, 300]);
  });

  test('a connection point is a National Metering Identifier', async () => {
    const device = await server.device();
    const { ConnectionPointLink } = await server.document(device, `/edev/${device.id}`, 'EndDevice');
    const href = ConnectionPointLink?.href ?? '';
    const send = (method: 'PUT' | 'POST', connectionPointId: string) =>
      server.send(device, method, href, 'ConnectionPoint', { connectionPointId });
    assert.equal((await server.get(device, href)).status, 404);
    assert.equal((await send('POST', 'NOTAVALIDID')).status, 400);
    assert.equal((await send('POST', '20019857328')).status, 201);
    assert.equal((await send('PUT', '6305888444')).status, 204);
    assert.equal((await server.document(device, href, 'ConnectionPoint')).connectionPointId, '6305888444');
    // The checksums of AEMO's NMI procedure.
    for (const nmi of ['20019857328', '20019857336', '30756218758', '43168540059', '63058884446', 'NAAAMYS5826']) {
      assert.equal(isValidConnectionPointId(nmi), true, nmi);
      assert.equal(isValidConnectionPointId(nmi.slice(0, 10) + ((Number(nmi[10]) + 1) % 10)), false, nmi);
    }
  });
});
