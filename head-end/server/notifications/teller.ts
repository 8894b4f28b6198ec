import { GridError, reasonOf } from '#hal/errors.ts';
import { NotificationStatus } from '#ieee2030_5/enumerations.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import type { Edition } from '#ieee2030_5/namespaces.ts';
import type { TlsIdentity } from '#ieee2030_5/tls.ts';
import type { Notification } from '#ieee2030_5/types.generated.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import type { Device, Registry } from '../../registry/devices.ts';
import type { Engine } from '../engine.ts';
import type { Principal } from '../exchange.ts';
import type { KnownAuthorities } from '../known-authorities.ts';
import type { ResourceStore } from '../resource-store.ts';
import { LinkPool } from './link-pool.ts';
import type { Delivery } from './outlet.ts';
import { carried, meets, type ResourceView, viewOf } from './resource-view.ts';
import { type Ending, type Subscribed, subscriberOf } from './subscription-index.ts';

export interface TellerOptions {
  readonly store: ResourceStore;
  readonly registry: Registry;
  readonly engine: Engine;
  /** Who holds a certificate that is not let in is told nothing either. */
  readonly authorities: Pick<KnownAuthorities, 'check'>;
  /** The server's own: subscribers know it by it. */
  readonly identity: TlsIdentity;
  /** Where this server is reached: `https://host:port`. */
  readonly origin: string;
  /** The edition that a device speaks. */
  readonly editionOf: (lfdi: Lfdi) => Edition;
}

/** Makes Notifications and takes them to subscribers, one at a time. */
export class Teller implements AsyncDisposable {
  readonly #options: TellerOptions;
  readonly #links = new LinkPool();
  /** Of devices that were removed, until their last Notification. */
  readonly #removed = new Map<number, Lfdi>();

  constructor(options: TellerOptions) {
    this.#options = options;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#links[Symbol.asyncDispose]();
  }

  /** What a subscriber sees at present becomes what he was told last. Rejects as the resource's source does. */
  async takeNote(subscribed: Subscribed): Promise<void> {
    const fingerprint = fingerprintOf(await this.#view(subscribed));
    subscribed.fingerprint ??= fingerprint;
  }

  /** A device that was removed is still told that its subscriptions are cancelled. */
  rememberRemoved(id: number, lfdi: Lfdi): void {
    this.#removed.set(id, lfdi);
  }

  forgetRemoved(id: number): void {
    this.#removed.delete(id);
  }

  /** The registry has changed: the connections to whom it lets in no more end. */
  endRefused(): void {
    this.#links.endRefused();
  }

  /**
   * Tells a subscriber what has changed since he was told last, if anything has; ends what can be told no more. Who is
   * refused is told nothing, and may be let in again: his subscriptions stay.
   */
  async tell(subscribed: Subscribed): Promise<Delivery> {
    try {
      if (subscribed.isOver || this.#recipientsOf(subscribed.viewer).length === 0) return { at: 'needless' };
      if (subscribed.ending !== undefined) return await this.#end(subscribed, subscribed.ending);
      const view = await this.#view(subscribed);
      const ending = endingOf(view, subscribed.fingerprint, this.#options.origin);
      if (ending !== undefined) {
        subscribed.ending = ending;
        await this.#options.store.remove(subscribed.href);
        return await this.#end(subscribed, ending);
      }
      const fingerprint = fingerprintOf(view);
      const { Condition } = subscribed.subscription;
      if (view.at !== 'shown' || fingerprint === subscribed.fingerprint || !meets(view, Condition)) {
        subscribed.fingerprint = fingerprint;
        return { at: 'needless' };
      }
      const Resource = carried(view, subscribed.subscription.limit);
      const status = NotificationStatus.default;
      await this.#post(subscribed, { status, ...(Resource !== undefined && { Resource }) });
      subscribed.fingerprint = fingerprint;
      return { at: 'taken' };
    } catch (error) {
      return { at: 'failed', error: failureOf(error, subscribed) };
    }
  }

  async #end(subscribed: Subscribed, ending: Ending): Promise<Delivery> {
    await this.#post(subscribed, ending);
    subscribed.isOver = true;
    return { at: 'taken' };
  }

  async #post(subscribed: Subscribed, content: Pick<Notification, 'status' | 'Resource'>): Promise<void> {
    const { authorities, identity, editionOf, origin: self } = this.#options;
    const { viewer, href, subscription } = subscribed;
    const { subscribedResource, notificationURI } = subscription;
    const { origin, pathname, search } = new URL(notificationURI);
    const mayReceive = (lfdi: Lfdi): boolean => this.#recipientsOf(viewer).includes(lfdi);
    const link = this.#links.take(subscriberOf(subscribed), { origin, identity, authorities, mayReceive });
    const [own] = this.#recipientsOf(viewer);
    const namespace = own === undefined ? '2018' : editionOf(own);
    const notification = { subscribedResource, subscriptionURI: `${self}${href}`, ...content };
    await link.post(`${pathname}${search}`, writeDocument('Notification', notification, { namespace }));
  }

  /** Whose certificates may receive what a device subscribed to: its own, and its aggregator's, as long as they are let in. */
  #recipientsOf(viewer: number): readonly Lfdi[] {
    const { registry } = this.#options;
    const device = registry.byId(viewer);
    if (device === undefined) return [this.#removed.get(viewer)].filter((lfdi) => lfdi !== undefined);
    if (!this.#isOpen(device)) return [];
    const aggregator = device.aggregator === undefined ? undefined : registry.byId(device.aggregator);
    return aggregator !== undefined && this.#isOpen(aggregator) ? [device.lfdi, aggregator.lfdi] : [device.lfdi];
  }

  /** Neither in quarantine nor revoked. */
  #isOpen({ lfdi }: Device): boolean {
    return this.#options.registry.byLfdi(lfdi) !== undefined;
  }

  async #view({ viewer, subscription }: Subscribed): Promise<ResourceView> {
    const { engine, registry } = this.#options;
    const device = registry.byId(viewer);
    if (device === undefined) return { at: 'withheld' };
    const principal: Principal = { lfdi: device.lfdi, device, devices: registry.actingFor(device) };
    return viewOf(engine, principal, subscription.subscribedResource);
  }
}

/** How a subscription ends by what its subscriber sees, if it does; `known` is what he was told last. */
export function endingOf(view: ResourceView, known: string | undefined, origin: string): Ending | undefined {
  switch (view.at) {
    case 'shown':
      return undefined;
    case 'empty':
      // It may be subscribed to before it is there.
      return known === undefined || known === fingerprintOf(view)
        ? undefined
        : { status: NotificationStatus.resourceDeleted };
    case 'gone':
      return { status: NotificationStatus.resourceDeleted };
    case 'withheld':
      return { status: NotificationStatus.cancelled };
    case 'redefined':
      return { status: NotificationStatus.definitionChanged };
    case 'moved':
      return { status: NotificationStatus.resourceMoved, newResourceURI: new URL(view.to, origin).href };
    default:
      return view satisfies never;
  }
}

const fingerprintOf = (view: ResourceView): string => (view.at === 'shown' ? view.fingerprint : view.at);

function failureOf(error: unknown, { href }: Subscribed): GridError {
  if (error instanceof GridError) return error;
  return new GridError('GTX-NTF-003', `No notification could be made for ${href}: ${reasonOf(error)}`, {
    hint: 'It is tried again; report it with this line if it comes again.',
    cause: error,
  });
}
