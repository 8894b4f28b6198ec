import type { UnixSeconds } from '#hal/units.ts';
import { EventCurrentStatus } from '../enumerations.ts';
import { formatMrid } from '../identity.ts';
import {
  cancelTime,
  cutShort,
  type Draw,
  effectivePeriod,
  isCancelled,
  scheduledPeriod,
  statusTime,
  toSeconds,
  widestPeriod,
} from './period.ts';
import type { AnyModes, EventProgram, EventSource, Loss, Outcome, Period, ProgramEvent, Segment } from './program.ts';

export interface ScheduleOptions {
  /** Server time. */
  readonly now: UnixSeconds;
  /**
   * The device's draws by mRID, as `drawsOf` gives them; or `widest`, the server's view: each event from the earliest
   * start to the latest end of any device.
   */
  readonly draw: ((mRID: string) => Draw) | 'widest';
}

/** An event, its place in the order of priority and its periods. */
interface Contender extends ProgramEvent<AnyModes> {
  readonly source: EventSource;
  readonly created: UnixSeconds;
  readonly planned: Period;
  /** Effective, and shortened where the server cancelled or superseded it; may be empty. */
  readonly actual: Period;
  readonly cut: Outcome['cut'];
  /** No later than this, even to join the next event: the cancellation. */
  readonly limit: number;
}

/** What one mode is left with: a contender and its share of the time. */
interface Claim {
  readonly contender: Contender;
  readonly until: UnixSeconds;
}

const overlap = (a: Period, b: Period): boolean => a.from < b.until && b.from < a.until;
const isEmpty = ({ from, until }: Period): boolean => from === until;

/** All events of the programs, each mRID once, the one that wins first. */
export function byPriority<Modes extends object>(
  programs: readonly EventProgram<Modes>[],
): (ProgramEvent<Modes> & { readonly source: EventSource })[] {
  const all = programs.flatMap(({ mRID: program, primacy, events }) =>
    events.map((entry) => {
      const source: EventSource = { kind: 'event', mRID: formatMrid(entry.event.mRID), program, primacy };
      return { ...entry, source };
    }),
  );
  const winners = all.toSorted(
    (a, b) =>
      a.source.primacy - b.source.primacy ||
      Number(b.event.creationTime - a.event.creationTime) ||
      order(b.source.mRID, a.source.mRID) ||
      order(b.source.program, a.source.program) ||
      Number(b.event.EventStatus.dateTime - a.event.EventStatus.dateTime),
  );
  const seen = new Set<string>();
  return winners.filter(({ source }) => !seen.has(source.mRID) && seen.add(source.mRID));
}

const order = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** The segments of every mode and the outcome of every event; see `schedule`. */
export function resolve(
  programs: readonly EventProgram<AnyModes>[],
  options: ScheduleOptions,
): { segments: Record<string, Segment<unknown>[]>; outcomes: Map<string, Outcome> } {
  const contenders = withServerSuperseding(
    byPriority(programs).map((entry) => contender(entry, options)),
    options.now,
  );
  const segments: Record<string, Segment<unknown>[]> = {};
  const lost: { readonly loser: string; readonly loss: Loss }[] = [];
  const ends = new Map<string, UnixSeconds>();
  for (const mode of new Set(contenders.flatMap(({ modes }) => Object.keys(modes)))) {
    const running = contenders.filter(({ modes, actual }) => mode in modes && !isEmpty(actual));
    const losing: Losing = (loser, at, winner) => {
      lost.push({ loser: loser.source.mRID, loss: { mode, at, by: winner.source.mRID, created: winner.created } });
    };
    // The earliest starts of all devices together are no device's own: only a client is squeezed out by them.
    const squeezed = options.draw === 'widest' ? unharmed : losing;
    const line = joined(claims(running, losing), squeezed).map(({ contender: holder, until }): Segment<unknown> => {
      const { source, actual, modes, rampTms } = holder;
      ends.set(source.mRID, Math.max(ends.get(source.mRID) ?? until, until) as UnixSeconds);
      return { from: actual.from, until, value: modes[mode], rampTms, source };
    });
    if (line.length > 0) segments[mode] = line;
  }
  const outcomes = contenders.map(({ source, actual, cut }): [string, Outcome] => {
    const until = ends.get(source.mRID) ?? actual.until;
    const own = lost.filter(({ loser }) => loser === source.mRID).map(({ loss }) => loss);
    return [source.mRID, { from: actual.from, until, source, lost: own, cut }];
  });
  return { segments, outcomes: new Map(outcomes) };
}

function contender(entry: ProgramEvent<AnyModes> & { source: EventSource }, options: ScheduleOptions): Contender {
  const { event, source } = entry;
  const draw = options.draw === 'widest' ? undefined : options.draw(source.mRID);
  const created = toSeconds(event.creationTime);
  const effective = sinceCreation(
    draw === undefined ? widestPeriod(event) : effectivePeriod(event, draw),
    Math.min(created, options.now),
  );
  const base = { ...entry, created, planned: scheduledPeriod(event) };
  if (!isCancelled(event)) return { ...base, actual: effective, cut: undefined, limit: Infinity };
  const ends = cancelTime(event, draw?.cancel ?? latest, options.now);
  return { ...base, ...cutAt(effective, statusTime(event, options.now), ends, 'cancelled'), limit: ends };
}

/** An event that was created after its start begins late and ends as planned. */
const sinceCreation = ({ from, until }: Period, created: number): Period => ({
  from: Math.min(Math.max(from, created), until) as UnixSeconds,
  until,
});

/** The draw of the device that is the last to act. */
const latest = 1 - 2 ** -32;

function cutAt(
  effective: Period,
  at: UnixSeconds,
  ends: UnixSeconds,
  status: 'cancelled' | 'superseded',
): Pick<Contender, 'actual' | 'cut'> {
  const actual = cutShort(effective, at, ends);
  if (!isEmpty(actual) && actual.until === effective.until) return { actual, cut: undefined };
  return { actual, cut: { at: isEmpty(actual) ? at : actual.until, status } };
}

/**
 * An event that the server marked superseded ends at once (EventStatus.currentStatus 4), even if the event that took
 * its place is not in the lists, or no longer. Where that one is there and due, the device goes by its own
 * randomisation, and by its modes.
 */
function withServerSuperseding(contenders: readonly Contender[], now: UnixSeconds): readonly Contender[] {
  return contenders.map((loser, rank) => {
    if (loser.event.EventStatus.currentStatus !== EventCurrentStatus.superseded) return loser;
    const at = statusTime(loser.event, now);
    const winners = contenders
      .slice(0, rank)
      .filter((winner) => overlap(winner.planned, loser.planned) && widestPeriod(winner.event).from <= at)
      .filter(({ actual }) => !isEmpty(actual));
    const modes = Object.keys(loser.modes);
    const explained = modes.length > 0 && modes.every((mode) => winners.some((winner) => mode in winner.modes));
    return explained ? loser : { ...loser, ...cutAt(loser.actual, at, at, 'superseded'), limit: at };
  });
}

type Losing = (loser: Contender, at: UnixSeconds, winner: Contender) => void;
const unharmed: Losing = () => undefined;

/**
 * Who holds one mode, decided from the highest priority down. A loser ends at the winner's effective start and does
 * not resume. A winner that was itself ended early keeps what it had superseded until then, and nothing of what was
 * created after its end.
 */
function claims(line: readonly Contender[], losing: Losing): Claim[] {
  const kept: Claim[] = [];
  for (const claimant of line) {
    const { planned, actual, created } = claimant;
    let until = actual.until;
    let by: Contender | undefined;
    for (const { contender: winner, until: ended } of kept) {
      const stands = created < ended && overlap(winner.planned, planned);
      if (stands && winner.actual.from < until) {
        until = winner.actual.from;
        by = winner;
      }
    }
    if (by !== undefined) losing(claimant, until, by);
    if (until > actual.from) kept.push({ contender: claimant, until });
  }
  return kept;
}

/**
 * The claims in order of time, fitted to each other where randomisation has moved their ends: an event ends at the
 * latest when the next one starts, and not before if it was planned to end in the second in which the next one starts
 * (§10.2.3: randomisation makes neither conflicts nor gaps).
 */
function joined(kept: readonly Claim[], losing: Losing): Claim[] {
  const inTime = kept.toSorted(
    (a, b) => a.contender.actual.from - b.contender.actual.from || a.contender.planned.from - b.contender.planned.from,
  );
  const line: Claim[] = [];
  let next: Contender | undefined;
  for (const claim of inTime.toReversed()) {
    const { contender: holder } = claim;
    const touches = next !== undefined && holder.planned.until === next.planned.from;
    const wanted = touches ? holder.limit : claim.until;
    const until = Math.min(wanted, next?.actual.from ?? claim.until) as UnixSeconds;
    if (next !== undefined && until === holder.actual.from) {
      losing(holder, until, next);
      continue;
    }
    line.unshift({ ...claim, until });
    next = holder;
  }
  return line;
}
