import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, suite, test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { GATE_LEAD_SECONDS } from '#ieee2030_5/ext/windows.ts';
import { EventCurrentStatus, NotificationStatus, ReasonCode, SubscribableType } from '#ieee2030_5/enumerations.ts';
import { formatMrid, lfdiBytes, mridOf } from '#ieee2030_5/identity.ts';
import { mediaType } from '#ieee2030_5/namespaces.ts';
import type {
  DERControl,
  DERControlList,
  DERProgram,
  EndDeviceList,
  FlowReservationResponseList,
  MeterReading,
  Reading,
  ReadingList,
} from '#ieee2030_5/types.generated.ts';
import { sampleOf } from '../sample-documents.ts';
import { reasonOf } from '../test-server.ts';
import { byText, day, NotificationStand, origin, resourceOf } from './notification-stand.ts';

suite('what subscribers are told over mutual TLS', { concurrency: false }, () => {
  const stand = new NotificationStand();
  before(() => stand.start());
  after(() => stand[Symbol.asyncDispose]());
  beforeEach(() => stand.begin());
  afterEach(() => stand.end());

  test('a changed list is told with its items, by the server’s own certificate', async () => {
    const program = await stand.server.program([stand.alice]);
    const href = await stand.subscribe(`${program}/derc`);
    const event = stand.control('a', 600, 600);
    const added = await stand.addControl(program, event);
    const [first] = await stand.listener.first(1);
    const { notification, contentType, from, body, path } = first ?? assert.fail();
    assert.deepEqual([path, contentType, from], ['/ntfy', mediaType, stand.identityOf('server').lfdi]);
    const { status, subscribedResource, subscriptionURI } = notification;
    assert.deepEqual([status, subscribedResource, subscriptionURI], [0, `${program}/derc`, `${origin}${href}`]);
    assert.match(body, /<Resource [^>]*xsi:type="DERControlList"/);
    const list = notification.Resource as DERControlList;
    assert.deepEqual([list.href, list.all, list.results], [`${program}/derc`, 1, 1]);
    const [item] = list.DERControl ?? [];
    assert.deepEqual([item?.href, formatMrid(item?.mRID ?? new Uint8Array())], [added, formatMrid(event.mRID)]);
    await stand.nothingMore(1);
  });

  test('the limit of a subscription is that of its items; 0 is a bare notice', async () => {
    const program = await stand.server.program([stand.alice]);
    await stand.addControl(program, stand.control('a', 600, 600));
    await stand.subscribe(`${program}/derc`, { limit: 1, notificationURI: stand.listener.uri('/one') });
    await stand.subscribe(`${program}/derc`, { limit: 0, notificationURI: stand.listener.uri('/bare') });
    await stand.subscribe(`${program}/dderc`, { limit: 0, notificationURI: stand.listener.uri('/default') });
    await stand.addControl(program, stand.control('b', 900, 600));
    await stand.listener.first(2);
    await stand.server.sep.store.put(`${program}/dderc`, 'DefaultDERControl', sampleOf('DefaultDERControl', 'd'));
    await stand.listener.first(3);
    const shown = Object.fromEntries(
      stand.listener.received.map(({ path, notification: { Resource } }) => {
        const list = Resource as DERControlList | undefined;
        return [path, [list?.all, list?.results, list?.DERControl?.length]];
      }),
    );
    assert.deepEqual(shown, {
      '/one': [2, 1, 1],
      '/bare': [2, 0, undefined],
      '/default': [undefined, undefined, undefined],
    });
    assert.ok(!stand.listener.received.some(({ path, body }) => path === '/default' && body.includes('<Resource')));
  });

  test('an event that begins, is superseded and ends by the clock is told, in the active list too', async () => {
    const program = await stand.server.program([stand.alice]);
    await stand.addControl(program, stand.control('a', 600, 600));
    const later = { creationTime: BigInt(stand.server.clock.now() + 1) };
    await stand.addControl(program, stand.control('b', 900, 600, later));
    await stand.subscribe(`${program}/derc`, { notificationURI: stand.listener.uri('/all') });
    await stand.subscribe(`${program}/actderc`, { notificationURI: stand.listener.uri('/active') });
    const seen = async (count: number): Promise<Record<string, (number | undefined)[]>> => {
      const news = (await stand.listener.first(count)).slice(count - 2);
      await stand.nothingMore(count);
      return Object.fromEntries(
        news.map(({ path, notification: { Resource } }) => {
          const items = (Resource as DERControlList).DERControl ?? [];
          return [path, items.map(({ EventStatus }) => EventStatus.currentStatus)];
        }),
      );
    };
    const { scheduled, active, superseded } = EventCurrentStatus;
    await stand.server.pass(599);
    await stand.nothingMore(0);
    await stand.server.pass(1);
    assert.deepEqual(await seen(2), { '/all': [active, scheduled], '/active': [active] });
    await stand.server.pass(300);
    assert.deepEqual(await seen(4), { '/all': [superseded, active], '/active': [active] });
    await stand.server.pass(300);
    // The one that was superseded is over; what is active stays.
    const [over] = (await stand.listener.first(5)).slice(4);
    assert.equal(over?.path, '/all');
    await stand.nothingMore(5);
    await stand.server.pass(300);
    assert.deepEqual(await seen(7), { '/all': [], '/active': [] });
  });

  test('a change that a subscriber does not see is not told', async () => {
    const [own, theirs] = [
      await stand.server.program([stand.alice]),
      await stand.server.program([await stand.server.device()]),
    ];
    await stand.subscribe('/derp');
    await stand.subscribe('/edev');
    await stand.server.sep.store.put(theirs, 'DERProgram', sampleOf('DERProgram', 'theirs'));
    await stand.server.device();
    const present = stand.server.sep.store.document(own, 'DERProgram') ?? assert.fail();
    await stand.server.sep.store.put(own, 'DERProgram', present);
    await stand.nothingMore(0);
    await stand.server.sep.store.put(own, 'DERProgram', { ...present, primacy: 7 });
    const [only] = await stand.listener.first(1);
    assert.equal(only?.notification.subscribedResource, '/derp');
    await stand.nothingMore(1);
  });

  test('a new poll rate is a change of every list that has it', async () => {
    await stand.subscribe('/edev');
    await stand.server.sep.settings.change({ pollRate: { edev: 30 } });
    const [first] = await stand.listener.first(1);
    assert.equal((resourceOf(first) as EndDeviceList).pollRate, 30);
    await stand.server.sep.settings.change({ pollRate: { edev: 300 } });
    await stand.listener.first(2);
  });

  test('a device that speaks the edition of 2013 is told in it', async () => {
    stand.edition = '2013';
    const program = await stand.server.program([stand.alice]);
    await stand.subscribe(`${program}/derc`);
    await stand.addControl(program, stand.control('a', 600, 600));
    const [first] = await stand.listener.first(1);
    assert.match(first?.body ?? '', /<Notification xmlns="http:\/\/ieee.org\/2030.5"/);
  });

  test('a reservation that the market grants is told, and told again when its window begins', async () => {
    const { lfdi } = stand.identityOf('bob');
    const place = { building: 'academic', zone: 'campus', ratedW: 5000, storageWh: 0 };
    const [trader, seller] = [
      await stand.server.device({ ...place, lfdi, meterId: 'TRADER' }),
      await stand.server.device({ ...place, meterId: 'SELLER' }),
    ];
    const theirs = await stand.listen('bob');
    try {
      await stand.subscribe(`/edev/${trader.id}/frp`, { notificationURI: theirs.uri() }, { as: trader });
      const window = UnixSeconds(stand.server.clock.now() + 600 - (stand.server.clock.now() % 300));
      await stand.server.pass(window - GATE_LEAD_SECONDS - stand.server.clock.now());
      await stand.server.desk.request(trader.meterId, { mRID: formatMrid(mridOf('b')), energyWh: 100, window });
      await stand.server.desk.request(seller.meterId, { mRID: formatMrid(mridOf('s')), energyWh: -100, window });
      await stand.server.desk.closeGate(stand.server.clock.now());
      await theirs.first(1);
      await stand.server.pass(window - stand.server.clock.now());
      await theirs.first(2);
      const lists = theirs.received.map(({ notification }) => notification.Resource as FlowReservationResponseList);
      const { scheduled, active } = EventCurrentStatus;
      assert.deepEqual(
        lists.map((list) => list.FlowReservationResponse?.[0]?.EventStatus.currentStatus),
        [scheduled, active],
      );
    } finally {
      await theirs[Symbol.asyncDispose]();
    }
  });

  test('one item of a list can be subscribed to, and is told when another one changes its status', async () => {
    const program = await stand.server.program([stand.alice]);
    const item = await stand.addControl(program, stand.control('a', 600, 600));
    await stand.subscribe(item);
    await stand.subscribe(program, { notificationURI: stand.listener.uri('/program') });
    await stand.addControl(program, stand.control('later', 9_000, 600));
    await stand.nothingMore(0);
    // It begins before the item does, and takes its place.
    await stand.addControl(
      program,
      stand.control('b', 300, 600, { creationTime: BigInt(stand.server.clock.now() + 1) }),
    );
    await stand.server.pass(300);
    await stand.server.pass(300);
    const [told] = await stand.listener.first(1);
    const { superseded } = EventCurrentStatus;
    assert.equal((resourceOf(told) as DERControl).EventStatus.currentStatus, superseded);
    const present = stand.server.sep.store.document(program, 'DERProgram') ?? assert.fail();
    await stand.server.sep.store.put(program, 'DERProgram', { ...present, primacy: 9 });
    const [, second] = await stand.listener.first(2);
    assert.deepEqual([second?.path, (resourceOf(second) as DERProgram).primacy], ['/program', 9]);
    await stand.server.sep.store.remove(item);
    await stand.listener.first(3);
    assert.equal(stand.statuses().at(-1), NotificationStatus.resourceDeleted);
  });

  const mirror = async (): Promise<{ readonly upt: string; readonly post: (...values: number[]) => Promise<void> }> => {
    const key = `mirror ${stand.alice.meterId}`;
    const point = {
      ...sampleOf('MirrorUsagePoint', key),
      deviceLFDI: lfdiBytes(stand.alice.lfdi),
      MirrorMeterReading: [{ mRID: mridOf(`${key} channel`), ReadingType: { uom: 38 } }],
    };
    const { location = '' } = await stand.server.send(stand.alice, 'POST', '/mup', 'MirrorUsagePoint', point);
    let at: number = stand.server.clock.now();
    const post = async (...values: number[]): Promise<void> => {
      for (const value of values) {
        const timePeriod = { start: BigInt((at += 15)), duration: 15 };
        const reading = { mRID: mridOf(`${key} channel`), Reading: { value, timePeriod } };
        const { status } = await stand.server.send(stand.alice, 'POST', location, 'MirrorMeterReading', reading);
        assert.equal(status, 201);
        await stand.notifier.idle();
      }
    };
    return { upt: location.replace('/mup/', '/upt/'), post };
  };
  const meterReadingOf = async (upt: string): Promise<MeterReading> => {
    const { MeterReading: [only] = [] } = await stand.server.document(stand.alice, `${upt}/mr`, 'MeterReadingList');
    return only ?? assert.fail();
  };

  test('UsagePoints, and readings at every level, are told when a posting changes them', async () => {
    await stand.subscribe('/upt', { notificationURI: stand.listener.uri('/upt') });
    const { upt, post } = await mirror();
    await stand.listener.first(1);
    await post(1);
    const { href: mr = '', ReadingLink } = await meterReadingOf(upt);
    assert.equal(ReadingLink?.href, `${mr}/r`);
    const today = Math.floor((stand.server.clock.now() + 30) / day);
    for (const [name, href] of [
      ['/mr', `${upt}/mr`],
      ['/rs', `${mr}/rs`],
      ['/list', `${mr}/rs/${today}/r`],
      ['/newest', `${mr}/r`],
    ] as const) {
      await stand.subscribe(href, { notificationURI: stand.listener.uri(name) });
    }
    await post(2, 3);
    const told = stand.listener.received.slice(1).map(({ path, notification: { Resource } }) => {
      const { value, all } = Resource as Reading & ReadingList;
      return `${path} ${value ?? all}`;
    });
    assert.deepEqual(told.toSorted(byText), ['/list 2', '/list 3', '/newest 2', '/newest 3']);
    await stand.server.ask(stand.alice, 'DELETE', upt.replace('/upt/', '/mup/'));
    await stand.notifier.idle();
    const ended = stand.listener.received.slice(5).map(({ path, notification: { status } }) => `${path} ${status}`);
    assert.deepEqual(ended.toSorted(byText), ['/list 4', '/mr 4', '/newest 4', '/rs 4', '/upt 0']);
  });

  test('a condition lets only values below or above its thresholds through', async () => {
    const { upt, post } = await mirror();
    await post(50);
    const { ReadingLink } = await meterReadingOf(upt);
    const Condition = { attributeIdentifier: 0, lowerThreshold: 10, upperThreshold: 90 };
    await stand.subscribe(ReadingLink?.href ?? '', { Condition });
    const newest = await stand.server.document(stand.alice, ReadingLink?.href ?? '', 'Reading');
    assert.equal(newest.subscribable, SubscribableType.both);
    await post(60, 90, 91, 95, 10, 9, 20, 200);
    const values = stand.listener.received.map((each) => (resourceOf(each) as Reading).value);
    assert.deepEqual(values, [91, 95, 9, 200]);
    for (const [wrong, reasonCode] of [
      [{ ...Condition, attributeIdentifier: 1 }, ReasonCode.conditionalSubscriptionUnsupported],
      [{ ...Condition, lowerThreshold: 91 }, ReasonCode.invalidValues],
    ] as const) {
      const document = stand.subscriptionTo(ReadingLink?.href ?? '', { Condition: wrong });
      const answer = await stand.server.send(
        stand.alice,
        'POST',
        `/edev/${stand.alice.id}/sub`,
        'Subscription',
        document,
      );
      assert.deepEqual([answer.status, reasonOf(answer)], [400, reasonCode]);
    }
  });
});
