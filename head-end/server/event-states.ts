import { UnixSeconds } from '#hal/units.ts';
import { EventCurrentStatus } from '#ieee2030_5/enumerations.ts';
import { eventStatuses } from '#ieee2030_5/events/event-status.ts';
import { derProgram, loadControlProgram, messageProgram, priceProgram } from '#ieee2030_5/events/modes.ts';
import { toSeconds, widestPeriod } from '#ieee2030_5/events/period.ts';
import { formatMrid } from '#ieee2030_5/identity.ts';
import type {
  DERControl,
  EndDeviceControl,
  Event,
  EventStatus,
  RandomizableEvent,
  TextMessage,
  TimeTariffInterval,
} from '#ieee2030_5/types.generated.ts';
import type { ResourceStore, StoredResource } from './resource-store.ts';

/** A program, or what stands for one, by the rules of its events. */
interface Program {
  readonly mRID: Uint8Array;
  readonly primacy: number;
}

type Rules = (program: Program, events: readonly never[], now: UnixSeconds) => ReadonlyMap<string, EventStatus>;

const rules: Readonly<Record<string, Rules>> = {
  DERControl: (program, events: readonly DERControl[], now) => eventStatuses([derProgram(program, events)], now),
  EndDeviceControl: (program, events: readonly EndDeviceControl[], now) =>
    eventStatuses([loadControlProgram(program, events)], now),
  TimeTariffInterval: (program, events: readonly TimeTariffInterval[], now) =>
    eventStatuses([priceProgram(program, events)], now),
  TextMessage: (program, events: readonly TextMessage[], now) => eventStatuses([messageProgram(program, events)], now),
};

export const isEvent = ({ name }: { readonly name: string }): boolean => Object.hasOwn(rules, name);

/** The end of an event for the last device: from then on it does not stand in its list any more. */
export const endOf = (event: Event): UnixSeconds => widestPeriod(event).until;

/** An event that is over stands in no list, but may be read and answered to for so long; seconds. */
const keptAfterEnd = 86_400;

interface Statuses {
  /** The items that they are of: the store makes a new array of them with every change of the list. */
  readonly items: readonly StoredResource[];
  readonly now: UnixSeconds;
  readonly byMrid: ReadonlyMap<string, EventStatus>;
}

/** Lists whose statuses are remembered for the second. */
const rememberedLists = 1_000;

/** The EventStatus of every stored event at the clock, made once a list, change and second. */
export class EventStates {
  readonly #store: ResourceStore;
  readonly #now: () => UnixSeconds;
  readonly #lists = new Map<string, Statuses>();

  constructor(store: ResourceStore, now: () => UnixSeconds) {
    this.#store = store;
    this.#now = now;
  }

  /** The status of an event of a list; as it is stored, where the rules say nothing of it. */
  statusOf(resource: StoredResource): EventStatus {
    const event = resource.document as Event;
    const known = resource.list === undefined ? undefined : this.#of(resource.list, resource.name);
    return known?.get(formatMrid(event.mRID)) ?? event.EventStatus;
  }

  /** The events of a list that are not over for every device. */
  present(list: string): readonly StoredResource[] {
    const now = this.#now();
    return this.#store.items(list).filter(({ document }) => endOf(document as Event) > now);
  }

  /** The events of a list that are active. */
  active(list: string): readonly StoredResource[] {
    return this.present(list).filter((item) => this.statusOf(item).currentStatus === active);
  }

  /** The events of a list that are superseded by others and not yet kept so, with the status that they have. */
  newlySuperseded(list: string): readonly (readonly [StoredResource, EventStatus])[] {
    return this.present(list).flatMap((item) => {
      const status = this.statusOf(item);
      const kept = (item.document as Event).EventStatus.currentStatus;
      return status.currentStatus === superseded && kept !== superseded ? [[item, status] as const] : [];
    });
  }

  /** The events of a list that have been over for so long that they need not be kept. */
  expired(list: string): readonly StoredResource[] {
    const now = this.#now();
    return this.#store.items(list).filter(({ document }) => endOf(document as Event) + keptAfterEnd <= now);
  }

  /** The next instant after now at which something about the events of the list may change by itself. */
  nextChange(list: string): UnixSeconds | undefined {
    const now = this.#now();
    let next: UnixSeconds | undefined;
    for (const { document } of this.#store.items(list)) {
      const event = document as RandomizableEvent;
      const { from, until } = widestPeriod(event);
      const created = toSeconds(event.creationTime);
      const expires = UnixSeconds(Math.max(until + keptAfterEnd, now + 1));
      for (const at of [from, until, created, expires]) if (at > now && (next === undefined || at < next)) next = at;
    }
    return next !== undefined && this.newlySuperseded(list).length > 0 ? UnixSeconds(now + 1) : next;
  }

  #of(list: string, name: string): ReadonlyMap<string, EventStatus> {
    const [items, now] = [this.#store.items(list), this.#now()];
    const known = this.#lists.get(list);
    if (known?.items === items && known.now === now) return known.byMrid;
    const events = items.map(({ document }) => document) as never[];
    const byMrid = rules[name]?.(this.#programOf(list), events, now) ?? new Map<string, EventStatus>();
    if (this.#lists.size >= rememberedLists) this.#lists.clear();
    this.#lists.set(list, { items, now, byMrid });
    return byMrid;
  }

  /** What holds the list: a program, or a RateComponent, which has no primacy among its own events. */
  #programOf(list: string): Program {
    const parent = this.#store.get(list.slice(0, list.lastIndexOf('/')))?.document as Partial<Program> | undefined;
    return { mRID: parent?.mRID ?? new Uint8Array(16), primacy: parent?.primacy ?? 0 };
  }
}

const { active, superseded } = EventCurrentStatus;

/** When an event of a list begins, as the list parameter `a` goes by it. */
export const startOf = (event: Event): UnixSeconds => toSeconds(event.interval.start);
