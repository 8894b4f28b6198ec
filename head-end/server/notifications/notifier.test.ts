import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, suite, test } from 'node:test';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { GATE_LEAD_SECONDS } from '#ieee2030_5/ext/windows.ts';
import { EventCurrentStatus, NotificationStatus, ReasonCode, SubscribableType } from '#ieee2030_5/enumerations.ts';
import { formatMrid, lfdiBytes, mridOf } from '#ieee2030_5/identity.ts';
import { type Edition, mediaType } from '#ieee2030_5/namespaces.ts';
import type {
  AnyResource,
  DERControl,
  DERControlList,
  DERProgram,
  EndDeviceList,
  FlowReservationResponseList,
  MeterReading,
  Reading,
  ReadingList,
  Subscription,
} from '#ieee2030_5/types.generated.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { readCertificate } from '#provisioning/certificate-fields.ts';
import { type DeviceIdentity, loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { numberOf } from '#provisioning/authority-folder.ts';
import { certificatesOf } from '#provisioning/pem.ts';
import type { Device } from '../../registry/devices.ts';
import { KnownAuthorities } from '../known-authorities.ts';
import { sampleOf } from '../sample-documents.ts';
import { reasonOf, TestServer } from '../test-server.ts';
import { Notifier } from './notifier.ts';
import { type Received, TestListener } from './test-listener.ts';

const log = createLog('test', 'silent');
const day = 86_400;
const origin = 'https://127.0.0.1:1';
const resourceOf = (received: Received | undefined): AnyResource =>
  received?.notification.Resource ?? assert.fail('carries nothing');
const byText = (a: unknown, b: unknown): number => (String(a) < String(b) ? -1 : 1);

suite('notifications over mutual TLS', { concurrency: false }, () => {
  const resources = new AsyncDisposableStack();
  const identities = new Map<string, DeviceIdentity>();
  const identityOf = (name: string): DeviceIdentity => identities.get(name) ?? assert.fail(name);
  let server: TestServer;
  let notifier: Notifier;
  let authorities: KnownAuthorities;
  let alice: Device;
  let listener: TestListener;
  let edition: Edition;
  let registered = 0;

  before(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gtx-ntf-'));
    resources.defer(() => rmSync(folder, { recursive: true }));
    const ca = await CertificateAuthority.create(join(folder, 'ca'));
    const otherCa = await CertificateAuthority.create(join(folder, 'other-ca'));
    for (const name of ['server', 'alice', 'bob', 'carol', 'aggregator']) {
      identities.set(name, await loadOrCreateIdentity(join(folder, name), { ca, serial: name, hosts: ['127.0.0.1'] }));
    }
    const foreign = await loadOrCreateIdentity(join(folder, 'foreign'), { ca: otherCa, serial: 'foreign' });
    identities.set('foreign', { ...foreign, caPem: ca.rootPem });
    server = resources.use(await TestServer.start());
  });
  after(() => resources.disposeAsync());

  const startNotifier = (): Notifier => {
    const { clock, registry, sep } = server;
    const { certificatePem: cert, keyPem: key, caPem: ca } = identityOf('server');
    authorities = new KnownAuthorities({ ca, cert }, sep.records);
    const made = new Notifier({
      authorities,
      clock,
      registry,
      store: sep.store,
      records: sep.records,
      engine: sep.engine,
      readings: server.readings,
      origin,
      log,
      identity: { cert, key, ca },
      editionOf: () => edition,
    });
    made.start();
    made.begin();
    return made;
  };
  const registerAs = (name: string, more: { aggregator?: number; isAggregator?: boolean } = {}): Promise<Device> =>
    server.device({ meterId: `${name}-${++registered}`, lfdi: identityOf(name).lfdi, ...more });
  const listen = async (name: string): Promise<TestListener> => {
    const made = new TestListener(identityOf(name));
    await made.start();
    return made;
  };

  beforeEach(async () => {
    edition = '2018';
    alice = await registerAs('alice');
    listener = await listen('alice');
    notifier = startNotifier();
  });
  afterEach(async () => {
    await notifier[Symbol.asyncDispose]();
    await listener[Symbol.asyncDispose]();
    for (const { id } of server.registry.all()) await server.sep.removeDevice(id, { barred: false });
  });

  const subscribe = async (
    resource: string,
    more: Partial<Subscription> = {},
    { as = alice, of = as }: { readonly as?: Device; readonly of?: Device } = {},
  ): Promise<string> => {
    const subscription: Subscription = {
      subscribedResource: resource,
      notificationURI: listener.uri(),
      encoding: 0,
      level: '+S1',
      limit: 10,
      ...more,
    };
    const { status, location } = await server.send(as, 'POST', `/edev/${of.id}/sub`, 'Subscription', subscription);
    assert.ok([201, 204].includes(status), String(status));
    return location ?? assert.fail();
  };
  const control = (key: string, startIn: number, duration: number, more: Partial<DERControl> = {}): DERControl => ({
    ...sampleOf('DERControl', key),
    creationTime: BigInt(server.clock.now()),
    interval: { start: BigInt(server.clock.now() + startIn), duration },
    ...more,
  });
  const addControl = async (program: string, document: DERControl): Promise<string> =>
    (await server.sep.store.add(`${program}/derc`, 'DERControl', document)).href;
  const subscriptionsOf = async (device: Device): Promise<readonly string[]> => {
    const list = await server.document(device, `/edev/${device.id}/sub?l=255`, 'SubscriptionList');
    return (list.Subscription ?? []).map(({ href = '' }) => href);
  };
  const nothingMore = async (count: number): Promise<void> => {
    await notifier.idle();
    assert.equal(listener.received.length, count);
  };
  const statuses = (): readonly number[] => listener.received.map(({ notification }) => notification.status);

  test('a changed list is told with its items, by the server’s own certificate', async () => {
    const program = await server.program([alice]);
    const href = await subscribe(`${program}/derc`);
    const event = control('a', 600, 600);
    const added = await addControl(program, event);
    const [first] = await listener.first(1);
    const { notification, contentType, from, body, path } = first ?? assert.fail();
    assert.deepEqual([path, contentType, from], ['/ntfy', mediaType, identityOf('server').lfdi]);
    const { status, subscribedResource, subscriptionURI } = notification;
    assert.deepEqual([status, subscribedResource, subscriptionURI], [0, `${program}/derc`, `${origin}${href}`]);
    assert.match(body, /<Resource [^>]*xsi:type="DERControlList"/);
    const list = notification.Resource as DERControlList;
    assert.deepEqual([list.href, list.all, list.results], [`${program}/derc`, 1, 1]);
    const [item] = list.DERControl ?? [];
    assert.deepEqual([item?.href, formatMrid(item?.mRID ?? new Uint8Array())], [added, formatMrid(event.mRID)]);
    await nothingMore(1);
  });

  test('the limit of a subscription is that of its items; 0 is a bare notice', async () => {
    const program = await server.program([alice]);
    await addControl(program, control('a', 600, 600));
    await subscribe(`${program}/derc`, { limit: 1, notificationURI: listener.uri('/one') });
    await subscribe(`${program}/derc`, { limit: 0, notificationURI: listener.uri('/bare') });
    await subscribe(`${program}/dderc`, { limit: 0, notificationURI: listener.uri('/default') });
    await addControl(program, control('b', 900, 600));
    await listener.first(2);
    await server.sep.store.put(`${program}/dderc`, 'DefaultDERControl', sampleOf('DefaultDERControl', 'd'));
    await listener.first(3);
    const shown = Object.fromEntries(
      listener.received.map(({ path, notification: { Resource } }) => {
        const list = Resource as DERControlList | undefined;
        return [path, [list?.all, list?.results, list?.DERControl?.length]];
      }),
    );
    assert.deepEqual(shown, {
      '/one': [2, 1, 1],
      '/bare': [2, 0, undefined],
      '/default': [undefined, undefined, undefined],
    });
    assert.ok(!listener.received.some(({ path, body }) => path === '/default' && body.includes('<Resource')));
  });

  test('an event that begins, is superseded and ends by the clock is told, in the active list too', async () => {
    const program = await server.program([alice]);
    await addControl(program, control('a', 600, 600));
    const later = { creationTime: BigInt(server.clock.now() + 1) };
    await addControl(program, control('b', 900, 600, later));
    await subscribe(`${program}/derc`, { notificationURI: listener.uri('/all') });
    await subscribe(`${program}/actderc`, { notificationURI: listener.uri('/active') });
    const seen = async (count: number): Promise<Record<string, (number | undefined)[]>> => {
      const news = (await listener.first(count)).slice(count - 2);
      await nothingMore(count);
      return Object.fromEntries(
        news.map(({ path, notification: { Resource } }) => {
          const items = (Resource as DERControlList).DERControl ?? [];
          return [path, items.map(({ EventStatus }) => EventStatus.currentStatus)];
        }),
      );
    };
    const { scheduled, active, superseded } = EventCurrentStatus;
    await server.pass(599);
    await nothingMore(0);
    await server.pass(1);
    assert.deepEqual(await seen(2), { '/all': [active, scheduled], '/active': [active] });
    await server.pass(300);
    assert.deepEqual(await seen(4), { '/all': [superseded, active], '/active': [active] });
    await server.pass(300);
    // The one that was superseded is over; what is active stays.
    const [over] = (await listener.first(5)).slice(4);
    assert.equal(over?.path, '/all');
    await nothingMore(5);
    await server.pass(300);
    assert.deepEqual(await seen(7), { '/all': [], '/active': [] });
  });

  test('a change that a subscriber does not see is not told', async () => {
    const [own, theirs] = [await server.program([alice]), await server.program([await server.device()])];
    await subscribe('/derp');
    await subscribe('/edev');
    await server.sep.store.put(theirs, 'DERProgram', sampleOf('DERProgram', 'theirs'));
    await server.device();
    const present = server.sep.store.document(own, 'DERProgram') ?? assert.fail();
    await server.sep.store.put(own, 'DERProgram', present);
    await nothingMore(0);
    await server.sep.store.put(own, 'DERProgram', { ...present, primacy: 7 });
    const [only] = await listener.first(1);
    assert.equal(only?.notification.subscribedResource, '/derp');
    await nothingMore(1);
  });

  test('a new poll rate is a change of every list that has it', async () => {
    await subscribe('/edev');
    await server.sep.settings.change({ pollRate: { edev: 30 } });
    const [first] = await listener.first(1);
    assert.equal((resourceOf(first) as EndDeviceList).pollRate, 30);
    await server.sep.settings.change({ pollRate: { edev: 300 } });
    await listener.first(2);
  });

  test('an aggregator is told of its devices, at its own address, by one kept connection', async () => {
    const aggregator = await registerAs('aggregator', { isAggregator: true });
    const theirs = await listen('aggregator');
    try {
      const notificationURI = theirs.uri();
      await subscribe('/edev', { notificationURI }, { as: aggregator });
      const member = await server.device({ aggregator: aggregator.id });
      const [first] = await theirs.first(1);
      assert.equal((resourceOf(first) as EndDeviceList).all, 2);
      await subscribe(`/edev/${member.id}/fsa`, { notificationURI }, { as: aggregator, of: member });
      await server.program([member]);
      // The EndDevice links to one assignment more.
      await theirs.first(3);
      await notifier.idle();
      await server.sep.removeDevice(member.id, { barred: true });
      await theirs.first(5);
      await notifier.idle();
      const told = theirs.received.slice(3).map(({ notification: n }) => [n.subscribedResource, n.status]);
      assert.deepEqual(told.toSorted(byText), [
        ['/edev', 0],
        [`/edev/${member.id}/fsa`, NotificationStatus.resourceDeleted],
      ]);
      assert.equal(theirs.connections, 1);
    } finally {
      await theirs[Symbol.asyncDispose]();
    }
  });

  test('a device may be told at its aggregator, and at nobody else’s address', async () => {
    const [bob, foreign] = [await listen('bob'), await listen('foreign')];
    try {
      const program = await server.program([alice]);
      await subscribe(`${program}/derc`, { notificationURI: bob.uri() });
      await subscribe(`${program}/derc`, { notificationURI: foreign.uri() });
      await addControl(program, control('a', 600, 600));
      await notifier.idle();
      assert.deepEqual([bob.requests, foreign.requests], [0, 0]);
      const aggregator = await registerAs('bob', { isAggregator: true });
      await server.registry.update(alice.id, { aggregator: aggregator.id }, server.clock.now());
      await server.pass(60);
      await bob.first(1);
      await notifier.idle();
      assert.equal(foreign.requests, 0);
    } finally {
      await bob[Symbol.asyncDispose]();
      await foreign[Symbol.asyncDispose]();
    }
  });

  test('what was not taken is sent again with the newest state, once', async () => {
    const program = await server.program([alice]);
    await subscribe(`${program}/derc`);
    listener.status = 503;
    await addControl(program, control('a', 600, 600));
    await notifier.idle();
    await addControl(program, control('b', 600, 600));
    await notifier.idle();
    assert.deepEqual([listener.requests, listener.received.length], [1, 0]);
    await server.pass(8);
    await notifier.idle();
    assert.equal(listener.requests, 2);
    await listener.stop();
    await server.pass(30);
    await notifier.idle();
    listener.status = 204;
    await listener.start();
    await server.pass(300);
    const [only] = await listener.first(1);
    assert.equal((resourceOf(only) as DERControlList).all, 2);
    await nothingMore(1);
  });

  test('a subscriber who is not reached for three days loses his subscriptions, who renews them is tried at once', async () => {
    const program = await server.program([alice]);
    const own = await subscribe(`${program}/derc`);
    listener.status = 500;
    await addControl(program, control('a', 10 * day, 600));
    await notifier.idle();
    const pass = async (seconds: number): Promise<void> => {
      for (let hours = 0; hours < seconds / 3600; hours++) {
        await server.pass(3600);
        await notifier.idle();
      }
    };
    await pass(2 * day);
    assert.deepEqual(await subscriptionsOf(alice), [own]);
    const tries = listener.requests;
    assert.equal(await subscribe(`${program}/derc`), own);
    await notifier.idle();
    assert.equal(listener.requests, tries + 1);
    await pass(day - 3600);
    assert.deepEqual(await subscriptionsOf(alice), [own]);
    await pass(2 * 3600);
    assert.deepEqual(await subscriptionsOf(alice), []);
    const tried = listener.requests;
    await pass(3600);
    assert.equal(listener.requests, tried);
  });

  test('renewing a subscription replaces it and tells nothing; ending it ends the notifications', async () => {
    const program = await server.program([alice]);
    const own = await subscribe(`${program}/derc`);
    assert.equal(await subscribe(`${program}/derc`, { limit: 0 }), own);
    await nothingMore(0);
    await addControl(program, control('a', 600, 600));
    const [first] = await listener.first(1);
    assert.equal((resourceOf(first) as DERControlList).results, 0);
    assert.equal((await server.ask(alice, 'DELETE', own)).status, 204);
    await addControl(program, control('b', 600, 600));
    await nothingMore(1);
  });

  test('a subscription to what is deleted ends with status 4', async () => {
    const program = await server.program([alice]);
    await server.sep.store.put(`${program}/dderc`, 'DefaultDERControl', sampleOf('DefaultDERControl', 'd'));
    await subscribe(`${program}/dderc`);
    await subscribe(`${program}/derc`, { notificationURI: listener.uri('/list') });
    await server.sep.store.remove(`${program}/dderc`);
    await listener.first(1);
    await server.sep.store.remove(program);
    await listener.first(2);
    await nothingMore(2);
    assert.deepEqual(statuses(), [NotificationStatus.resourceDeleted, NotificationStatus.resourceDeleted]);
    assert.ok(listener.received.every(({ body }) => !body.includes('<Resource')));
    assert.deepEqual(await subscriptionsOf(alice), []);
  });

  test('a subscription to what a device may see no more ends with status 1, to what left its own lists with 4', async () => {
    const program = await server.program([alice]);
    const [assignment] = server.sep.assignments.of(alice.id);
    await subscribe(`${program}/derc`);
    await subscribe(`/edev/${alice.id}/fsa/${assignment?.id}/derp`, { notificationURI: listener.uri('/fsa') });
    await server.sep.records.remove('assignment', assignment?.id ?? '');
    await listener.first(2);
    const told = listener.received.map(({ path, notification }) => [path, notification.status]);
    assert.deepEqual(told.toSorted(byText), [
      ['/fsa', NotificationStatus.resourceDeleted],
      ['/ntfy', NotificationStatus.cancelled],
    ]);
    assert.deepEqual(await subscriptionsOf(alice), []);
  });

  test('a subscription to what has moved ends with status 2 and the new address', async () => {
    const program = await server.program([alice]);
    await subscribe(`${program}/derc`);
    const redirect = { from: program, to: 'https://other.example/derp/9', status: 301 as const };
    await server.sep.records.put('redirect', '1', redirect);
    const [first] = await listener.first(1);
    const { status, newResourceURI } = first?.notification ?? assert.fail();
    assert.deepEqual(
      [status, newResourceURI?.split('?')[0]],
      [NotificationStatus.resourceMoved, 'https://other.example/derp/9/derc'],
    );
    await server.sep.records.remove('redirect', '1');
  });

  test('a device that an operator removes is told that its subscriptions are cancelled', async () => {
    await subscribe('/edev');
    await server.sep.removeDevice(alice.id, { barred: true });
    await listener.first(1);
    await nothingMore(1);
    assert.deepEqual(statuses(), [NotificationStatus.cancelled]);
  });

  test('a device in quarantine is told nothing, its connection ends, and its release brings what has changed', async () => {
    const program = await server.program([alice]);
    await subscribe(`${program}/derc`);
    await addControl(program, control('a', 600, 600));
    await listener.first(1);
    const ended = listener.nextEnd();
    await server.registry.quarantine(alice.id, { since: server.clock.now(), reason: 'drill' });
    await ended;
    await addControl(program, control('b', 600, 600));
    await nothingMore(1);
    await server.registry.quarantine(alice.id, undefined);
    const [, second] = await listener.first(2);
    assert.equal((resourceOf(second) as DERControlList).all, 2);
    await nothingMore(2);
    assert.equal(listener.connections, 2);
  });

  test('a device whose certificate is revoked is told nothing, nor that it is removed, and its connection ends', async () => {
    const carol = await registerAs('carol');
    await using theirs = await listen('carol');
    const program = await server.program([carol]);
    await subscribe(`${program}/derc`, { notificationURI: theirs.uri() }, { as: carol });
    await addControl(program, control('a', 600, 600));
    await theirs.first(1);
    const ended = theirs.nextEnd();
    await server.registry.revoke(carol.lfdi, { at: wallSeconds(), reason: 'keyCompromise' });
    await ended;
    await addControl(program, control('b', 600, 600));
    await server.sep.removeDevice(carol.id, { barred: true });
    await notifier.idle();
    assert.equal(theirs.received.length, 1);
  });

  test('who has a certificate that its authority has revoked is told nothing at all', async () => {
    const program = await server.program([alice]);
    await subscribe(`${program}/derc`);
    const { certificatePem } = identityOf('alice');
    const [own, issuer] = certificatesOf(certificatePem);
    const revocation = { number: numberOf(own!), at: wallSeconds(), reason: 'keyCompromise' } as const;
    const issuerKey = Buffer.from(readCertificate(issuer!.raw).spki).toString('hex');
    const times = { thisUpdate: wallSeconds(), nextUpdate: wallSeconds() + day };
    const revoked = new Map([[revocation.number, revocation]]);
    authorities.useRevocationLists([{ issuerKey, number: 1, ...times, revoked }]);
    await addControl(program, control('a', 600, 600));
    await nothingMore(0);
    assert.equal(listener.connections, 1);
  });

  test('subscriptions survive a restart, after which what changed meanwhile is told', async () => {
    const program = await server.program([alice]);
    const own = await subscribe(`${program}/derc`);
    await notifier[Symbol.asyncDispose]();
    await addControl(program, control('a', 600, 600));
    await server.restart();
    notifier = startNotifier();
    const [first] = await listener.first(1);
    assert.deepEqual(
      [first?.notification.subscriptionURI, (resourceOf(first) as DERControlList).all],
      [`${origin}${own}`, 1],
    );
    await addControl(program, control('b', 600, 600));
    await listener.first(2);
    await nothingMore(2);
  });

  test('a device that speaks the edition of 2013 is told in it', async () => {
    edition = '2013';
    const program = await server.program([alice]);
    await subscribe(`${program}/derc`);
    await addControl(program, control('a', 600, 600));
    const [first] = await listener.first(1);
    assert.match(first?.body ?? '', /<Notification xmlns="http:\/\/ieee.org\/2030.5"/);
  });

  test('a reservation that the market grants is told, and told again when its window begins', async () => {
    const { lfdi } = identityOf('bob');
    const place = { building: 'academic', zone: 'campus', ratedW: 5000, storageWh: 0 };
    const [trader, seller] = [
      await server.device({ ...place, lfdi, meterId: 'TRADER' }),
      await server.device({ ...place, meterId: 'SELLER' }),
    ];
    const theirs = await listen('bob');
    try {
      await subscribe(`/edev/${trader.id}/frp`, { notificationURI: theirs.uri() }, { as: trader });
      const window = UnixSeconds(server.clock.now() + 600 - (server.clock.now() % 300));
      await server.pass(window - GATE_LEAD_SECONDS - server.clock.now());
      await server.desk.request(trader.meterId, { mRID: formatMrid(mridOf('b')), energyWh: 100, window });
      await server.desk.request(seller.meterId, { mRID: formatMrid(mridOf('s')), energyWh: -100, window });
      await server.desk.closeGate(server.clock.now());
      await theirs.first(1);
      await server.pass(window - server.clock.now());
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
    const program = await server.program([alice]);
    const item = await addControl(program, control('a', 600, 600));
    await subscribe(item);
    await subscribe(program, { notificationURI: listener.uri('/program') });
    await addControl(program, control('later', 9_000, 600));
    await nothingMore(0);
    // It begins before the item does, and takes its place.
    await addControl(program, control('b', 300, 600, { creationTime: BigInt(server.clock.now() + 1) }));
    await server.pass(300);
    await server.pass(300);
    const [told] = await listener.first(1);
    const { superseded } = EventCurrentStatus;
    assert.equal((resourceOf(told) as DERControl).EventStatus.currentStatus, superseded);
    const present = server.sep.store.document(program, 'DERProgram') ?? assert.fail();
    await server.sep.store.put(program, 'DERProgram', { ...present, primacy: 9 });
    const [, second] = await listener.first(2);
    assert.deepEqual([second?.path, (resourceOf(second) as DERProgram).primacy], ['/program', 9]);
    await server.sep.store.remove(item);
    await listener.first(3);
    assert.equal(statuses().at(-1), NotificationStatus.resourceDeleted);
  });

  const mirror = async (): Promise<{ readonly upt: string; readonly post: (...values: number[]) => Promise<void> }> => {
    const key = `mirror ${registered}`;
    const point = {
      ...sampleOf('MirrorUsagePoint', key),
      deviceLFDI: lfdiBytes(alice.lfdi),
      MirrorMeterReading: [{ mRID: mridOf(`${key} channel`), ReadingType: { uom: 38 } }],
    };
    const { location = '' } = await server.send(alice, 'POST', '/mup', 'MirrorUsagePoint', point);
    let at: number = server.clock.now();
    const post = async (...values: number[]): Promise<void> => {
      for (const value of values) {
        const timePeriod = { start: BigInt((at += 15)), duration: 15 };
        const reading = { mRID: mridOf(`${key} channel`), Reading: { value, timePeriod } };
        const { status } = await server.send(alice, 'POST', location, 'MirrorMeterReading', reading);
        assert.equal(status, 201);
        await notifier.idle();
      }
    };
    return { upt: location.replace('/mup/', '/upt/'), post };
  };
  const meterReadingOf = async (upt: string): Promise<MeterReading> => {
    const { MeterReading: [only] = [] } = await server.document(alice, `${upt}/mr`, 'MeterReadingList');
    return only ?? assert.fail();
  };

  test('UsagePoints, and readings at every level, are told when a posting changes them', async () => {
    await subscribe('/upt', { notificationURI: listener.uri('/upt') });
    const { upt, post } = await mirror();
    await listener.first(1);
    await post(1);
    const { href: mr = '', ReadingLink } = await meterReadingOf(upt);
    assert.equal(ReadingLink?.href, `${mr}/r`);
    const today = Math.floor((server.clock.now() + 30) / day);
    for (const [name, href] of [
      ['/mr', `${upt}/mr`],
      ['/rs', `${mr}/rs`],
      ['/list', `${mr}/rs/${today}/r`],
      ['/newest', `${mr}/r`],
    ] as const) {
      await subscribe(href, { notificationURI: listener.uri(name) });
    }
    await post(2, 3);
    const told = listener.received.slice(1).map(({ path, notification: { Resource } }) => {
      const { value, all } = Resource as Reading & ReadingList;
      return `${path} ${value ?? all}`;
    });
    assert.deepEqual(told.toSorted(byText), ['/list 2', '/list 3', '/newest 2', '/newest 3']);
    await server.ask(alice, 'DELETE', upt.replace('/upt/', '/mup/'));
    await notifier.idle();
    const ended = listener.received.slice(5).map(({ path, notification: { status } }) => `${path} ${status}`);
    assert.deepEqual(ended.toSorted(byText), ['/list 4', '/mr 4', '/newest 4', '/rs 4', '/upt 0']);
  });

  test('a condition lets only values below or above its thresholds through', async () => {
    const { upt, post } = await mirror();
    await post(50);
    const { ReadingLink } = await meterReadingOf(upt);
    const Condition = { attributeIdentifier: 0, lowerThreshold: 10, upperThreshold: 90 };
    await subscribe(ReadingLink?.href ?? '', { Condition });
    const newest = await server.document(alice, ReadingLink?.href ?? '', 'Reading');
    assert.equal(newest.subscribable, SubscribableType.both);
    await post(60, 90, 91, 95, 10, 9, 20, 200);
    const values = listener.received.map((each) => (resourceOf(each) as Reading).value);
    assert.deepEqual(values, [91, 95, 9, 200]);
    for (const [wrong, reasonCode] of [
      [{ ...Condition, attributeIdentifier: 1 }, ReasonCode.conditionalSubscriptionUnsupported],
      [{ ...Condition, lowerThreshold: 91 }, ReasonCode.invalidValues],
    ] as const) {
      const document: Subscription = {
        subscribedResource: ReadingLink?.href ?? '',
        notificationURI: listener.uri(),
        encoding: 0,
        level: '+S1',
        limit: 1,
        Condition: wrong,
      };
      const answer = await server.send(alice, 'POST', `/edev/${alice.id}/sub`, 'Subscription', document);
      assert.deepEqual([answer.status, reasonOf(answer)], [400, reasonCode]);
    }
  });

  test('what cannot be told is refused when it is asked for', async () => {
    const program = await server.program([alice]);
    const reasonCodeOf = (error: { reasonCode?: number } | undefined) => error?.reasonCode;
    const ask = async (more: Partial<Subscription>): Promise<readonly (number | undefined)[]> => {
      const subscription: Subscription = {
        subscribedResource: `${program}/derc`,
        notificationURI: listener.uri(),
        encoding: 0,
        level: '+S1',
        limit: 1,
        ...more,
      };
      const { status, read } = await server.send(alice, 'POST', `/edev/${alice.id}/sub`, 'Subscription', subscription);
      return [status, reasonCodeOf(read?.value)];
    };
    const Condition = { attributeIdentifier: 0, lowerThreshold: 0, upperThreshold: 1 };
    assert.deepEqual(await ask({ Condition }), [400, ReasonCode.conditionalSubscriptionUnsupported]);
    assert.deepEqual(await ask({ encoding: 1 }), [400, ReasonCode.invalidValues]);
    assert.deepEqual(await ask({ notificationURI: '/ntfy' }), [400, ReasonCode.invalidValues]);
    assert.deepEqual(await ask({ notificationURI: 'http://127.0.0.1/' }), [400, ReasonCode.invalidValues]);
    assert.deepEqual(await ask({ subscribedResource: '/tm' }), [400, ReasonCode.invalidValues]);
    assert.deepEqual(await ask({ subscribedResource: '/derp/99999/derc' }), [400, ReasonCode.invalidValues]);
  });
});
