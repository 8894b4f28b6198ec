import type { Pool } from 'pg';
import type { Clock } from '#hal/clock.ts';
import { type Lfdi, mridOf, sfdiOf } from '#ieee2030_5/identity.ts';
import type { Subscription } from '#ieee2030_5/types.generated.ts';
import type { MarketDesk } from '../market/desk.ts';
import { ReadingHistory } from '../readings/reading-history.ts';
import type { ReadingStore } from '../readings/store.ts';
import type { DeviceChange, Registry } from '../registry/devices.ts';
import { type AssignableList, assignable, Assignments } from './assignments.ts';
import { Engine } from './engine.ts';
import { EventStates } from './event-states.ts';
import { EventTimer } from './event-timer.ts';
import { FileContents } from './file-contents.ts';
import { OperatorRecords, type RecordChange, type Redirect, type SepSettings } from './operator-records.ts';
import { pollKeyOf, type Presenter, responseList, responseSet } from './presenter.ts';
import { ReservationTimer } from './reservation-timer.ts';
import { Relations } from './relations.ts';
import type { ServedId } from './resource-rules.ts';
import { type ResourceChange, ResourceStore } from './resource-store.ts';
import { assignmentSources } from './resources/assignments.ts';
import { billingSources } from './resources/billing.ts';
import { derSources } from './resources/der.ts';
import { deviceDocumentSources } from './resources/device-documents.ts';
import { discoverySources } from './resources/discovery.ts';
import { endDeviceSources } from './resources/end-devices.ts';
import { fileSources } from './resources/files.ts';
import { flowReservationSources } from './resources/flow-reservations.ts';
import { mirrorSources } from './resources/mirror-usage-points.ts';
import { extensionResources } from './resources/offer-terms.ts';
import { programSources } from './resources/programs.ts';
import { responseSources } from './resources/responses.ts';
import { subscriptionSources, type Visible } from './resources/subscriptions.ts';
import { usagePointSources } from './resources/usage-points.ts';
import { Responses } from './responses.ts';
import type { OnPosted, SepServices } from './services.ts';
import { Settings } from './settings.ts';
import type { Source } from './source.ts';

export interface SepResourcesOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly readings: ReadingStore;
  readonly desk: MarketDesk;
  /** Of the server's own certificate. */
  readonly lfdi: Lfdi;
  readonly onPosted: OnPosted;
}

/** Everything that the IEEE 2030.5 server serves, put together; operators manage it through the same parts. */
export class SepResources implements Disposable {
  readonly store: ResourceStore;
  readonly records: OperatorRecords;
  readonly settings: Settings;
  readonly assignments: Assignments;
  readonly events: EventStates;
  readonly contents: FileContents;
  readonly responses: Responses;
  readonly engine: Engine;
  readonly #registry: Registry;
  readonly #readings: ReadingStore;
  readonly #clock: Clock;
  readonly #timer: EventTimer;
  readonly #reservations: ReservationTimer;
  #redirects: readonly Redirect[] = [];

  constructor(options: SepResourcesOptions) {
    const { pool, clock, registry, readings, desk, lfdi, onPosted } = options;
    const now = () => clock.now();
    this.#registry = registry;
    this.#readings = readings;
    this.#clock = clock;
    this.store = new ResourceStore({ pool, now });
    this.records = new OperatorRecords(pool);
    this.settings = new Settings(this.records);
    this.assignments = new Assignments(this.store, this.records);
    this.events = new EventStates(this.store, now);
    this.contents = new FileContents(pool);
    this.responses = new Responses({ store: this.store, assignments: this.assignments, desk });
    this.#timer = new EventTimer(clock, this.store, this.events);
    this.#reservations = new ReservationTimer({ clock, store: this.store, desk, registry });
    const services: SepServices = {
      clock,
      registry,
      readings,
      desk,
      onPosted,
      store: this.store,
      settings: this.settings,
      assignments: this.assignments,
      events: this.events,
      contents: this.contents,
      self: { lfdi, sfdi: sfdiOf(lfdi) },
      removeDevice: (id, removal) => this.removeDevice(id, removal),
    };
    this.engine = new Engine({
      settings: this.settings,
      events: this.events,
      relations: new Relations({ store: this.store, registry, readings, assignments: this.assignments }),
      sources: (presenter, visible) =>
        sourcesOf(services, presenter, visible, this.responses, new ReadingHistory(pool)),
      extensions: extensionResources(desk),
      redirects: () => this.#redirects,
    });
    this.store.onChange((change) => this.#onResourceChange(change));
    this.records.onChange((change) => this.#onRecordChange(change));
    registry.onChange((change) => this.#onDeviceChange(change));
  }

  /** Loads what is kept. */
  async start(): Promise<void> {
    await this.store.start();
    await this.records.start();
    this.#redirects = this.records.all('redirect').map(([, redirect]) => redirect);
    if (this.store.get(responseSet) === undefined) {
      await this.store.add('/rsps', 'ResponseSet', { mRID: mridOf('response-set') });
    }
    this.responses.start(responseList);
    // A crash may have come between a device's removal and that of its resources.
    for (const list of this.store.lists()) {
      const [, root, id] = list.split('/');
      if (root === 'edev' && id !== undefined && this.#registry.byId(Number(id)) === undefined) {
        await this.store.remove(`/edev/${id}`);
      }
    }
  }

  /** Time has begun: events begin and end by it. */
  begin(): void {
    this.#timer.start();
    this.#reservations.start();
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
    this.#reservations[Symbol.dispose]();
  }

  /** Removes a device and everything of it that is served; its readings stay. Answers whether there was one. */
  async removeDevice(id: number, { barred }: { readonly barred: boolean }): Promise<boolean> {
    const removed = await this.#registry.remove(id, { at: this.#clock.now(), barred });
    if (!removed) return false;
    this.#readings.forgetDevice(id);
    await this.assignments.forget(id);
    await this.store.remove(`/edev/${id}`);
    return true;
  }

  #onDeviceChange({ device, kind }: DeviceChange): void {
    this.store.announce({ href: `/edev/${device.id}`, list: '/edev', kind });
  }

  /** A program's change is a change of the lists that show it to devices. */
  #onResourceChange({ href, list }: ResourceChange): void {
    if (list === undefined || !Object.hasOwn(assignable, list)) return;
    const id = href.slice(list.length + 1);
    for (const assignment of this.assignments.naming(list as AssignableList, id)) {
      for (const device of assignment.devices) {
        this.store.announce({ href: `/edev/${device}/fsa/${assignment.id}${list}`, list: undefined, kind: 'changed' });
      }
    }
  }

  /** A resource whose poll rate is another one has changed, for those who subscribed to it. */
  #onSettingsChange(before: SepSettings | undefined, after: SepSettings | undefined): void {
    this.store.announce({ href: '/dcap', list: undefined, kind: 'changed' });
    const subscriptions = this.store.lists().filter((list) => list.endsWith('/sub'));
    const resources = new Set(
      subscriptions.flatMap((list) =>
        this.store.items(list).map(({ document }) => (document as Subscription).subscribedResource),
      ),
    );
    for (const href of resources) {
      const rule = this.engine.ruleOf(href);
      const key = rule === undefined ? '' : pollKeyOf(rule);
      if (before?.pollRate[key] === after?.pollRate[key]) continue;
      this.store.announce({ href, list: undefined, kind: 'changed' });
    }
  }

  #onRecordChange({ kind, id, before, after }: RecordChange): void {
    if (kind === 'redirect') this.#redirects = this.records.all('redirect').map(([, redirect]) => redirect);
    if (kind === 'settings') this.#onSettingsChange(before, after);
    if (kind !== 'assignment') return;
    for (const device of new Set([...(before?.devices ?? []), ...(after?.devices ?? [])])) {
      const list = `/edev/${device}/fsa`;
      const was = before?.devices.includes(device) === true;
      const is = after?.devices.includes(device) === true;
      const change = was ? (is ? 'changed' : 'removed') : 'added';
      this.store.announce({ href: `${list}/${id}`, list, kind: change });
      for (const below of Object.keys(assignable)) {
        this.store.announce({ href: `${list}/${id}${below}`, list: undefined, kind: change });
      }
    }
  }
}

/** Every resource of the table with where it comes from. */
function sourcesOf(
  services: SepServices,
  presenter: Presenter,
  visible: Visible,
  responses: Responses,
  history: ReadingHistory,
): Readonly<Record<ServedId, Source>> {
  const usagePoints = usagePointSources(services, history);
  return {
    ...discoverySources(services, presenter),
    ...endDeviceSources(services),
    ...deviceDocumentSources(services),
    ...assignmentSources(services, presenter),
    ...subscriptionSources(services, visible),
    ...flowReservationSources(services),
    ...derSources(services, usagePoints.ofDevice),
    ...programSources(services),
    ...billingSources(services),
    ...fileSources(services),
    ...usagePoints.sources,
    ...mirrorSources(services),
    ...responseSources(services, responses),
  };
}
