import type { Clock } from '#hal/clock.ts';
import { reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { NotificationStatus } from '#ieee2030_5/enumerations.ts';
import type { Subscription } from '#ieee2030_5/types.generated.ts';
import type { Posting, ReadingStore } from '../../readings/store.ts';
import { takesPart } from '../../registry/device.ts';
import type { DeviceChange } from '../../registry/devices.ts';
import { Alarm } from '../alarm.ts';
import type { OperatorRecords, RecordChange } from '../operator-records.ts';
import type { ResourceChange } from '../resource-store.ts';
import { dayOf } from '../resources/usage-points.ts';
import { isGivenUp } from './delivery-rule.ts';
import { Outlet } from './outlet.ts';
import {
  isSubscriptionList,
  type Subscribed,
  subscribedOf,
  subscriberOf,
  SubscriptionIndex,
} from './subscription-index.ts';
import { Teller, type TellerOptions } from './teller.ts';

export interface NotifierOptions extends TellerOptions {
  readonly readings: Pick<ReadingStore, 'onPosted'>;
  readonly clock: Clock;
  readonly records: OperatorRecords;
  readonly log: Log;
}

/** Subscribers that are told at one time. */
const maxRunning = 32;

/**
 * Tells subscribers of changes (IEEE 2030.5-2018 §8.6): whenever what a subscriber sees of a resource has changed, a
 * Notification with its newest state is POSTed to him, until he takes it. After a restart, when nobody knows what he
 * was told last, he is told once. Subscriptions whose resource is gone, moved, withheld or not subscribable any more
 * end, and so do those of a subscriber who is not reached for three days.
 */
export class Notifier implements AsyncDisposable {
  readonly #options: NotifierOptions;
  readonly #teller: Teller;
  readonly #index = new SubscriptionIndex();
  readonly #outlets = new Map<string, Outlet>();
  /** Those with something to tell, in the order in which they came. */
  readonly #ready = new Set<Outlet>();
  readonly #runs = new Set<Promise<void>>();
  readonly #listeners = new DisposableStack();
  readonly #alarm: Alarm;
  #state: 'waiting' | 'running' | 'stopped' = 'waiting';

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#teller = new Teller(options);
    this.#alarm = new Alarm(options.clock, { name: 'notifications', phase: 'exchange' }, () => this.#retry());
  }

  /** Takes up the subscriptions that are kept. What changes from now on is told once time has begun. */
  start(): void {
    const { store, records, registry, readings } = this.#options;
    for (const list of store.lists().filter(isSubscriptionList)) {
      for (const resource of store.items(list)) this.#index.add(subscribedOf(resource));
    }
    this.#listeners.use(store.onChange((change) => this.#onChange(change)));
    this.#listeners.use(readings.onPosted((posting) => this.#onPosted(posting)));
    this.#listeners.use(records.onChange((change) => this.#onRecordChange(change)));
    this.#listeners.use(registry.onChange((change) => this.#onDeviceChange(change)));
  }

  /** Time has begun. */
  begin(): void {
    this.#state = 'running';
    this.#enqueue(this.#index.all());
  }

  /** Resolves when nobody is being told; who was not reached may still wait for his next time. */
  async idle(): Promise<void> {
    while (this.#runs.size > 0) await Promise.all(this.#runs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#state = 'stopped';
    this.#listeners.dispose();
    this.#alarm[Symbol.dispose]();
    await this.#teller[Symbol.asyncDispose]();
    await this.idle();
  }

  #onChange({ href, list, kind }: ResourceChange): void {
    if (isSubscriptionList(list)) this.#onSubscription(href);
    this.#enqueue(kind === 'removed' ? this.#index.toAllOf(href) : this.#index.toResource(href));
    // An event that changes lets others of its list begin or end, and a list that is computed changes with its items.
    this.#enqueue(this.#index.toItemsOf(list ?? href));
    // Who sees a change in the list of EndDevices, the registry tells.
    if (list !== undefined && list !== '/edev') this.#enqueue(this.#index.toResource(list));
    if (list === '/mup') this.#onMirror(`/upt/${href.slice(list.length + 1)}`, kind);
    const tariff = /^\/tp\/[^/]+(?=\/rc\/)/.exec(href)?.[0];
    if (tariff !== undefined) this.#enqueue(this.#index.toResource(`${tariff}/ctti`));
  }

  /** What a device mirrors is shown as a UsagePoint. */
  #onMirror(usagePoint: string, kind: ResourceChange['kind']): void {
    this.#enqueue(this.#index.toResource('/upt'));
    const isRemoved = kind === 'removed';
    this.#enqueue(isRemoved ? this.#index.toAllOf(usagePoint) : this.#index.toResource(`${usagePoint}/mr`));
  }

  #onPosted({ mirrorPointId, rows }: Posting): void {
    if (this.#index.isEmpty) return;
    const meterReadings = `/upt/${mirrorPointId}/mr`;
    const changed = new Set([meterReadings]);
    for (const { channelId, periodStart } of rows) {
      const meterReading = `${meterReadings}/${channelId}`;
      const sets = `${meterReading}/rs`;
      for (const href of [`${meterReading}/r`, sets, `${sets}/${dayOf(periodStart)}/r`]) changed.add(href);
    }
    for (const href of changed) this.#enqueue(this.#index.toResource(href));
  }

  #onSubscription(href: string): void {
    const known = this.#index.get(href);
    const resource = this.#options.store.get(href);
    if (resource === undefined) {
      if (known !== undefined) this.#onRemoved(known);
      return;
    }
    if (known !== undefined && this.#renewed(known, resource.document as Subscription)) return;
    if (known !== undefined) this.#index.remove(known);
    const subscribed = subscribedOf(resource);
    this.#index.add(subscribed);
    this.#teller.takeNote(subscribed).catch((error: unknown) => {
      // He will be told once more than he needs.
      this.#options.log.info({ href, reason: reasonOf(error) }, 'what a subscriber sees cannot be told yet');
    });
  }

  /** A subscription that is renewed goes on; who renews it can be reached again. */
  #renewed(known: Subscribed, renewed: Subscription): boolean {
    if (known.subscription.subscribedResource !== renewed.subscribedResource) return false;
    const outlet = this.#outlets.get(subscriberOf(known));
    const waited = outlet?.drop(known) ?? false;
    known.subscription = renewed;
    if (waited) this.#enqueue([known]);
    if (outlet === undefined) return true;
    outlet.retryAt = undefined;
    this.#makeReady(outlet);
    return true;
  }

  /** Its subscriber has ended it himself, unless it was ended for him or he is a device no more. */
  #onRemoved(known: Subscribed): void {
    this.#index.remove(known);
    if (known.ending !== undefined) return;
    if (this.#options.registry.byId(known.viewer) !== undefined) {
      this.#outlets.get(subscriberOf(known))?.drop(known);
      return;
    }
    known.ending = { status: NotificationStatus.cancelled };
    this.#enqueue([known]);
  }

  #onRecordChange({ kind, before, after }: RecordChange): void {
    // No resource shows them.
    if (kind === 'authority') return;
    if (kind !== 'assignment') {
      this.#enqueue(this.#index.all());
      return;
    }
    for (const device of new Set([...(before?.devices ?? []), ...(after?.devices ?? [])])) {
      this.#enqueueViewers(device, this.#options.registry.byId(device)?.aggregator);
    }
  }

  #onDeviceChange({ device, before, kind }: DeviceChange): void {
    const isRefused = !takesPart(device);
    if (kind === 'removed' && !isRefused) this.#teller.rememberRemoved(device.id, device.lfdi);
    this.#teller.endRefused();
    this.#enqueueViewers(device.id, device.aggregator, before?.aggregator);
  }

  #enqueueViewers(...viewers: readonly (number | undefined)[]): void {
    for (const viewer of new Set(viewers)) {
      if (viewer !== undefined) this.#enqueue(this.#index.ofViewer(viewer));
    }
  }

  #enqueue(affected: Iterable<Subscribed>): void {
    for (const subscribed of affected) {
      const subscriber = subscriberOf(subscribed);
      const outlet =
        this.#outlets.get(subscriber) ?? new Outlet(subscriber, subscribed.viewer, (one) => this.#teller.tell(one));
      this.#outlets.set(subscriber, outlet);
      outlet.add(subscribed);
      this.#makeReady(outlet);
    }
  }

  #makeReady(outlet: Outlet): void {
    this.#ready.add(outlet);
    this.#turn();
  }

  /** Lets as many subscribers be told as may be at one time. */
  #turn(): void {
    if (this.#state !== 'running') return;
    for (const outlet of this.#ready) {
      if (this.#runs.size >= maxRunning) return;
      if (outlet.isRunning) continue;
      this.#ready.delete(outlet);
      if (outlet.retryAt === undefined) this.#start(outlet);
    }
  }

  #start(outlet: Outlet): void {
    outlet.isRunning = true;
    const run = this.#run(outlet).finally(() => {
      outlet.isRunning = false;
      this.#runs.delete(run);
      if (outlet.isEmpty) {
        this.#outlets.delete(outlet.subscriber);
        this.#teller.forgetRemoved(outlet.viewer);
      }
      this.#turn();
    });
    this.#runs.add(run);
  }

  async #run(outlet: Outlet): Promise<void> {
    // What changes together is told together.
    await Promise.resolve();
    const { clock, log } = this.#options;
    const error = await outlet.run(() => clock.now());
    const { failing } = outlet;
    if (error === undefined || failing === undefined || this.#state === 'stopped') return;
    const facts = { subscriber: outlet.subscriber, code: error.code, reason: error.message };
    if (isGivenUp(failing, clock.now())) {
      log.warn(facts, 'a subscriber was not reached for days; his subscriptions are removed');
      await this.#giveUp(outlet);
      return;
    }
    if (failing.times === 1) log.warn(facts, 'a notification did not arrive; it is sent again');
    this.#plan();
  }

  async #giveUp(outlet: Outlet): Promise<void> {
    const own = [...this.#index.ofViewer(outlet.viewer)].filter((one) => subscriberOf(one) === outlet.subscriber);
    outlet.clear();
    for (const subscribed of own) {
      subscribed.ending = { status: NotificationStatus.cancelled };
      try {
        await this.#options.store.remove(subscribed.href);
      } catch (error) {
        this.#options.log.warn({ href: subscribed.href, reason: reasonOf(error) }, 'a subscription is still kept');
      }
    }
  }

  #plan(): void {
    const times = [...this.#outlets.values()].map(({ retryAt }) => retryAt).filter((at) => at !== undefined);
    this.#alarm.set(times.length === 0 ? undefined : times.reduce((a, b) => (a < b ? a : b)));
  }

  #retry(): void {
    const now = this.#options.clock.now();
    for (const outlet of this.#outlets.values()) {
      if (outlet.retryAt === undefined || outlet.retryAt > now) continue;
      outlet.retryAt = undefined;
      this.#makeReady(outlet);
    }
    this.#plan();
  }
}
