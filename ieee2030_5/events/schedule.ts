import type { UnixSeconds } from '#hal/units.ts';
import type { AnyModes, DefaultSource, EventProgram, EventSource, Outcome, Period, Segment } from './program.ts';
import { resolve, type ScheduleOptions } from './supersede.ts';

/** One mode's value when no event sets it. */
export interface Fallback<Value> {
  readonly value: Value;
  readonly rampTms: number | undefined;
  readonly source: DefaultSource;
}

/** Everything that a set of programs prescribes; at no instant two events for one mode. */
export interface Schedule<Modes extends object> {
  /** In order of time, disjoint; touching segments leave no hole. */
  readonly segments: { readonly [Mode in keyof Modes]?: readonly Segment<NonNullable<Modes[Mode]>>[] };
  readonly defaults: { readonly [Mode in keyof Modes]?: Fallback<NonNullable<Modes[Mode]>> };
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

/** What sets a mode now, since when and until when; a missing bound is open. */
export interface Setting<Value> {
  readonly value: Value;
  readonly rampTms: number | undefined;
  readonly source: EventSource | DefaultSource;
  readonly since?: UnixSeconds | undefined;
  readonly until?: UnixSeconds | undefined;
}

/** The settings of the modes that something sets. */
export type Settings<Modes extends object> = { readonly [Mode in keyof Modes]?: Setting<NonNullable<Modes[Mode]>> };

/**
 * The schedule of programs whose lists are complete. The order of programs and events makes no difference.
 *
 * Superseding is per mode (CSIP BASIC-021..026): lower primacy, then newer creationTime, then greater mRID wins; the
 * loser ends at the winner's effective start and, by the 2018 edition, does not resume (§10.2.3.3; only the 2023
 * edition has a response “resumed”). Modes without a competitor go on. Where the period of one event ends in the very
 * second in which another's starts, the first holds until the second has started, whatever the randomisation.
 */
export function schedule<Modes extends object>(
  programs: readonly EventProgram<Modes>[],
  options: ScheduleOptions,
): Schedule<Modes> {
  const named = programs as unknown as readonly EventProgram<AnyModes>[];
  return { ...resolve(named, options), defaults: defaultsOf(named) } as unknown as Schedule<Modes>;
}

/** Each mode's default is that of the program with the highest priority that has one with this mode (CSIP-AUS GEN-10, LOA-10). */
function defaultsOf(programs: readonly EventProgram<AnyModes>[]): Readonly<Record<string, Fallback<unknown>>> {
  const defaults: Record<string, Fallback<unknown>> = {};
  const weakestFirst = programs.toSorted((a, b) => b.primacy - a.primacy || (a.mRID < b.mRID ? -1 : 1));
  for (const { mRID: program, primacy, default: fallback } of weakestFirst) {
    if (fallback === undefined) continue;
    const source: DefaultSource = { kind: 'default', mRID: fallback.mRID, program, primacy };
    for (const [mode, value] of Object.entries(fallback.modes)) {
      defaults[mode] = { value, rampTms: fallback.rampTms, source };
    }
  }
  return defaults;
}

/** What holds at an instant, mode by mode: the event that is in force, else the default; modes that nothing sets are absent. */
export function activeAt<Modes extends object>(plan: Schedule<Modes>, now: UnixSeconds): Settings<Modes> {
  const { segments, defaults } = plan as unknown as Schedule<AnyModes>;
  const settings: Record<string, Setting<unknown>> = {};
  for (const mode of new Set([...Object.keys(defaults), ...Object.keys(segments)])) {
    const line = segments[mode] ?? [];
    const current = line.find(({ from, until }) => from <= now && now < until);
    const fallback = defaults[mode];
    if (current !== undefined) {
      const { value, rampTms, source, from, until } = current;
      settings[mode] = { value, rampTms, source, since: from, until };
    } else if (fallback !== undefined) {
      const since = line.findLast(({ until }) => until <= now)?.until;
      settings[mode] = { ...fallback, since, until: line.find(({ from }) => from > now)?.from };
    }
  }
  return settings as Settings<Modes>;
}

/** The next instant after now at which a mode changes hands or an event begins or ends; undefined: never. */
export function nextChange<Modes extends object>(plan: Schedule<Modes>, now: UnixSeconds): UnixSeconds | undefined {
  let next: UnixSeconds | undefined;
  const take = (at: UnixSeconds): void => {
    if (at > now && (next === undefined || at < next)) next = at;
  };
  const takePeriod = ({ from, until }: Period): void => {
    take(from);
    take(until);
  };
  for (const outcome of plan.outcomes.values()) {
    takePeriod(outcome);
    for (const { at } of outcome.lost) take(at);
  }
  const lines = Object.values(plan.segments as Readonly<Record<string, readonly Segment<unknown>[]>>);
  for (const line of lines) for (const segment of line) takePeriod(segment);
  return next;
}
