import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { Check } from 'typebox/value';
import type { JsonObject } from '#ieee2030_5/json.ts';
import { samples } from '../../server/sample-documents.ts';
import { testLfdi, testStart } from '../../server/test-server.ts';
import { DeviceSchema } from './device-json.ts';
import { TestOperator } from './test-operator.ts';

suite("operators' devices and what holds for them", { concurrency: false }, () => {
  let operator: TestOperator;
  let last = 1000;
  const newLfdi = () => testLfdi(++last);

  before(async () => {
    operator = await TestOperator.start();
  });
  after(() => operator[Symbol.asyncDispose]());

  const add = async (
    facts: object = {},
  ): Promise<{ readonly id: string; readonly lfdi: ReturnType<typeof newLfdi> }> => {
    const lfdi = newLfdi();
    const { status, json } = await operator.ask('POST', '/devices', { lfdi, ...facts });
    assert.equal(status, 201, JSON.stringify(json));
    assert.ok(Check(DeviceSchema, json), JSON.stringify(json));
    return { id: json.id, lfdi };
  };
  const failure = async (method: string, path: string, body: unknown, status: number, code: string, place = '') => {
    const answer = await operator.ask(method, path, body);
    assert.deepEqual([answer.status, answer.json['code']], [status, code], JSON.stringify(answer.json));
    assert.ok(answer.json.detail.startsWith(place), answer.json.detail);
    assert.equal(typeof answer.json['hint'], 'string');
  };

  test('a device without a name of its own is called by its LFDI, and found by either', async () => {
    const { id, lfdi } = await add();
    assert.equal(id, lfdi);
    const named = await add({ meterId: 'METER_9', name: 'Library', pin: 111_115, connectionPointId: '2001985732' });
    for (const name of ['METER_9', named.lfdi, named.lfdi.toLowerCase()]) {
      const { json } = await operator.ask('GET', `/devices/${name}`);
      assert.deepEqual([json['id'], json['name'], json['pin']], ['METER_9', 'Library', 111_115]);
      assert.equal(json['connectionPointId'], '2001985732');
    }
    const { items } = (await operator.ask('GET', '/devices')).json;
    assert.ok(items.some((item) => item['id'] === 'METER_9'));
  });

  test('what is registered over REST is what the device reads of itself', async () => {
    const { lfdi } = await add({
      pin: 111_115,
      postRate: 60,
      connectionPointId: '2001985732',
      deviceCategory: '0000000A',
    });
    const { server } = operator;
    const known = server.registry.byLfdi(lfdi);
    assert.ok(known !== undefined);
    const endDevice = await server.document(known, `/edev/${known.id}`, 'EndDevice');
    assert.equal(endDevice.postRate, 60);
    assert.deepEqual(endDevice.deviceCategory, Uint8Array.of(0, 0, 0, 10));
    assert.equal((await server.document(known, `/edev/${known.id}/rg`, 'Registration')).pIN, 111_115);
    const { connectionPointId } = await server.document(known, `/edev/${known.id}/cp`, 'ConnectionPoint');
    assert.equal(connectionPointId, '2001985732');
  });

  test('a device is registered once; what is mistyped or unknown is told with its place', async () => {
    const { lfdi } = await add({ meterId: 'METER_10' });
    await failure('POST', '/devices', { lfdi }, 409, 'GTX-OPR-003');
    await failure('POST', '/devices', { lfdi: newLfdi(), meterId: 'METER_10' }, 409, 'GTX-OPR-003');
    const wrong = (facts: object, place: string) =>
      failure('POST', '/devices', { lfdi: newLfdi(), ...facts }, 422, 'GTX-OPR-002', place);
    await wrong({ lfdi: 'XY' }, '/lfdi');
    await wrong({ pin: 111_116 }, '/pin');
    await wrong({ aggregator: 'NOBODY' }, '/aggregator');
    await wrong({ colour: 'red' }, '/colour');
    await wrong({ connectionPointId: 'OO' }, '/connectionPointId');
    await failure('POST', '/devices', {}, 422, 'GTX-OPR-002');
    await failure('GET', '/devices/NOBODY', undefined, 404, 'GTX-OPR-001');
  });

  test('a patch changes what it names, and null takes a fact away', async () => {
    const { id: aggregator } = await add({ isAggregator: true });
    const { id } = await add({ pin: 111_115, connectionPointId: '2001985732' });
    const patch = async (facts: object) => (await operator.ask('PATCH', `/devices/${id}`, facts)).json;
    const changed = await patch({ postRate: 30, aggregator, description: 'east wing' });
    assert.deepEqual([changed['postRate'], changed['aggregator'], changed['pin']], [30, aggregator, 111_115]);
    const less = await patch({ postRate: null, aggregator: null, pin: null, connectionPointId: null });
    for (const fact of ['postRate', 'aggregator', 'pin', 'connectionPointId']) assert.ok(!(fact in less), fact);
    assert.equal(less['description'], 'east wing');
    await failure('PATCH', `/devices/${id}`, { lfdi: newLfdi() }, 422, 'GTX-OPR-002', '/lfdi');
    await failure('PATCH', `/devices/${id}`, { aggregator: id }, 422, 'GTX-REG-002');
  });

  test('a removed device is refused from then on, and does not come back by itself', async () => {
    const { id, lfdi } = await add();
    const device = operator.server.registry.byLfdi(lfdi);
    assert.ok(device !== undefined);
    assert.equal((await operator.server.get(device, '/dcap')).status, 200);
    assert.equal((await operator.ask('DELETE', `/devices/${id}`)).status, 204);
    assert.equal((await operator.server.get(lfdi, '/dcap')).status, 403);
    await failure('DELETE', `/devices/${id}`, undefined, 404, 'GTX-OPR-001');
    assert.ok(operator.server.registry.isBarred(lfdi));
  });

  test('what a device told is read by the operator: capability, settings, status, log', async () => {
    const { id, lfdi } = await add();
    const { server } = operator;
    const device = server.registry.byLfdi(lfdi);
    assert.ok(device !== undefined);
    assert.deepEqual((await operator.ask('GET', `/devices/${id}/der`)).json, {});
    await server.send(device, 'PUT', `/edev/${device.id}/der/1/derg`, 'DERSettings', samples.DERSettings);
    await server.send(device, 'PUT', `/edev/${device.id}/der/1/ders`, 'DERStatus', samples.DERStatus);
    await server.send(device, 'POST', `/edev/${device.id}/lel`, 'LogEvent', samples.LogEvent);
    const { json } = await operator.ask('GET', `/devices/${id}/der`);
    assert.deepEqual(json['DERSettings'], {
      setGradW: 100,
      setMaxW: { multiplier: 0, value: 5000 },
      updatedTime: testStart,
    });
    assert.deepEqual(json['DERStatus'], { readingTime: testStart });
    const log = (await operator.ask('GET', `/devices/${id}/log-events`)).json;
    assert.deepEqual(
      log.items.map(({ kind, logEventCode }) => [kind, logEventCode]),
      [['LogEvent', 1]],
    );
  });

  test('an assignment shows its programs to its devices alone, and forgets what is removed', async () => {
    const [one, other] = [await add(), await add()];
    const { id: program } = (await operator.ask('POST', '/programs', { primacy: 1 })).json;
    const given = { description: 'Feeder', programs: [program], devices: [one.id] };
    const { json, status } = await operator.ask('POST', '/function-set-assignments', given);
    assert.equal(status, 201);
    const path = `/function-set-assignments/${json.id}`;
    const programsOf = async ({ lfdi }: typeof one): Promise<number> => {
      const device = operator.server.registry.byLfdi(lfdi);
      assert.ok(device !== undefined);
      return (await operator.server.document(device, '/derp', 'DERProgramList')).all;
    };
    assert.deepEqual([await programsOf(one), await programsOf(other)], [1, 0]);
    assert.equal((await operator.ask('PUT', path, { ...json, devices: [other.lfdi] })).status, 200);
    assert.deepEqual([await programsOf(one), await programsOf(other)], [0, 1]);
    const wrong = (body: object, place: string) => failure('PUT', path, body, 422, 'GTX-OPR-002', place);
    await wrong({ programs: ['999'] }, '/programs/0');
    await wrong({ devices: [one.id, 'NOBODY'] }, '/devices/1');
    await wrong({ programmes: [] }, '/programmes');
    await operator.ask('DELETE', `/programs/${program}`);
    assert.deepEqual((await operator.ask('GET', path)).json['programs'], []);
    assert.equal((await operator.ask('DELETE', path)).status, 204);
    await failure('GET', path, undefined, 404, 'GTX-OPR-001');
  });

  test('a redirect sends a device elsewhere until it is removed', async () => {
    const { lfdi } = await add();
    const device = operator.server.registry.byLfdi(lfdi);
    assert.ok(device !== undefined);
    const put = (body: object) => operator.ask('PUT', '/redirects/move', body);
    assert.equal((await put({ from: '/edev', to: 'https://other.example/edev' })).status, 201);
    const { status, location } = await operator.server.get(device, '/edev/1?s=0');
    assert.deepEqual([status, location], [301, 'https://other.example/edev/1?s=0']);
    assert.equal((await put({ from: '/edev', to: '/elsewhere', status: 307 })).status, 200);
    assert.deepEqual((await operator.ask('GET', '/redirects')).json, {
      items: [{ id: 'move', from: '/edev', to: '/elsewhere', status: 307 }],
    });
    await failure('PUT', '/redirects/move', { from: '/edev', to: '/edev/1' }, 422, 'GTX-OPR-002', '/to');
    await failure('PUT', '/redirects/move', { from: '/edev', to: 'http://plain.example/x' }, 422, 'GTX-OPR-002', '/to');
    assert.equal((await operator.ask('DELETE', '/redirects/move')).status, 204);
    assert.equal((await operator.server.get(device, '/edev')).status, 200);
    await failure('DELETE', '/redirects/move', undefined, 404, 'GTX-OPR-001');
  });

  test('settings change one by one, and are put back by what was read of them', async () => {
    const present = (await operator.ask('GET', '/settings')).json;
    const { json } = await operator.ask('PATCH', '/settings', { pollRate: { derp: 77 }, timeQuality: 4 });
    assert.deepEqual(json, {
      ...present,
      pollRate: { ...(present['pollRate'] as JsonObject), derp: 77 },
      timeQuality: 4,
    });
    const { lfdi } = await add();
    const device = operator.server.registry.byLfdi(lfdi);
    assert.ok(device !== undefined);
    assert.equal((await operator.server.document(device, '/derp', 'DERProgramList')).pollRate, 77);
    assert.deepEqual((await operator.ask('PATCH', '/settings', present)).json, present);
    await failure('PATCH', '/settings', { pollRate: { weather: 5 } }, 422, 'GTX-OPR-002', '/pollRate/weather');
    await failure('PATCH', '/settings', { pollRate: { derp: 0 } }, 422, 'GTX-OPR-002', '/pollRate/derp');
  });

  test('a connection point is set over REST and read by its device', async () => {
    const { id, lfdi } = await add();
    const path = `/devices/${id}/connection-point`;
    await failure('GET', path, undefined, 404, 'GTX-OPR-001');
    assert.equal((await operator.ask('PUT', path, { connectionPointId: '2001985732' })).status, 201);
    assert.equal((await operator.ask('PUT', path, { connectionPointId: 'QAAAVZZZZZ' })).status, 200);
    const device = operator.server.registry.byLfdi(lfdi);
    assert.ok(device !== undefined);
    const served = await operator.server.document(device, `/edev/${device.id}/cp`, 'ConnectionPoint');
    assert.equal(served.connectionPointId, 'QAAAVZZZZZ');
    await failure('PUT', path, { connectionPointId: 'OO' }, 422, 'GTX-OPR-002', '/connectionPointId');
    await failure('PUT', '/devices/NOBODY/connection-point', { connectionPointId: '2001985732' }, 404, 'GTX-OPR-001');
  });

  test('explain tells which event or default sets each mode, in words too', async () => {
    const { id, lfdi } = await add();
    const { items: none, summary } = (await operator.ask('GET', `/devices/${id}/explain`)).json;
    assert.equal(none, undefined);
    assert.match(summary, /only what was set at the site/);
    const { id: program } = (await operator.ask('POST', '/programs', { primacy: 7, description: 'Feeder 7' })).json;
    await operator.ask('POST', '/function-set-assignments', { programs: [program], devices: [id] });
    await operator.ask('PUT', `/programs/${program}/default-control`, {
      DERControlBase: { opModExpLimW: { multiplier: 0, value: 1500 }, opModImpLimW: { multiplier: 3, value: 10 } },
    });
    const event = {
      description: 'Midday',
      interval: { start: testStart - 60, duration: 3600 },
      DERControlBase: { opModExpLimW: { multiplier: 0, value: 3000 } },
    };
    const { mRID } = (await operator.ask('POST', `/programs/${program}/controls`, event)).json;
    const device = operator.server.registry.byLfdi(lfdi);
    assert.ok(device !== undefined);
    const response = {
      createdDateTime: BigInt(testStart - 30),
      endDeviceLFDI: Uint8Array.from(Buffer.from(lfdi, 'hex')),
      status: 2,
      subject: Uint8Array.from(Buffer.from(mRID, 'hex')),
    };
    assert.equal(
      (await operator.server.send(device, 'POST', '/rsps/1/rsp', 'DERControlResponse', response)).status,
      201,
    );
    const { json } = await operator.ask('GET', `/devices/${id}/explain`);
    const [exporting, importing] = json.modes;
    assert.deepEqual(
      [exporting?.['mode'], exporting?.['since'], exporting?.['until']],
      // It was made when it should have run for a minute already.
      ['opModExpLimW', testStart, testStart + 3540],
    );
    assert.deepEqual(exporting?.['lastResponse'], { status: 2, at: testStart - 30 });
    assert.equal(exporting?.source.mRID, mRID);
    assert.match(
      exporting?.sentence ?? '',
      /^Export to the grid is limited to 3 kW by the event “Midday” of “Feeder 7” \(primacy 7\) since .* UTC until .* UTC\. The device answered at .* UTC: started\.$/,
    );
    assert.equal(importing?.source['kind'], 'default');
    assert.match(importing?.sentence ?? '', /^Import from the grid is limited to 10 kW by the default, as no event/);
    const told = (await operator.ask('GET', `/devices/${id}/responses`)).json;
    assert.deepEqual(
      told.items.map(({ subject, status }) => [subject, status]),
      [[mRID, 2]],
    );
  });
});
