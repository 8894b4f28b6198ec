import assert from 'node:assert/strict';
import type { Parameters } from '../procedure.ts';
import type { Seen } from './context.ts';
import { textOf } from './parameters.ts';
import { expectStatus, locationOf } from './raw-client.ts';
import { itemsOf, resourceOf } from './resource-tree.ts';
import { newMrid, type VirtualClient } from './virtual-client.ts';
import type { XmlElement } from '../xml.ts';
import { documentText } from './xml.ts';

/** How many items of a list a notification may hold. */
const limit = 10;
/** The longest that a notification may be under way, in milliseconds of wall time. */
const arrivalMs = 500;

/** Subscribes to the one resource of a kind that the client knows of its own device, and reads it back. */
export async function createSubscription(client: VirtualClient, parameters: Parameters): Promise<void> {
  const id = textOf(parameters, 'sub_id');
  const resource = subscribable(client, resourceOf(parameters['resource']));
  const href = ownSubscriptions(client);
  const before = client.subscriptions.get(id);
  const notifications = await client.notifications();
  const path = before?.path ?? `${id}-${newMrid()}`;
  const content = {
    subscribedResource: resource.href,
    encoding: 0,
    level: '+S1',
    limit,
    notificationURI: notifications.uriOf(path),
  };
  const answer = await client.raw.ask('POST', href, { body: documentText('Subscription', content) });
  expectStatus(answer, ...(before === undefined ? [201] : [200, 201, 204]));
  const location = locationOf(answer);
  if (before !== undefined) assert.equal(location, before.href, 'the same subscription is the same resource');
  const made = await client.raw.get(location);
  assert.equal(made.name, 'Subscription');
  for (const [name, value] of Object.entries(content)) assert.equal(made.value(name), String(value), name);
  client.subscriptions.set(id, { href: location, resource, path });
}

export async function deleteSubscription(client: VirtualClient, parameters: Parameters): Promise<void> {
  const id = textOf(parameters, 'sub_id');
  const subscription = subscriptionOf(client, id);
  expectStatus(await client.raw.ask('DELETE', subscription.href), 200, 204);
  expectStatus(await client.raw.ask('GET', subscription.href), 404);
  client.subscriptions.delete(id);
}

/** Takes what has come into the client's context, or lets the place where notifications go fail, or work again. */
export async function collectNotifications(client: VirtualClient, parameters: Parameters): Promise<void> {
  const subscription = subscriptionOf(client, textOf(parameters, 'sub_id'));
  const notifications = await client.notifications();
  const { disable, collect } = parameters;
  if (disable === false) {
    // What is to be shown is that a notification that failed comes again.
    assert.ok(await notifications.wasRefused(subscription.path, arrivalMs), 'no notification was tried meanwhile');
  }
  if (typeof disable === 'boolean') notifications.disable(subscription.path, disable);
  if (collect !== true) return;
  await notifications.arrived(subscription.path, arrivalMs);
  for (const notification of notifications.collect(subscription.path)) {
    assert.equal(notification.value('subscribedResource'), subscription.resource.href);
    // The schema's annotation asks for a fully qualified address.
    const subscriptionUri = notification.value('subscriptionURI') ?? '';
    assert.match(subscriptionUri, /^https:\/\//, 'subscriptionURI is absolute');
    assert.equal(new URL(subscriptionUri).pathname, subscription.href);
    assert.equal(notification.value('status'), '0', 'the status of a notification');
    const resource = notification.at('Resource');
    if (resource !== undefined) take(client, textOf(parameters, 'sub_id'), subscription.resource, resource);
  }
}

const subscriptionOf = (client: VirtualClient, id: string) => {
  const subscription = client.subscriptions.get(id);
  assert.ok(subscription !== undefined, `no subscription ${id}`);
  return subscription;
};

const isBelow = (seen: Seen | undefined, href: string): boolean =>
  seen !== undefined && (seen.href === href || isBelow(seen.parent, href));

/**
 * The newest resource of a kind; it says of itself that it can be subscribed to. An aggregator sees its own EndDevice
 * too: what is below the device that the client is about comes first.
 */
function subscribable(client: VirtualClient, name: Seen['name']): Seen {
  const all = client.context.all(name);
  const own = client.endDevice()?.href;
  const seen = all.findLast((one) => own !== undefined && isBelow(one, own)) ?? all.at(-1);
  assert.ok(seen !== undefined, `the client has discovered no ${name}`);
  const bits = Number(seen.element.attributes['subscribable'] ?? 0);
  assert.ok((bits & 1) === 1, `${seen.href} is not subscribable`);
  return seen;
}

function ownSubscriptions(client: VirtualClient): string {
  const href = client.endDevice()?.element.link('SubscriptionListLink');
  assert.ok(href !== undefined, "the client's EndDevice has no SubscriptionListLink");
  return href;
}

/** Puts a notification's resource, and what it holds, where the client keeps what it has seen. */
function take(client: VirtualClient, subscription: string, subscribed: Seen, element: XmlElement): void {
  assert.equal(element.attributes['type']?.replace(/^.*:/, ''), subscribed.name, 'xsi:type of the resource');
  const list: Seen = { ...subscribed, element, subscription };
  client.context.upsert(list);
  const name = itemsOf(subscribed.name);
  if (name === undefined) return;
  const items = element.all(name);
  assert.equal(items.length, Number(element.attributes['results']), 'results of a notified list');
  for (const item of items) {
    assert.ok(item.href !== undefined, 'an item without href');
    client.context.upsert({ name, href: item.href, element: item, parent: list, subscription });
  }
}
