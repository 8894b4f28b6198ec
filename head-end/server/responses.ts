import { GridError } from '#hal/errors.ts';
import { ResponseStatus2018 } from '#ieee2030_5/enumerations.ts';
import { ResponseStatus2023 } from '#ieee2030_5/events/responses.ts';
import { formatLfdi, formatMrid, mridOf } from '#ieee2030_5/identity.ts';
import type { Event, Response, RootName, Roots } from '#ieee2030_5/types.generated.ts';
import type { MarketDesk } from '../market/desk.ts';
import type { Device } from '../registry/devices.ts';
import { type AssignableList, assignable, type Assignments } from './assignments.ts';
import { isEvent } from './event-states.ts';
import type { ResourceStore, StoredResource } from './resource-store.ts';

/** Of one device; the oldest give way. */
const keptPerDevice = 1_000;
/** Events that were removed, and that a device may still answer to. */
const keptRemovedEvents = 10_000;

export const responseNames = [
  'Response',
  'DERControlResponse',
  'DrResponse',
  'FlowReservationResponseResponse',
  'PriceResponse',
  'TextResponse',
] as const satisfies readonly RootName[];
export type ResponseName = (typeof responseNames)[number];

const statuses = new Set<number>([...Object.values(ResponseStatus2018), ...Object.values(ResponseStatus2023)]);

/** Where the events of a program stand. */
const eventLists: Readonly<Record<AssignableList, (store: ResourceStore, program: string) => string[]>> = {
  '/derp': (_, program) => [`${program}/derc`],
  '/dr': (_, program) => [`${program}/edc`],
  '/msg': (_, program) => [`${program}/txt`],
  '/tp': (store, program) => store.items(`${program}/rc`).map(({ href }) => `${href}/tti`),
};

export interface ResponsesOptions {
  readonly store: ResourceStore;
  readonly assignments: Assignments;
  readonly desk: MarketDesk;
}

const refuse = (message: string, hint: string): GridError => new GridError('GTX-RSP-001', message, { hint });

/** What devices answered to events (IEEE 2030.5-2018 §10.2.3.3), device by device. */
export class Responses {
  readonly #store: ResourceStore;
  readonly #assignments: Assignments;
  readonly #desk: MarketDesk;
  /** By device, in the order in which they came. */
  readonly #byDevice = new Map<number, Map<string, StoredResource>>();
  /** The list that each removed event stood in, by mRID; the oldest give way. */
  readonly #removed = new Map<string, string>();

  constructor({ store, assignments, desk }: ResponsesOptions) {
    this.#store = store;
    this.#assignments = assignments;
    this.#desk = desk;
    store.onChange(({ href, kind, before }) => {
      if (kind === 'removed' && before !== undefined) this.#forget(before);
      const now = kind === 'added' ? store.get(href) : undefined;
      if (now !== undefined) this.#remember(now);
    });
  }

  /** Takes up what the store has loaded. */
  start(list: string): void {
    for (const resource of this.#store.asTheyCame(list)) this.#remember(resource);
  }

  /** A device's responses, in the order in which they came. */
  of(device: number): readonly StoredResource[] {
    return [...(this.#byDevice.get(device)?.values() ?? [])];
  }

  /**
   * Stores a response of one of some devices; one that is there already is not stored again. Answers its href.
   * Rejects with `GTX-RSP-001` when it is not of these devices, to no event that its device sees, or says nothing
   * that the standard knows.
   */
  async add<N extends ResponseName>(
    list: string,
    name: N,
    response: Roots[N],
    devices: readonly Device[],
  ): Promise<string> {
    const device = this.#check(response, devices);
    const own = this.of(device.id);
    const known = own.find((resource) => isSame(resource.document as Response, response));
    if (known !== undefined) return known.href;
    const [oldest] = own;
    if (own.length >= keptPerDevice && oldest !== undefined) await this.#store.remove(oldest.href);
    return (await this.#store.add(list, name, response, { owner: device.id })).href;
  }

  #check({ endDeviceLFDI, status, subject }: Response, devices: readonly Device[]): Device {
    const lfdi = formatLfdi(endDeviceLFDI);
    const device = devices.find((one) => one.lfdi === lfdi);
    if (device === undefined) throw refuse(`The Response is of ${lfdi}`, 'A device answers for itself.');
    if (status === undefined || !statuses.has(status)) {
      throw refuse(`A Response has no status ${status}`, 'IEEE 2030.5-2018 Table 27 has the codes.');
    }
    if (!this.#sees(device, formatMrid(subject))) {
      throw refuse(`${device.meterId} sees no event ${formatMrid(subject)}`, "subject is the event's mRID.");
    }
    return device;
  }

  #sees(device: Device, mRID: string): boolean {
    for (const list of Object.keys(assignable) as AssignableList[]) {
      for (const program of this.#assignments.itemsOf([device.id], list)) {
        const lists = eventLists[list](this.#store, program.href);
        const removedFrom = this.#removed.get(mRID);
        if (removedFrom !== undefined && lists.includes(removedFrom)) return true;
        for (const events of lists) {
          if (this.#store.items(events).some(({ document }) => formatMrid((document as Event).mRID) === mRID))
            return true;
        }
      }
    }
    return this.#desk
      .allocationsOf(device.meterId)
      .some((allocation) => formatMrid(mridOf(`response/${allocation.mRID}`)) === mRID);
  }

  #remember(resource: StoredResource): void {
    const { owner, href, name } = resource;
    if (owner === undefined || !(responseNames as readonly string[]).includes(name)) return;
    const own = this.#byDevice.get(owner) ?? new Map<string, StoredResource>();
    this.#byDevice.set(owner, own);
    own.set(href, resource);
  }

  #forget(resource: StoredResource): void {
    const { owner, href, list } = resource;
    if (owner !== undefined) this.#byDevice.get(owner)?.delete(href);
    if (!isEvent(resource) || list === undefined) return;
    this.#removed.set(formatMrid((resource.document as Event).mRID), list);
    const [oldest] = this.#removed.keys();
    if (this.#removed.size > keptRemovedEvents && oldest !== undefined) this.#removed.delete(oldest);
  }
}

const isSame = (a: Response, b: Response): boolean =>
  a.status === b.status &&
  a.createdDateTime === b.createdDateTime &&
  Buffer.compare(a.subject, b.subject) === 0 &&
  Buffer.compare(a.endDeviceLFDI, b.endDeviceLFDI) === 0;
