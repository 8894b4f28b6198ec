import type { Clock } from '#hal/clock.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { Event } from '#ieee2030_5/types.generated.ts';
import { Alarm } from './alarm.ts';
import { type EventStates, isEvent } from './event-states.ts';
import type { ResourceChange, ResourceStore } from './resource-store.ts';

/** The list of active events beside each list of events, by the last segment of their paths. */
const activeLists: Readonly<Record<string, string>> = { derc: 'actderc', edc: 'actedc', tti: 'acttti', txt: 'acttxt' };

/**
 * Tells of events that begin and end at the clock, though nobody touched them: their lists have changed. Keeps that
 * an event was superseded, so that it stays so though the other is removed, and removes events that are long over.
 */
export class EventTimer implements Disposable {
  readonly #store: ResourceStore;
  readonly #events: EventStates;
  /** The next change of each list that has one. */
  readonly #next = new Map<string, UnixSeconds>();
  readonly #listener: Disposable;
  readonly #alarm: Alarm;
  #hasStarted = false;

  constructor(clock: Clock, store: ResourceStore, events: EventStates) {
    this.#store = store;
    this.#events = events;
    this.#alarm = new Alarm(clock, { name: 'events', phase: 'open' }, (now) => this.#turn(now));
    this.#listener = store.onChange((change) => this.#onChange(change));
  }

  /** Takes up the events that are there. */
  start(): void {
    this.#hasStarted = true;
    for (const list of this.#store.lists()) if (isEventList(list)) this.#plan(list);
    this.#arm();
  }

  [Symbol.dispose](): void {
    this.#listener[Symbol.dispose]();
    this.#alarm[Symbol.dispose]();
  }

  #onChange({ href, list, before }: ResourceChange): void {
    const resource = before ?? this.#store.get(href);
    if (list === undefined || resource === undefined || !isEvent(resource)) return;
    this.#announce(list);
    this.#plan(list);
    this.#arm();
  }

  #plan(list: string): void {
    // Before it has begun, time stands at nothing that an event could be planned by.
    if (!this.#hasStarted) return;
    const next = this.#events.nextChange(list);
    if (next === undefined) this.#next.delete(list);
    else this.#next.set(list, next);
  }

  #arm(): void {
    const times = [...this.#next.values()];
    this.#alarm.set(times.length === 0 ? undefined : times.reduce((a, b) => (a < b ? a : b)));
  }

  async #turn(now: UnixSeconds): Promise<void> {
    const due = [...this.#next].filter(([, at]) => at <= now).map(([list]) => list);
    for (const list of due) {
      this.#store.announce({ href: list, list: undefined, kind: 'changed' });
      this.#announce(list);
      await this.#keep(list);
      this.#plan(list);
    }
    this.#arm();
  }

  async #keep(list: string): Promise<void> {
    for (const [{ href, name, document }, EventStatus] of this.#events.newlySuperseded(list)) {
      await this.#store.put(href, name, { ...(document as Event), EventStatus });
    }
    for (const { href } of this.#events.expired(list)) await this.#store.remove(href);
  }

  #announce(list: string): void {
    const slash = list.lastIndexOf('/');
    const segment = activeLists[list.slice(slash + 1)];
    if (segment === undefined) return;
    this.#store.announce({ href: `${list.slice(0, slash + 1)}${segment}`, list: undefined, kind: 'changed' });
  }
}

const isEventList = (list: string): boolean => Object.hasOwn(activeLists, list.slice(list.lastIndexOf('/') + 1));
