import type { UnixSeconds } from '#hal/units.ts';
import { type KnownEvents, nothingKnown, type Seen, step } from '#ieee2030_5/events/life.ts';
import type { DERModes } from '#ieee2030_5/events/modes.ts';
import { drawsOf } from '#ieee2030_5/events/period.ts';
import { nextChange, type Schedule } from '#ieee2030_5/events/schedule.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import type { ResponseOrder, ResponseQueue } from './response-queue.ts';
import type { EventFamily, ProgramKind } from './utility-view.ts';

/** What a device says of events that it does not follow, by mRID (32 lower-case hexadecimal digits). */
export interface Participation {
  /** Events that its owner has opted out of. */
  readonly optedOut: ReadonlySet<string>;
  /** Events that it cannot follow: the mode is not supported, or the values make no sense. */
  readonly rejected: NonNullable<Seen<object>['rejected']>;
}

export const fullParticipation: Participation = { optedOut: new Set(), rejected: new Map() };

/** What is seen of a device's programs, and the kinds of which there may be more. */
export interface FamiliesSeen {
  readonly families: readonly EventFamily[];
  readonly unread: ReadonlySet<ProgramKind>;
}

/** Seconds that events of a family are remembered after it has gone: it may come back. */
const rememberedSeconds = 86_400;

const isLongOver = ({ events }: KnownEvents, now: UnixSeconds): boolean =>
  events.every(({ state }) => state.at === 'ended' && state.since + rememberedSeconds < now);

/**
 * The life of one device's events: steps each family of programs, and queues the responses that follow. What is
 * remembered of an event is written together with them.
 */
export class EventLife {
  #device: Lfdi;
  readonly #server: string;
  readonly #queue: Pick<ResponseQueue, 'enqueue'>;
  readonly #known = new Map<EventFamily['key'], KnownEvents>();
  readonly #draw: Seen<object>['draw'];
  readonly #roots = new Map<EventFamily['key'], EventFamily['response']>();
  #schedule: Schedule<DERModes> | undefined;

  /**
   * `memory` is what was kept under the names that this class wrote. `drawnBy`: who randomised times are drawn for; it
   * outlives a certificate.
   */
  constructor(
    device: Lfdi,
    server: string,
    queue: Pick<ResponseQueue, 'enqueue'>,
    memory: ReadonlyMap<string, string>,
    drawnBy: string = device,
  ) {
    this.#device = device;
    this.#server = server;
    this.#queue = queue;
    this.#draw = drawsOf(drawnBy);
    for (const [name, value] of memory) {
      if (!name.startsWith(this.#prefix)) continue;
      const { root, known } = JSON.parse(value) as { root: EventFamily['response']; known: KnownEvents };
      const key = name.slice(this.#prefix.length) as EventFamily['key'];
      this.#known.set(key, known);
      this.#roots.set(key, root);
    }
  }

  /** The device has another certificate, and its memory in the file is under the new name. */
  rename(device: Lfdi): void {
    this.#device = device;
  }

  /** What holds for the DER now and later; `undefined` before the first step. */
  get schedule(): Schedule<DERModes> | undefined {
    return this.#schedule;
  }

  /**
   * One step at the server's time `now`. Resolves when memory and responses are safe: `next` is the instant at which
   * a step is due again, server time; `isMoved` whether an event has begun, ended or changed.
   */
  async step(
    seen: FamiliesSeen,
    participation: Participation,
    now: UnixSeconds,
  ): Promise<{ readonly next: number | undefined; readonly isMoved: boolean }> {
    const memory = new Map<string, string | undefined>();
    const orders: ResponseOrder[] = [];
    const moved = new Map<EventFamily['key'], KnownEvents>();
    let next: number | undefined;
    let der: Schedule<DERModes> | undefined;
    for (const { key, response, programs, isGone } of this.#all(seen)) {
      const before = this.#known.get(key) ?? nothingKnown;
      const look = { server: this.#server, programs, draw: this.#draw, ...participation };
      const { known, due, schedule } = step(before, look, now);
      if (key === 'der') der = schedule;
      const change = nextChange(schedule, now);
      if (change !== undefined && (next === undefined || change < next)) next = change;
      if (due.length > 0) orders.push({ device: this.#device, root: response, due });
      const isForgotten = isGone && isLongOver(known, now);
      if ((known !== before && JSON.stringify(known) !== JSON.stringify(before)) || isForgotten) {
        memory.set(this.#prefix + key, isForgotten ? undefined : JSON.stringify({ root: response, known }));
        moved.set(key, known);
        this.#roots.set(key, response);
      }
    }
    // What holds is not held up by a disk that is full.
    this.#schedule = der ?? this.#schedule;
    if (memory.size > 0 || orders.length > 0) await this.#queue.enqueue(memory, orders);
    for (const [key, known] of moved) {
      if (memory.get(this.#prefix + key) === undefined) this.#known.delete(key);
      else this.#known.set(key, known);
    }
    return { next, isMoved: moved.size > 0 };
  }

  get #prefix(): string {
    return `events/${this.#device}/`;
  }

  /**
   * The families, and those that are gone but whose events are remembered. Of kinds that could not be read whole,
   * what goes on and is not shown waits: it may be in what was not read.
   */
  #all({ families, unread }: FamiliesSeen): readonly (EventFamily & { readonly isGone: boolean })[] {
    const isHeld = (key: EventFamily['key'], programs: EventFamily['programs']): boolean => {
      if (!unread.has(key.split('/')[0] as ProgramKind)) return false;
      const shown = new Set(programs.map(({ mRID }) => mRID));
      const events = this.#known.get(key)?.events ?? [];
      return events.some(({ state, program }) => state.at !== 'ended' && !shown.has(program));
    };
    const keys = new Set<string>(families.map(({ key }) => key));
    const gone = [...this.#known.keys()].filter((key) => !keys.has(key));
    return [
      ...families.map((family) => ({ ...family, isGone: false })),
      ...gone.map((key) => ({
        key,
        response: this.#roots.get(key) ?? ('DERControlResponse' as const),
        programs: [],
        isGone: true,
      })),
    ].filter(({ key, programs }) => !isHeld(key, programs));
  }
}
