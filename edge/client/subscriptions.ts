import { createHash } from 'node:crypto';
import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { uniform } from '#hal/random.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { NotificationStatus, SubscribableType, SubscriptionEncoding } from '#ieee2030_5/enumerations.ts';
import type { Notification, SubscribableResource } from '#ieee2030_5/types.generated.ts';
import type { Connection } from './connection.ts';
import { NotificationListener, notificationPath } from './notification-listener.ts';
import type { ResourceNode } from './resource-node.ts';
import type { ClientIdentity } from './tls-link.ts';

export interface SubscriptionsOptions {
  /** The listener's; its certificate is what the server meets when it notifies. */
  readonly identity: ClientIdentity;
  readonly host: string;
  readonly port: number;
  /** Where the server reaches the listener: `https://board.example:8445`. Default: host and port. */
  readonly publicUrl?: string;
  readonly log: Log;
}

type Subscription =
  | { readonly at: 'subscribed'; readonly location: string | undefined; readonly renewAt: number }
  /** The server refused it, or ended it: the resource is polled until then. */
  | { readonly at: 'polled'; readonly retryAt: number };

/** CSIP v2.1 §5.4: subscriptions are renewed once a day, in case that one end has forgotten them. */
const renewSeconds = 86_400;
/** Renewals come up to this much earlier, so that boards spread, seconds. */
const spreadSeconds = 3_600;
/** Items that a notification may carry. What they are is read from the server. */
const notifiedItems = 100;
const maxSubscriptions = 1_000;

const subscribable: readonly (number | undefined)[] = [SubscribableType.nonConditional, SubscribableType.both];

/**
 * Subscribes to every resource that is subscribable, and listens for notifications (IEEE 2030.5-2018 §8.6). A
 * notification only says that a resource is to be read again: whoever sends one, and whatever it carries (some
 * servers put the changed items only), what counts comes from the server itself. What is refused is polled.
 */
export class Subscriptions implements AsyncDisposable {
  readonly #options: SubscriptionsOptions;
  readonly #listener: NotificationListener;
  /** By URL of the resource. */
  readonly #states = new Map<string, Subscription>();
  readonly #urls = new Map<string, string>();
  #onNotified: ((url: string, isSubscribed: boolean) => void) | undefined;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    const { identity, host, port, log } = options;
    this.#listener = new NotificationListener({ identity, host, port, log }, (key, notification) =>
      this.#notified(key, notification),
    );
  }

  /** `onNotified` gets a resource that is to be read again, and whether it goes on. Rejects with `GTX-SEP-012`. */
  async start(onNotified: (url: string, isSubscribed: boolean) => void): Promise<void> {
    this.#onNotified = onNotified;
    await this.#listener.start();
  }

  /** Subscriptions outlive the program: the next one renews them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener[Symbol.asyncDispose]();
  }

  /** When a subscription is to be renewed, or tried again; seconds. */
  nextDue(): number {
    const due = [...this.#states.values()].map((each) => (each.at === 'subscribed' ? each.renewAt : each.retryAt));
    return Math.min(Number.POSITIVE_INFINITY, ...due);
  }

  /**
   * Subscribes to what is new, renews what is due, ends what is not linked any more. Rejects with `GTX-SEP-001` when
   * the server is not reached.
   */
  async keep(
    connection: Pick<Connection, 'post' | 'delete' | 'origin'>,
    nodes: ReadonlyMap<string, ResourceNode>,
    listHref: string | undefined,
    now: UnixSeconds,
  ): Promise<void> {
    for (const url of this.#states.keys()) if (!nodes.has(url)) await this.#end(connection, url);
    if (listHref === undefined) return;
    for (const node of nodes.values()) {
      const { subscribable: told } = (node.document ?? {}) as SubscribableResource;
      if (!subscribable.includes(told) || !this.#isDue(node.url, now)) continue;
      if (this.#states.size >= maxSubscriptions && !this.#states.has(node.url)) return;
      await this.#subscribe(connection, node, listHref, now);
    }
  }

  #isDue(url: string, now: UnixSeconds): boolean {
    const state = this.#states.get(url);
    if (state === undefined) return true;
    return (state.at === 'subscribed' ? state.renewAt : state.retryAt) <= now;
  }

  /** The same subscription, POSTed again, renews the one that the server has: it is told by resource and URI. */
  async #subscribe(
    connection: Pick<Connection, 'post' | 'origin'>,
    node: ResourceNode,
    listHref: string,
    now: UnixSeconds,
  ): Promise<void> {
    const key = createHash('sha256').update(node.url).digest('hex').slice(0, 16);
    const next = now + renewSeconds - Math.floor(uniform(node.seed, now) * spreadSeconds);
    const url = new URL(node.url);
    this.#urls.set(key, node.url);
    try {
      const { location } = await connection.post(listHref, 'Subscription', {
        subscribedResource: url.origin === connection.origin ? url.pathname + url.search : node.url,
        encoding: SubscriptionEncoding.xml,
        level: '+S1',
        limit: notifiedItems,
        notificationURI: new URL(notificationPath + key, this.#publicUrl).href,
      });
      const known = this.#states.get(node.url);
      const kept = known?.at === 'subscribed' ? known.location : undefined;
      this.#states.set(node.url, { at: 'subscribed', location: location ?? kept, renewAt: next });
      node.isSubscribed = true;
    } catch (error) {
      if (!(error instanceof GridError) || error.code === 'GTX-SEP-001') throw error;
      this.#options.log.info({ href: node.url, reason: error.message }, 'not subscribed; polled instead');
      this.#states.set(node.url, { at: 'polled', retryAt: next });
      node.isSubscribed = false;
    }
  }

  async #end(connection: Pick<Connection, 'delete'>, url: string): Promise<void> {
    const state = this.#states.get(url);
    this.#states.delete(url);
    for (const [key, each] of this.#urls) if (each === url) this.#urls.delete(key);
    if (state?.at !== 'subscribed' || state.location === undefined) return;
    try {
      await connection.delete(state.location);
    } catch (error) {
      // With its resource the server has often removed the subscription already.
      if (!(error instanceof GridError) || error.code === 'GTX-SEP-001') throw error;
    }
  }

  #notified(key: string, { status }: Notification): boolean {
    const url = this.#urls.get(key);
    const state = url === undefined ? undefined : this.#states.get(url);
    if (url === undefined || state === undefined) return false;
    const isEnded = status !== NotificationStatus.default;
    if (isEnded) {
      this.#options.log.info({ href: url, status }, 'the server has ended a subscription');
      const until = state.at === 'subscribed' ? state.renewAt : state.retryAt;
      this.#states.set(url, { at: 'polled', retryAt: until });
    }
    this.#onNotified?.(url, !isEnded && state.at === 'subscribed');
    return true;
  }

  get #publicUrl(): string {
    const { publicUrl, host } = this.#options;
    return publicUrl ?? `https://${host.includes(':') ? `[${host}]` : host}:${this.#listener.port}`;
  }
}
