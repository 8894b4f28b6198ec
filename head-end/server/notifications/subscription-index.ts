import { NotificationStatus } from '#ieee2030_5/enumerations.ts';
import type { Subscription } from '#ieee2030_5/types.generated.ts';
import type { StoredResource } from '../resource-store.ts';

/** How a subscription has ended, other than by its subscriber. */
export interface Ending {
  readonly status: Exclude<NotificationStatus, 0>;
  readonly newResourceURI?: string;
}

/** A subscription, and what its subscriber was told last. */
export interface Subscribed {
  readonly href: string;
  /** The id of the device that subscribed. */
  readonly viewer: number;
  subscription: Subscription;
  /** Of what was told last; undefined when that is not known: then it is told anew. */
  fingerprint: string | undefined;
  ending: Ending | undefined;
  /** Its subscriber knows that it has ended. */
  isOver: boolean;
}

/** `/edev/7/sub`: the list of a device. */
const listPattern = /^\/edev\/(\d+)\/sub$/;

export const isSubscriptionList = (list: string | undefined): list is string =>
  list !== undefined && listPattern.test(list);

/** The device that subscribed: the one that is named, or the one in whose list it stands. */
const viewerOf = ({ owner, list }: StoredResource): number =>
  owner ?? Number(listPattern.exec(list ?? '')?.[1] ?? Number.NaN);

/** A subscription as it is kept; what its subscriber was told last is not known. */
export const subscribedOf = (resource: StoredResource): Subscribed => ({
  href: resource.href,
  viewer: viewerOf(resource),
  subscription: resource.document as Subscription,
  fingerprint: undefined,
  ending: undefined,
  isOver: false,
});

/** What tells subscribers apart: the device, and the server that it listens on. */
export const subscriberOf = ({ viewer, subscription }: Subscribed): string =>
  `${viewer} ${new URL(subscription.notificationURI).origin}`;

/** The subscriptions by what they are looked for. */
export class SubscriptionIndex {
  readonly #byHref = new Map<string, Subscribed>();
  readonly #byResource = new Map<string, Set<Subscribed>>();
  /** By the path above the resource: of a list, those to its items. */
  readonly #byParent = new Map<string, Set<Subscribed>>();
  readonly #byViewer = new Map<number, Set<Subscribed>>();

  get(href: string): Subscribed | undefined {
    return this.#byHref.get(href);
  }

  get isEmpty(): boolean {
    return this.#byHref.size === 0;
  }

  all(): Iterable<Subscribed> {
    return this.#byHref.values();
  }

  ofViewer(viewer: number): Iterable<Subscribed> {
    return this.#byViewer.get(viewer) ?? [];
  }

  toResource(href: string): Iterable<Subscribed> {
    return this.#byResource.get(href) ?? [];
  }

  /** Those to what stands directly below a path. */
  toItemsOf(href: string): Iterable<Subscribed> {
    return this.#byParent.get(href) ?? [];
  }

  /** Those to a resource or to anything below it. */
  *toAllOf(href: string): Iterable<Subscribed> {
    for (const [resource, subscribed] of this.#byResource) {
      if (resource === href || resource.startsWith(`${href}/`)) yield* subscribed;
    }
  }

  add(subscribed: Subscribed): void {
    this.#byHref.set(subscribed.href, subscribed);
    put(this.#byResource, subscribed.subscription.subscribedResource, subscribed);
    put(this.#byParent, parentOf(subscribed), subscribed);
    put(this.#byViewer, subscribed.viewer, subscribed);
  }

  remove(subscribed: Subscribed): void {
    this.#byHref.delete(subscribed.href);
    take(this.#byResource, subscribed.subscription.subscribedResource, subscribed);
    take(this.#byParent, parentOf(subscribed), subscribed);
    take(this.#byViewer, subscribed.viewer, subscribed);
  }
}

const parentOf = ({ subscription: { subscribedResource } }: Subscribed): string =>
  subscribedResource.slice(0, subscribedResource.lastIndexOf('/'));

function put<K>(map: Map<K, Set<Subscribed>>, key: K, subscribed: Subscribed): void {
  const known = map.get(key) ?? new Set();
  map.set(key, known);
  known.add(subscribed);
}

function take<K>(map: Map<K, Set<Subscribed>>, key: K, subscribed: Subscribed): void {
  const known = map.get(key);
  known?.delete(subscribed);
  if (known?.size === 0) map.delete(key);
}
