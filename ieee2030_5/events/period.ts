import { seedOf, uniform } from '#hal/random.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { EventCurrentStatus } from '../enumerations.ts';
import type { RandomizableEvent, TimeType } from '../types.generated.ts';
import type { Period } from './program.ts';

/** The last instant that a Date can show, seconds; int64 goes 10^6 times further, and nobody plans there. */
const farthest = 8_640_000_000_000;
/** OneHourRangeType, seconds. */
const hour = 3_600;

const clamp = (value: number, limit: number): number => Math.max(-limit, Math.min(limit, value));
const instant = (value: number): UnixSeconds => clamp(value, farthest) as UnixSeconds;

/** TimeType (int64) as seconds that a number holds exactly; what lies beyond the years ±271,821 is held there. */
export const toSeconds = (time: TimeType): UnixSeconds => instant(Number(time));

/** Seconds as TimeType. */
export const toTime = (seconds: UnixSeconds): TimeType => BigInt(seconds);

/** Three numbers in [0, 1) that stay the same for one device and one event. */
export interface Draw {
  readonly start: number;
  readonly duration: number;
  readonly cancel: number;
}

/** The draws of a device (LFDI or meterId) by mRID: a restart, or a second look at the event, changes nothing. */
export function drawsOf(device: string): (mRID: string) => Draw {
  const own = seedOf(0, device);
  return (mRID) => {
    const seed = seedOf(own, mRID);
    return { start: uniform(seed, 0), duration: uniform(seed, 1), cancel: uniform(seed, 2) };
  };
}

/** Whole seconds between zero and the boundary, both included, with the boundary's sign. */
const within = (boundary: number, draw: number): number =>
  Math.sign(boundary) * Math.floor(draw * (Math.abs(boundary) + 1));

const boundaries = ({ randomizeStart, randomizeDuration }: RandomizableEvent): { start: number; duration: number } => ({
  start: clamp(randomizeStart ?? 0, hour),
  duration: clamp(randomizeDuration ?? 0, hour),
});

const period = (from: number, duration: number): Period => ({
  from: instant(from),
  until: instant(from + Math.max(0, duration)),
});

/** Scheduled Period: as the interval says, without randomisation (IEEE 2030.5-2018 §10.2.3.2). */
export const scheduledPeriod = ({ interval }: RandomizableEvent): Period =>
  period(toSeconds(interval.start), interval.duration);

/**
 * Effective Scheduled Period: start and duration each moved by a whole number of seconds between zero and their
 * boundary (randomizeStart, randomizeDuration, held to −3600..3600), a negative boundary moving to earlier or shorter
 * (§10.2.3.2, RandomizableEvent). A late client starts within it and ends as planned.
 */
export function effectivePeriod(event: RandomizableEvent, draw: Draw): Period {
  const { start, duration } = boundaries(event);
  const { interval } = event;
  const from = toSeconds(interval.start) + within(start, draw.start);
  return period(from, interval.duration + within(duration, draw.duration));
}

/** From the earliest Effective Start Time to the latest Effective End Time of any device: what a server goes by. */
export function widestPeriod(event: RandomizableEvent): Period {
  const { start, duration } = boundaries(event);
  const { interval } = event;
  const earliest = toSeconds(interval.start) + Math.min(0, start);
  const latest = toSeconds(interval.start) + Math.max(0, start) + interval.duration + Math.max(0, duration);
  return { from: instant(earliest), until: instant(Math.max(earliest, latest)) };
}

export const isCancelled = ({ EventStatus }: RandomizableEvent): boolean =>
  EventStatus.currentStatus === EventCurrentStatus.cancelled ||
  EventStatus.currentStatus === EventCurrentStatus.cancelledWithRandomization;

/** When the present status came about, and not later than now: a status cannot lie in the future (EventStatus.dateTime). */
export const statusTime = ({ EventStatus }: RandomizableEvent, now: UnixSeconds): UnixSeconds =>
  Math.min(toSeconds(EventStatus.dateTime), now) as UnixSeconds;

/**
 * When a cancelled event ends: at once, or, with randomisation, up to max(|randomizeStart|, |randomizeDuration|)
 * seconds after it (EventStatus.currentStatus 2 and 3). `draw` in [0, 1); 1 is never drawn, so a server passes the
 * latest by a value just under it.
 */
export function cancelTime(event: RandomizableEvent, draw: number, now: UnixSeconds): UnixSeconds {
  const at = statusTime(event, now);
  if (event.EventStatus.currentStatus === EventCurrentStatus.cancelled) return at;
  const { start, duration } = boundaries(event);
  return instant(at + within(Math.max(Math.abs(start), Math.abs(duration)), draw));
}

/**
 * A period as a cancellation leaves it. An event that was cancelled before it began never begins: its period is empty.
 * `at` is the time of the cancellation, `ends` when it takes effect.
 */
export function cutShort({ from, until }: Period, at: UnixSeconds, ends: UnixSeconds): Period {
  const end = at <= from ? from : Math.min(ends, until);
  return { from, until: end as UnixSeconds };
}
