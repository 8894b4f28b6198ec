import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { ReasonCode } from '#ieee2030_5/enumerations.ts';
import { lfdiBytes, mridOf } from '#ieee2030_5/identity.ts';
import type { Response, Subscription } from '#ieee2030_5/types.generated.ts';
import { WINDOW_SECONDS } from '#ieee2030_5/ext/windows.ts';
import type { Device } from '../../registry/devices.ts';
import { sampleOf } from '../sample-documents.ts';
import { reasonOf, testLfdi, TestServer, testStart } from '../test-server.ts';

suite('what devices write', { concurrency: false }, () => {
  let server: TestServer;
  let device: Device;
  before(async () => {
    server = await TestServer.start();
    device = await server.device();
  });
  after(() => server[Symbol.asyncDispose]());

  suite('responses', { concurrency: false }, () => {
    let program: string;
    let control: string;
    const response = (more: Partial<Response> = {}): Response => ({
      createdDateTime: 7n,
      endDeviceLFDI: lfdiBytes(device.lfdi),
      status: 1,
      subject: mridOf('answered'),
      ...more,
    });
    const post = (document: Response, who = device) =>
      server.send(who, 'POST', '/rsps/1/rsp', 'DERControlResponse', document);

    before(async () => {
      program = await server.program([device]);
      control = (await server.sep.store.add(`${program}/derc`, 'DERControl', sampleOf('DERControl', 'answered'))).href;
    });

    test('a response to an event is kept once, and its device reads it back, also after a restart', async () => {
      const first = await post(response());
      assert.equal(first.status, 201);
      assert.equal((await post(response())).location, first.location);
      assert.notEqual((await post(response({ status: 2 }))).location, first.location);
      for (const restart of [false, true]) {
        if (restart) await server.restart();
        const list = await server.document(device, '/rsps/1/rsp?l=9', 'ResponseList');
        assert.deepEqual([list.all, list.Response?.map(({ status }) => status).toSorted()], [2, [1, 2]]);
        assert.equal((await server.document(device, first.location ?? '', 'DERControlResponse')).status, 1);
        assert.deepEqual(server.sep.responses.of(device.id).map(({ href }) => href)[0], first.location);
      }
    });

    test('an event that it does not see, another device, and a status that there is none of are refused', async () => {
      const other = await server.device();
      const had = server.sep.responses.of(device.id).length;
      for (const wrong of [
        { subject: mridOf('unknown') },
        { endDeviceLFDI: lfdiBytes(testLfdi(9_999)) },
        { endDeviceLFDI: lfdiBytes(other.lfdi) },
        { status: 99 },
        { status: undefined },
      ]) {
        const answer = await post(response(wrong));
        assert.deepEqual([answer.status, reasonOf(answer)], [400, 1]);
      }
      assert.equal((await post(response({ endDeviceLFDI: lfdiBytes(other.lfdi) }), other)).status, 400);
      assert.equal((await server.send(device, 'POST', '/rsps/7/rsp', 'Response', response())).status, 404);
      assert.equal(server.sep.responses.of(device.id).length, had);
      assert.equal((await server.document(other, '/rsps/1/rsp', 'ResponseList')).all, 0);
    });

    test('an event that was taken away may still be answered to', async () => {
      await server.sep.store.remove(control);
      assert.equal((await post(response({ status: 6 }))).status, 201);
    });

    test('of one device as many are kept as there is room for: the oldest give way', async () => {
      await server.sep.store.add(`${program}/derc`, 'DERControl', sampleOf('DERControl', 'answered'));
      const had = server.sep.responses.of(device.id);
      for (let i = had.length; i < 1_001; i++) await post(response({ createdDateTime: BigInt(100 + i) }));
      const kept = server.sep.responses.of(device.id);
      assert.equal(kept.length, 1_000);
      assert.equal(server.sep.store.get(had[0]?.href ?? ''), undefined);
      const [newest] = kept.slice(-1);
      assert.ok(newest);
      assert.equal((newest.document as Response).createdDateTime, 1_100n);
    });
  });

  suite('subscriptions', { concurrency: false }, () => {
    const list = () => `/edev/${device.id}/sub`;
    const subscription = (more: Partial<Subscription> = {}): Subscription => ({
      ...sampleOf('Subscription', ''),
      subscribedResource: `/edev/${device.id}/fsa`,
      ...more,
    });
    const post = (document: Subscription) => server.send(device, 'POST', list(), 'Subscription', document);

    test('are kept and listed; the same one again takes its place; removed, they are gone', async () => {
      const first = await post(subscription());
      assert.equal(first.status, 201);
      const again = await post(subscription({ limit: 5 }));
      assert.deepEqual([again.status, again.location], [204, first.location]);
      const other = await post(subscription({ subscribedResource: `/edev/${device.id}/der/1/derg` }));
      assert.equal(other.status, 201);
      await server.restart();
      const all = await server.document(device, `${list()}?l=9`, 'SubscriptionList');
      assert.deepEqual([all.all, all.Subscription?.map(({ limit }) => limit)], [2, [5, 1]]);
      assert.equal(
        (await server.send(device, 'PUT', other.location ?? '', 'Subscription', subscription({ limit: 0 }))).status,
        204,
      );
      assert.equal((await server.ask(device, 'DELETE', first.location ?? '')).status, 204);
      assert.equal((await server.ask(device, 'DELETE', first.location ?? '')).status, 404);
      assert.equal((await server.document(device, list(), 'SubscriptionList')).all, 1);
    });

    test('an absolute address of this server is a path of it', async () => {
      const href = `https://head-end:8443/edev/${device.id}/lel?s=0`;
      const { location = '' } = await post(subscription({ subscribedResource: href }));
      assert.equal(
        (await server.document(device, location, 'Subscription')).subscribedResource,
        `/edev/${device.id}/lel`,
      );
    });

    test('another poll rate is a change of what is subscribed to', async () => {
      const changed: string[] = [];
      using _ = server.sep.store.onChange(({ href }) => changed.push(href));
      await server.sep.settings.change({ pollRate: { fsa: 77 } });
      await server.sep.settings.change({ pollRate: { fsa: 77, derp: 78 } });
      const fsa = `/edev/${device.id}/fsa`;
      assert.deepEqual(
        changed.filter((href) => href !== '/dcap'),
        [fsa],
      );
    });

    test('what cannot be notified of is refused: EXI, no address, nothing there, another’s, not subscribable', async () => {
      const other = await server.device();
      for (const wrong of [
        { encoding: 1 },
        { notificationURI: '/ntfy' },
        { notificationURI: 'http://127.0.0.1/ntfy' },
        { notificationURI: 'mailto:a@example.org' },
        { subscribedResource: '/nothing' },
        { subscribedResource: `/edev/${other.id}/fsa` },
        { subscribedResource: '/tm' },
      ]) {
        const answer = await post(subscription(wrong));
        assert.deepEqual([answer.status, reasonOf(answer)], [400, 1], JSON.stringify(wrong));
      }
      const condition = { attributeIdentifier: 0, lowerThreshold: 0, upperThreshold: 1 };
      const conditional = await post(subscription({ Condition: condition }));
      assert.deepEqual(
        [conditional.status, reasonOf(conditional)],
        [400, ReasonCode.conditionalSubscriptionUnsupported],
      );
    });
  });

  suite('documents, logs, reservations and files', { concurrency: false }, () => {
    test('settings that are not whole are refused and change nothing', async () => {
      const href = `/edev/${device.id}/der/1/derg`;
      const settings = sampleOf('DERSettings', '');
      assert.equal((await server.send(device, 'PUT', href, 'DERSettings', settings)).status, 201);
      const { body } = { body: '<DERSettings xmlns="urn:ieee:std:2030.5:ns"><setGradW>1</setGradW></DERSettings>' };
      const answer = await server.ask(device, 'PUT', href, body);
      assert.deepEqual([answer.status, reasonOf(answer)], [400, 0]);
      assert.equal((await server.document(device, href, 'DERSettings')).setGradW, 100);
    });

    test('log events stand newest first, and `a` asks for those after a time', async () => {
      const list = `/edev/${device.id}/lel`;
      const event = (at: number) => ({ ...sampleOf('LogEvent', ''), createdDateTime: BigInt(at) });
      for (const at of [5, 9, 7]) await server.send(device, 'POST', list, 'LogEvent', event(at));
      const times = async (query: string) =>
        (await server.document(device, `${list}?${query}`, 'LogEventList')).LogEvent?.map((one) =>
          Number(one.createdDateTime),
        );
      assert.deepEqual(
        [await times('l=9'), await times('a=5&l=9')],
        [
          [9, 7, 5],
          [9, 7],
        ],
      );
    });

    test('a LogEvent that comes again, its answer lost, is stored once; one that differs is another', async () => {
      const list = `/edev/${device.id}/lel`;
      const event = { ...sampleOf('LogEvent', ''), createdDateTime: 77n, logEventID: 1 };
      const post = (more: object) => server.send(device, 'POST', list, 'LogEvent', { ...event, ...more });
      const first = await post({});
      const [again, next, later] = [
        await post({}),
        await post({ logEventID: 2 }),
        await post({ createdDateTime: 78n }),
      ];
      assert.deepEqual([again.status, again.location], [first.status, first.location]);
      assert.equal(new Set([first, next, later].map(({ location }) => location)).size, 3);
    });

    test('a reservation can be taken back until its gate', async () => {
      const trader = await server.device({ meterId: 'T', building: 'lab', zone: 'campus', ratedW: 1, storageWh: 0 });
      const list = `/edev/${trader.id}/frq`;
      const start = BigInt(testStart - (testStart % WINDOW_SECONDS) + 2 * WINDOW_SECONDS);
      const request = {
        ...sampleOf('FlowReservationRequest', 'frq'),
        intervalRequested: { duration: WINDOW_SECONDS, start },
      };
      const { location = '' } = await server.send(trader, 'POST', list, 'FlowReservationRequest', request);
      assert.equal((await server.document(trader, location, 'FlowReservationRequest')).energyRequested.value, 500);
      const put = (more: object) =>
        server.send(trader, 'PUT', location, 'FlowReservationRequest', { ...request, ...more });
      assert.equal((await put({})).status, 204);
      assert.equal((await put({ energyRequested: { multiplier: 0, value: 501 } })).status, 400);
      assert.equal((await put({ RequestStatus: { dateTime: 1n, requestStatus: 1 } })).status, 204);
      assert.deepEqual(server.desk.openOrdersOf('T'), []);
      assert.equal((await server.get(trader, location)).status, 404);
      const { rows } = await server.database.pool.query('SELECT * FROM orders');
      assert.deepEqual(rows, []);
    });

    test('a file is read whole or by ranges, by the device that it is for', async () => {
      const { href } = await server.sep.store.add('/file', 'File', {
        ...sampleOf('File', ''),
        lFDI: lfdiBytes(device.lfdi),
      });
      await server.sep.contents.put(href, Buffer.from('0123456789'));
      const { fileURI } = await server.document(device, href, 'File');
      const read = async (range?: string) => {
        const { status, content, contentRange } = await server.ask(device, 'GET', fileURI, '', range);
        return [status, content && Buffer.from(content).toString(), contentRange];
      };
      assert.deepEqual(await read(), [200, '0123456789', undefined]);
      assert.deepEqual(await read('bytes=2-4'), [206, '234', 'bytes 2-4/10']);
      assert.deepEqual(await read('bytes=8-99'), [206, '89', 'bytes 8-9/10']);
      assert.deepEqual(await read('bytes=7-'), [206, '789', 'bytes 7-9/10']);
      assert.deepEqual(await read('bytes=-3'), [206, '789', 'bytes 7-9/10']);
      assert.deepEqual(await read('bytes=10-'), [416, undefined, 'bytes */10']);
      assert.deepEqual(await read('bytes=0-1,3-4'), [200, '0123456789', undefined]);
      assert.equal((await server.get(await server.device(), fileURI)).status, 403);
      await server.sep.contents.remove(href);
      assert.equal((await server.get(device, fileURI)).status, 404);
    });

    test('a redirect sends a path and what is below it elsewhere, with the query', async () => {
      const { records } = server.sep;
      await records.put('redirect', '1', { from: '/mup', to: 'https://other:8443/m', status: 301 });
      const { status, location } = await server.get(device, '/mup/1?s=2');
      assert.deepEqual([status, location], [301, 'https://other:8443/m/1?s=2']);
      assert.equal((await server.get(testLfdi(8_888), '/mup')).status, 403);
      assert.equal((await server.get(device, '/mupp')).status, 404);
      await server.restart();
      assert.equal((await server.get(device, '/mup')).location, 'https://other:8443/m');
      await server.sep.records.remove('redirect', '1');
      assert.equal((await server.get(device, '/mup')).status, 200);
    });
  });
});
