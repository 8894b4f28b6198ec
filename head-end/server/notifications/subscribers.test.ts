import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, suite, test } from 'node:test';
import { wallSeconds } from '#hal/wall.ts';
import { NotificationStatus, ReasonCode } from '#ieee2030_5/enumerations.ts';
import type { DERControlList, EndDeviceList, Subscription } from '#ieee2030_5/types.generated.ts';
import { numberOf } from '#provisioning/authority-folder.ts';
import { readCertificate } from '#provisioning/certificate-fields.ts';
import { certificatesOf } from '#provisioning/pem.ts';
import { sampleOf } from '../sample-documents.ts';
import { byText, day, NotificationStand, origin, resourceOf } from './notification-stand.ts';

suite('which subscribers are told, for how long, and again', { concurrency: false }, () => {
  const stand = new NotificationStand();
  before(() => stand.start());
  after(() => stand[Symbol.asyncDispose]());
  beforeEach(() => stand.begin());
  afterEach(() => stand.end());

  test('an aggregator is told of its devices, at its own address, by one kept connection', async () => {
    const aggregator = await stand.registerAs('aggregator', { isAggregator: true });
    const theirs = await stand.listen('aggregator');
    try {
      const notificationURI = theirs.uri();
      await stand.subscribe('/edev', { notificationURI }, { as: aggregator });
      const member = await stand.server.device({ aggregator: aggregator.id });
      const [first] = await theirs.first(1);
      assert.equal((resourceOf(first) as EndDeviceList).all, 2);
      await stand.subscribe(`/edev/${member.id}/fsa`, { notificationURI }, { as: aggregator, of: member });
      await stand.server.program([member]);
      // The EndDevice links to one assignment more.
      await theirs.first(3);
      await stand.notifier.idle();
      await stand.server.sep.removeDevice(member.id, { barred: true });
      await theirs.first(5);
      await stand.notifier.idle();
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
    const [bob, foreign] = [await stand.listen('bob'), await stand.listen('foreign')];
    try {
      const program = await stand.server.program([stand.alice]);
      await stand.subscribe(`${program}/derc`, { notificationURI: bob.uri() });
      await stand.subscribe(`${program}/derc`, { notificationURI: foreign.uri() });
      await stand.addControl(program, stand.control('a', 600, 600));
      await stand.notifier.idle();
      assert.deepEqual([bob.requests, foreign.requests], [0, 0]);
      const aggregator = await stand.registerAs('bob', { isAggregator: true });
      await stand.server.registry.update(stand.alice.id, { aggregator: aggregator.id }, stand.server.clock.now());
      await stand.server.pass(60);
      await bob.first(1);
      await stand.notifier.idle();
      assert.equal(foreign.requests, 0);
    } finally {
      await bob[Symbol.asyncDispose]();
      await foreign[Symbol.asyncDispose]();
    }
  });

  test('what was not taken is sent again with the newest state, once', async () => {
    const program = await stand.server.program([stand.alice]);
    await stand.subscribe(`${program}/derc`);
    stand.listener.status = 503;
    await stand.addControl(program, stand.control('a', 600, 600));
    await stand.notifier.idle();
    await stand.addControl(program, stand.control('b', 600, 600));
    await stand.notifier.idle();
    assert.deepEqual([stand.listener.requests, stand.listener.received.length], [1, 0]);
    await stand.server.pass(8);
    await stand.notifier.idle();
    assert.equal(stand.listener.requests, 2);
    await stand.listener.stop();
    await stand.server.pass(30);
    await stand.notifier.idle();
    stand.listener.status = 204;
    await stand.listener.start();
    await stand.server.pass(300);
    const [only] = await stand.listener.first(1);
    assert.equal((resourceOf(only) as DERControlList).all, 2);
    await stand.nothingMore(1);
  });

  test('a subscriber who is not reached for three days loses his subscriptions, who renews them is tried at once', async () => {
    const program = await stand.server.program([stand.alice]);
    const own = await stand.subscribe(`${program}/derc`);
    stand.listener.status = 500;
    await stand.addControl(program, stand.control('a', 10 * day, 600));
    await stand.notifier.idle();
    const pass = async (seconds: number): Promise<void> => {
      for (let hours = 0; hours < seconds / 3600; hours++) {
        await stand.server.pass(3600);
        await stand.notifier.idle();
      }
    };
    await pass(2 * day);
    assert.deepEqual(await stand.subscriptionsOf(stand.alice), [own]);
    const tries = stand.listener.requests;
    assert.equal(await stand.subscribe(`${program}/derc`), own);
    await stand.notifier.idle();
    assert.equal(stand.listener.requests, tries + 1);
    await pass(day - 3600);
    assert.deepEqual(await stand.subscriptionsOf(stand.alice), [own]);
    await pass(2 * 3600);
    assert.deepEqual(await stand.subscriptionsOf(stand.alice), []);
    const tried = stand.listener.requests;
    await pass(3600);
    assert.equal(stand.listener.requests, tried);
  });

  test('renewing a subscription replaces it and tells nothing; ending it ends the notifications', async () => {
    const program = await stand.server.program([stand.alice]);
    const own = await stand.subscribe(`${program}/derc`);
    assert.equal(await stand.subscribe(`${program}/derc`, { limit: 0 }), own);
    await stand.nothingMore(0);
    await stand.addControl(program, stand.control('a', 600, 600));
    const [first] = await stand.listener.first(1);
    assert.equal((resourceOf(first) as DERControlList).results, 0);
    assert.equal((await stand.server.ask(stand.alice, 'DELETE', own)).status, 204);
    await stand.addControl(program, stand.control('b', 600, 600));
    await stand.nothingMore(1);
  });

  test('a subscription to what is deleted ends with status 4', async () => {
    const program = await stand.server.program([stand.alice]);
    await stand.server.sep.store.put(`${program}/dderc`, 'DefaultDERControl', sampleOf('DefaultDERControl', 'd'));
    await stand.subscribe(`${program}/dderc`);
    await stand.subscribe(`${program}/derc`, { notificationURI: stand.listener.uri('/list') });
    await stand.server.sep.store.remove(`${program}/dderc`);
    await stand.listener.first(1);
    await stand.server.sep.store.remove(program);
    await stand.listener.first(2);
    await stand.nothingMore(2);
    assert.deepEqual(stand.statuses(), [NotificationStatus.resourceDeleted, NotificationStatus.resourceDeleted]);
    assert.ok(stand.listener.received.every(({ body }) => !body.includes('<Resource')));
    assert.deepEqual(await stand.subscriptionsOf(stand.alice), []);
  });

  test('a subscription to what a device may see no more ends with status 1, to what left its own lists with 4', async () => {
    const program = await stand.server.program([stand.alice]);
    const [assignment] = stand.server.sep.assignments.of(stand.alice.id);
    await stand.subscribe(`${program}/derc`);
    await stand.subscribe(`/edev/${stand.alice.id}/fsa/${assignment?.id}/derp`, {
      notificationURI: stand.listener.uri('/fsa'),
    });
    await stand.server.sep.records.remove('assignment', assignment?.id ?? '');
    await stand.listener.first(2);
    const told = stand.listener.received.map(({ path, notification }) => [path, notification.status]);
    assert.deepEqual(told.toSorted(byText), [
      ['/fsa', NotificationStatus.resourceDeleted],
      ['/ntfy', NotificationStatus.cancelled],
    ]);
    assert.deepEqual(await stand.subscriptionsOf(stand.alice), []);
  });

  test('a subscription to what has moved ends with status 2 and the new address', async () => {
    const program = await stand.server.program([stand.alice]);
    await stand.subscribe(`${program}/derc`);
    const redirect = { from: program, to: 'https://other.example/derp/9', status: 301 as const };
    await stand.server.sep.records.put('redirect', '1', redirect);
    const [first] = await stand.listener.first(1);
    const { status, newResourceURI } = first?.notification ?? assert.fail();
    assert.deepEqual(
      [status, newResourceURI?.split('?')[0]],
      [NotificationStatus.resourceMoved, 'https://other.example/derp/9/derc'],
    );
    await stand.server.sep.records.remove('redirect', '1');
  });

  test('a device that an operator removes is told that its subscriptions are cancelled', async () => {
    await stand.subscribe('/edev');
    await stand.server.sep.removeDevice(stand.alice.id, { barred: true });
    await stand.listener.first(1);
    await stand.nothingMore(1);
    assert.deepEqual(stand.statuses(), [NotificationStatus.cancelled]);
  });

  test('a device in quarantine is told nothing, its connection ends, and its release brings what has changed', async () => {
    const program = await stand.server.program([stand.alice]);
    await stand.subscribe(`${program}/derc`);
    await stand.addControl(program, stand.control('a', 600, 600));
    await stand.listener.first(1);
    const ended = stand.listener.nextEnd();
    await stand.server.registry.quarantine(stand.alice.id, { since: stand.server.clock.now(), reason: 'drill' });
    await ended;
    await stand.addControl(program, stand.control('b', 600, 600));
    await stand.nothingMore(1);
    await stand.server.registry.quarantine(stand.alice.id, undefined);
    const [, second] = await stand.listener.first(2);
    assert.equal((resourceOf(second) as DERControlList).all, 2);
    await stand.nothingMore(2);
    assert.equal(stand.listener.connections, 2);
  });

  test('a device whose certificate is revoked is told nothing, nor that it is removed, and its connection ends', async () => {
    const carol = await stand.registerAs('carol');
    await using theirs = await stand.listen('carol');
    const program = await stand.server.program([carol]);
    await stand.subscribe(`${program}/derc`, { notificationURI: theirs.uri() }, { as: carol });
    await stand.addControl(program, stand.control('a', 600, 600));
    await theirs.first(1);
    const ended = theirs.nextEnd();
    await stand.server.registry.revoke(carol.lfdi, { at: wallSeconds(), reason: 'keyCompromise' });
    await ended;
    await stand.addControl(program, stand.control('b', 600, 600));
    await stand.server.sep.removeDevice(carol.id, { barred: true });
    await stand.notifier.idle();
    assert.equal(theirs.received.length, 1);
  });

  test('who has a certificate that its authority has revoked is told nothing at all', async () => {
    const program = await stand.server.program([stand.alice]);
    await stand.subscribe(`${program}/derc`);
    const { certificatePem } = stand.identityOf('alice');
    const [own, issuer] = certificatesOf(certificatePem);
    const revocation = { number: numberOf(own!), at: wallSeconds(), reason: 'keyCompromise' } as const;
    const issuerKey = Buffer.from(readCertificate(issuer!.raw).spki).toString('hex');
    const times = { thisUpdate: wallSeconds(), nextUpdate: wallSeconds() + day };
    const revoked = new Map([[revocation.number, revocation]]);
    stand.authorities.useRevocationLists([{ issuerKey, number: 1, ...times, revoked }]);
    await stand.addControl(program, stand.control('a', 600, 600));
    await stand.nothingMore(0);
    assert.equal(stand.listener.connections, 1);
  });

  test('subscriptions survive a restart, after which what changed meanwhile is told', async () => {
    const program = await stand.server.program([stand.alice]);
    const own = await stand.subscribe(`${program}/derc`);
    await stand.notifier[Symbol.asyncDispose]();
    await stand.addControl(program, stand.control('a', 600, 600));
    await stand.server.restart();
    stand.startNotifier();
    const [first] = await stand.listener.first(1);
    assert.deepEqual(
      [first?.notification.subscriptionURI, (resourceOf(first) as DERControlList).all],
      [`${origin}${own}`, 1],
    );
    await stand.addControl(program, stand.control('b', 600, 600));
    await stand.listener.first(2);
    await stand.nothingMore(2);
  });

  test('what cannot be told is refused when it is asked for', async () => {
    const program = await stand.server.program([stand.alice]);
    const reasonCodeOf = (error: { reasonCode?: number } | undefined) => error?.reasonCode;
    const ask = async (more: Partial<Subscription>): Promise<readonly (number | undefined)[]> => {
      const subscription = stand.subscriptionTo(`${program}/derc`, more);
      const { status, read } = await stand.server.send(
        stand.alice,
        'POST',
        `/edev/${stand.alice.id}/sub`,
        'Subscription',
        subscription,
      );
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
