import assert from 'node:assert/strict';
import type { Seen } from '../context.ts';
import { expectStatus } from '../raw-client.ts';
import type { ResourceName } from '../resource-tree.ts';
import type { ServerStand } from '../stand.ts';
import { collectNotifications, createSubscription, deleteSubscription } from '../subscription-actions.ts';
import type { ClientKind } from '../virtual-client.ts';
import { documentText } from '../xml.ts';
import { Site, Status, statusOf, sunspec } from './site.ts';

/** How often a notification is waited for; each time for half a second at most. */
const tries = 10;

/** What a subscription brings of a kind; rejects when it brings nothing that is wanted. */
async function notified(
  site: Site,
  sub_id: string,
  name: ResourceName,
  isWanted: (seen: Seen) => boolean = () => true,
): Promise<Seen> {
  for (let left = tries; left > 0; left--) {
    await collectNotifications(site.client, { sub_id, collect: true });
    const found = site.client.context.all(name).find((seen) => seen.subscription === sub_id && isWanted(seen));
    if (found !== undefined) return found;
    await site.stand.advance(15);
  }
  return assert.fail(`no notification of a ${name} came to ${sub_id}`);
}

/** One list: a change is told, with what changed; after the subscription's end nothing is. */
const basic = (kind: ClientKind) => async (stand: ServerStand) => {
  await using site = await Site.make(stand, kind);
  const program = await site.utility.addProgram(1);
  await site.find('DERControlList');
  await createSubscription(site.client, { sub_id: 'list', resource: 'DERControlList' });
  const control = await site.addControl(
    program,
    { opModConnect: true },
    { delay: 60, duration: 300 },
    { description: 'one' },
  );
  const told = await notified(site, 'list', 'DERControl');
  assert.equal(told.element.value('description'), 'one');
  await site.utility.cancel(program, control);
  await notified(site, 'list', 'DERControl', ({ element }) => statusOf(element) === Status.cancelled);

  // After the end of one subscription another one's notification shows that nothing is under way any more.
  const { path } = site.client.subscriptions.get('list')!;
  await deleteSubscription(site.client, { sub_id: 'list' });
  await createSubscription(site.client, { sub_id: 'next', resource: 'DERControlList' });
  const notifications = await site.client.notifications();
  notifications.collect(path);
  await site.addControl(program, { opModConnect: true }, { delay: 600, duration: 300 }, { description: 'two' });
  await notified(site, 'next', 'DERControl', ({ element }) => element.value('description') === 'two');
  assert.deepEqual(notifications.collect(path), [], 'notifications of a subscription that has ended');
};

/** Every list from the EndDevices down to the controls, and the default, at once. */
const advanced = (kind: ClientKind) => async (stand: ServerStand) => {
  await using site = await Site.make(stand, kind);
  const program = await site.utility.addProgram(1, 'first');
  await site.utility.setDefault(program, { DERControlBase: {} });
  const lists = ['FunctionSetAssignmentsList', 'DERProgramList', 'DERControlList', 'DefaultDERControl'] as const;
  await site.client.context.discover(site.client.raw, [...lists, 'EndDeviceList']);
  for (const resource of lists) await createSubscription(site.client, { sub_id: resource, resource });

  await site.addControl(program, { opModConnect: true }, { delay: 60 }, { description: 'told' });
  const control = await notified(site, 'DERControlList', 'DERControl');
  assert.equal(control.element.value('description'), 'told');

  await site.utility.setDefault(program, { DERControlBase: { opModMaxLimW: 7000 } });
  const standing = await notified(site, 'DefaultDERControl', 'DefaultDERControl');
  assert.equal(standing.element.number('DERControlBase', 'opModMaxLimW'), 7000);

  await site.utility.addProgram(2, 'first');
  await notified(site, 'DERProgramList', 'DERProgram', ({ element }) => element.number('primacy') === 2);

  await site.utility.assign('second');
  await notified(
    site,
    'FunctionSetAssignmentsList',
    'FunctionSetAssignments',
    ({ element }) => element.value('description') === 'second',
  );
};

/** Subscriptions that a server must not take. */
async function refusals(site: Site): Promise<void> {
  const list = site.client.endDevice()?.element.link('SubscriptionListLink') ?? '';
  const good = {
    subscribedResource: site.client.context.one('DERControlList').href,
    encoding: 0,
    level: '+S1',
    limit: 1,
    notificationURI: 'https://127.0.0.1:1/none',
  };
  const wrong = {
    'EXI, which the server does not write': { encoding: 1 },
    'a resource that is not there': { subscribedResource: '/nothing' },
    'a notificationURI that is not absolute': { notificationURI: '/none' },
  };
  for (const [what, change] of Object.entries(wrong)) {
    const { status } = await site.client.raw.ask('POST', list, {
      body: documentText('Subscription', { ...good, ...change }),
    });
    assert.ok(status >= 400 && status < 500, `${what}: ${status}`);
  }
  expectStatus(await site.client.raw.ask('POST', list, { body: documentText('Subscription', good) }), 201);
}

async function advancedWithRefusals(stand: ServerStand): Promise<void> {
  await advanced('device')(stand);
  await using site = await Site.make(stand);
  await site.utility.addProgram(1);
  await site.find('DERControlList');
  await refusals(site);
}

async function survivesPowerReset(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand, 'aggregator');
  const program = await site.utility.addProgram(1);
  await site.find('DERControlList');
  await createSubscription(site.client, { sub_id: 'list', resource: 'DERControlList' });
  const { href } = site.client.subscriptions.get('list')!;
  await stand.restart();
  assert.equal((await site.client.raw.get(href)).name, 'Subscription');
  await site.addControl(program, { opModConnect: true }, { delay: 60 }, { description: 'after' });
  await notified(site, 'list', 'DERControl', ({ element }) => element.value('description') === 'after');
}

/** The server ends a subscription whose resource is gone, and says so. */
async function termination(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand, 'aggregator');
  const program = await site.utility.addProgram(1);
  await site.find('DERControlList');
  await createSubscription(site.client, { sub_id: 'list', resource: 'DERControlList' });
  const { href, path } = site.client.subscriptions.get('list')!;
  await site.utility.removeProgram(program);
  const notifications = await site.client.notifications();
  await notifications.arrived(path, tries * 500);
  const statuses = notifications.collect(path).map((notification) => notification.number('status'));
  // XSD, Notification.status: 1 cancelled, 4 the resource was deleted.
  assert.ok([1, 4].includes(statuses.at(-1) ?? -1), `statuses of notifications: ${statuses.join(', ') || 'none'}`);
  expectStatus(await site.client.raw.ask('GET', href), 404);
}

export const subscriptionTests = [
  sunspec('CORE-018', 'Subscription, basic', basic('device')),
  sunspec('CORE-019', 'Subscription, advanced', advancedWithRefusals),
];
export const aggregatorSubscriptionTests = [
  sunspec('AGG-001', 'Aggregator subscription', async (stand) => {
    await basic('aggregator')(stand);
    await advanced('aggregator')(stand);
  }),
];
export const survivalTests = [sunspec('ERR-002', 'A subscription survives a power reset', survivesPowerReset)];
export const terminationTests = [sunspec('MAINT-006', 'Subscription termination', termination)];
