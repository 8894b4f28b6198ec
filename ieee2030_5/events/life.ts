import type { UnixSeconds } from '#hal/units.ts';
import { formatMrid } from '../identity.ts';
import type { Draw } from './period.ts';
import type { EventProgram, EventSource, Outcome, ProgramEvent } from './program.ts';
import { type FinalResponse, isRequired, type ResponseName } from './responses.ts';
import { type Schedule, schedule } from './schedule.ts';
import { byPriority } from './supersede.ts';

/** Ended events that are no longer listed are remembered up to this many; the one that ended first is forgotten. */
export const remembered = 1_000;

/** What a client remembers of an event. Plain JSON values, so that it survives a restart. */
export interface KnownEvent {
  readonly mRID: string;
  /** mRID of its program. */
  readonly program: string;
  readonly replyTo?: string | undefined;
  /** The bits of responseRequired. */
  readonly responseRequired: number;
  /** Effective start and end, seconds. */
  readonly from: number;
  readonly until: number;
  /** Modes that it has lost to other events and does not get back. */
  readonly lost: readonly string[];
  readonly participation: 'in' | 'out' | 'in again';
  readonly state:
    | { readonly at: 'scheduled' }
    | { readonly at: 'active' }
    | { readonly at: 'ended'; readonly final: FinalResponse; readonly since: number };
}

/** A client's memory of events; `nothingKnown` is that of a new client. */
export interface KnownEvents {
  /** Which server the events are from, as the caller names servers. */
  readonly server: string;
  readonly events: readonly KnownEvent[];
}

export const nothingKnown: KnownEvents = { server: '', events: [] };

/** What a client sees. */
export interface Seen<Modes extends object> {
  /** A name of the server: another one means that the client has changed servers. */
  readonly server: string;
  /**
   * All programs that the device is assigned to, each with its complete list. While the server is out of reach or a
   * list is half read, pass what was seen before.
   */
  readonly programs: readonly EventProgram<Modes>[];
  readonly draw: (mRID: string) => Draw;
  /** Events (mRID) that the device cannot follow, and why. */
  readonly rejected?: ReadonlyMap<string, 'rejectedNotApplicable' | 'rejectedInvalid'> | undefined;
  /** Events (mRID) that the user has opted out of for the present. */
  readonly optedOut?: ReadonlySet<string> | undefined;
}

/** A response to post. */
export interface DueResponse {
  /** mRID of the event: Response.subject. */
  readonly subject: string;
  readonly program: string;
  readonly replyTo: string | undefined;
  readonly response: ResponseName;
  /** Response.createdDateTime, server time. */
  readonly at: UnixSeconds;
}

export interface Step<Modes extends object> {
  readonly known: KnownEvents;
  /** In the order in which to post them. */
  readonly due: readonly DueResponse[];
  /** What holds now and later; events that are over for this client are not in it. */
  readonly schedule: Schedule<Modes>;
}

type Entry<Modes extends object> = ProgramEvent<Modes> & { readonly source: EventSource };
type Raise = (event: KnownEvent, response: ResponseName) => void;

/**
 * The client's life of its events, one step: to be taken whenever something new is seen, and at `nextChange` of the
 * schedule. Each event gets one “received”, at most one “started” and exactly one final response, whatever the order
 * of arrivals, lists that change, events that vanish or come back, and time that jumps (IEEE 2030.5-2018 §10.2.3.3,
 * Table 27). An event that vanishes from its list before its end counts as cancelled; with its program, or with its
 * server, as aborted. One that passed by while no step was taken ends in “no participation”.
 */
export function step<Modes extends object>(known: KnownEvents, seen: Seen<Modes>, now: UnixSeconds): Step<Modes> {
  const raised: { readonly event: KnownEvent; readonly response: ResponseName }[] = [];
  const raise: Raise = (event, response) => raised.push({ event, response });

  const entries = byPriority(seen.programs);
  const asListed = schedule(seen.programs, { now, draw: seen.draw });
  const isIdle = entries.length === 0 && known.events.length === 0 && known.server === seen.server;
  if (isIdle) return { known, due: [], schedule: asListed };
  const memory = new Map(known.events.map((event) => [event.mRID, event]));
  for (const entry of entries) {
    const outcome = asListed.outcomes.get(entry.source.mRID);
    if (outcome !== undefined) memory.set(entry.source.mRID, admit(entry, outcome, memory, seen, now, raise));
  }

  const plan = schedule(remaining(seen.programs, memory), { now, draw: seen.draw });
  const listed = new Map(entries.map((entry) => [entry.source.mRID, entry]));
  const events = [...memory.values()].map((event) => {
    const entry = listed.get(event.mRID);
    const outcome = plan.outcomes.get(event.mRID);
    if (event.state.at === 'ended') return event;
    if (entry === undefined || outcome === undefined) return vanished(event, known.server, seen, now, raise);
    return advance(event, entry, outcome, now, raise);
  });

  return {
    known: { server: seen.server, events: bounded(events, listed) },
    due: inOrder(raised).map(({ event, response }) => {
      const { mRID: subject, program, replyTo } = event;
      return { subject, program, replyTo, response, at: now };
    }),
    schedule: plan,
  };
}

/** An event as its list has it now; on first sight it is received, or refused. */
function admit<Modes extends object>(
  entry: Entry<Modes>,
  { from, until, cut }: Outcome,
  memory: ReadonlyMap<string, KnownEvent>,
  seen: Seen<Modes>,
  now: UnixSeconds,
  raise: Raise,
): KnownEvent {
  const { event, source } = entry;
  const before = memory.get(source.mRID);
  const current: KnownEvent = {
    lost: [],
    participation: 'in',
    state: { at: 'scheduled' },
    ...before,
    mRID: source.mRID,
    program: source.program,
    replyTo: event.replyTo,
    responseRequired: event.responseRequired?.at(-1) ?? 0,
    from,
    until,
  };
  if (before === undefined) raise(current, 'received');
  if (current.state.at === 'ended') return current;
  const refusal = seen.rejected?.get(source.mRID);
  if (refusal !== undefined) return end(current, refusal, now, raise);
  const isOver = until <= now && cut === undefined;
  if (before === undefined && isOver) return end(current, 'rejectedLate', now, raise);
  return choose(current, seen.optedOut?.has(source.mRID) === true, raise);
}

function choose(event: KnownEvent, out: boolean, raise: Raise): KnownEvent {
  if (out === (event.participation === 'out')) return event;
  const next: KnownEvent = { ...event, participation: out ? 'out' : 'in again' };
  raise(next, out ? 'optOut' : 'optIn');
  return next;
}

/**
 * The programs as they still bind the device: without what is over for it, and without the modes that an event has
 * lost. What the user opted out of sets nothing, and still runs its time.
 */
function remaining<Modes extends object>(
  programs: readonly EventProgram<Modes>[],
  memory: ReadonlyMap<string, KnownEvent>,
): EventProgram<Modes>[] {
  return programs.map((program) => ({
    ...program,
    events: program.events.flatMap((entry): ProgramEvent<Modes>[] => {
      const event = memory.get(formatMrid(entry.event.mRID));
      if (event === undefined || event.state.at === 'ended') return [];
      if (event.participation === 'out') return [{ ...entry, modes: {} as Partial<Modes> }];
      const modes = Object.entries(entry.modes).filter(([mode]) => !event.lost.includes(mode));
      return [{ ...entry, modes: Object.fromEntries(modes) as Partial<Modes> }];
    }),
  }));
}

function hasLostAll<Modes extends object>({ modes }: ProgramEvent<Modes>, lost: readonly string[]): boolean {
  const names = Object.keys(modes);
  return names.length > 0 && names.every((mode) => lost.includes(mode));
}

function advance<Modes extends object>(
  before: KnownEvent,
  entry: Entry<Modes>,
  { from, until, lost, cut }: Outcome,
  now: UnixSeconds,
  raise: Raise,
): KnownEvent {
  const newlyLost = lost.filter(({ at }) => at <= now).map(({ mode }) => mode);
  const event: KnownEvent = { ...before, from, until, lost: [...before.lost, ...newlyLost] };
  // The server's word goes before our own reckoning of who supersedes whom.
  if (cut !== undefined && cut.at <= now) return end(event, cut.status, now, raise);
  if (hasLostAll(entry, event.lost)) return end(event, 'superseded', now, raise);
  if (until <= now) return end(event, completion(event), now, raise);
  if (from > now || event.participation === 'out' || event.state.at === 'active') return event;
  raise(event, 'started');
  return { ...event, state: { at: 'active' } };
}

function vanished<Modes extends object>(
  event: KnownEvent,
  server: string,
  seen: Seen<Modes>,
  now: UnixSeconds,
  raise: Raise,
): KnownEvent {
  if (event.until <= now) return end(event, completion(event), now, raise);
  if (server !== seen.server) return end(event, 'abortedAlternateServer', now, raise);
  const hasProgram = seen.programs.some(({ mRID }) => mRID === event.program);
  return end(event, hasProgram ? 'cancelled' : 'abortedAlternateProgram', now, raise);
}

function completion({ state, participation }: KnownEvent): FinalResponse {
  if (state.at === 'scheduled') return 'noParticipation';
  if (participation === 'in') return 'completed';
  return participation === 'out' ? 'partialOptOut' : 'partialOptIn';
}

function end(event: KnownEvent, final: FinalResponse, now: UnixSeconds, raise: Raise): KnownEvent {
  raise(event, final);
  return { ...event, state: { at: 'ended', final, since: now } };
}

/** What ends goes before what starts in its place. */
const ranks: Partial<Record<ResponseName, number>> = { received: 0, optOut: 1, optIn: 1, started: 3 };
const rank = (response: ResponseName): number => ranks[response] ?? 2;

function inOrder<Raised extends { readonly event: KnownEvent; readonly response: ResponseName }>(
  raised: readonly Raised[],
): Raised[] {
  return raised
    .filter(({ event, response }) => isRequired(response, event.responseRequired))
    .toSorted((a, b) => rank(a.response) - rank(b.response) || (a.event.mRID < b.event.mRID ? -1 : 1));
}

function bounded(events: readonly KnownEvent[], listed: ReadonlyMap<string, unknown>): KnownEvent[] {
  const over = events.flatMap((event) =>
    event.state.at === 'ended' && !listed.has(event.mRID) ? [{ mRID: event.mRID, since: event.state.since }] : [],
  );
  const forgotten = over.toSorted((a, b) => b.since - a.since).slice(remembered);
  const names = new Set(forgotten.map(({ mRID }) => mRID));
  return events.filter(({ mRID }) => !names.has(mRID)).toSorted((a, b) => (a.mRID < b.mRID ? -1 : 1));
}
