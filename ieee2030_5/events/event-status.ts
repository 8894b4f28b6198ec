import type { UnixSeconds } from '#hal/units.ts';
import { EventCurrentStatus } from '../enumerations.ts';
import { formatMrid } from '../identity.ts';
import type { EventStatus } from '../types.generated.ts';
import { toTime } from './period.ts';
import type { EventProgram, Loss, Outcome, ProgramEvent } from './program.ts';
import { schedule } from './schedule.ts';

/**
 * The EventStatus that a server shows for every event of its programs, by mRID: the server's half of the rules that
 * clients follow (IEEE 2030.5-2018, EventStatus).
 *
 * - scheduled, then active from the earliest Effective Start Time of any device on, then so until the server removes
 *   it (the 2018 edition knows no “completed”);
 * - superseded from the earliest Effective Start Time on of the event that takes its last mode. A server marks this
 *   only within one program: of which programs a device is a member, other devices do not share;
 * - cancelled, cancelled with randomisation and superseded stay as they are once the document has them;
 * - potentiallySuperseded when another event takes some of its modes and leaves it others.
 */
export function eventStatuses<Modes extends object>(
  programs: readonly EventProgram<Modes>[],
  now: UnixSeconds,
): ReadonlyMap<string, EventStatus> {
  const statuses = new Map<string, EventStatus>();
  for (const program of programs) {
    const { outcomes } = schedule([program], { now, draw: 'widest' });
    for (const entry of program.events) {
      const mRID = formatMrid(entry.event.mRID);
      const outcome = outcomes.get(mRID);
      if (outcome !== undefined) statuses.set(mRID, statusOf(entry, outcome, now));
    }
  }
  return statuses;
}

function statusOf<Modes extends object>(
  { event, modes }: ProgramEvent<Modes>,
  { from, lost }: Outcome,
  now: UnixSeconds,
): EventStatus {
  const { currentStatus } = event.EventStatus;
  if (currentStatus !== EventCurrentStatus.scheduled && currentStatus !== EventCurrentStatus.active) {
    return event.EventStatus;
  }
  const all = Object.keys(modes).length;
  const isPart = (loss: Loss): boolean => lost.filter(({ by }) => by === loss.by).length < all;
  const partial = lost.filter(isPart).map(({ created }) => created);
  const flags = {
    potentiallySuperseded: partial.length > 0,
    ...(partial.length > 0 && { potentiallySupersededTime: BigInt(Math.min(...partial)) }),
  };
  const ends = Math.max(...lost.map(({ at }) => at));
  if (all > 0 && lost.length === all && ends <= now) {
    return { currentStatus: EventCurrentStatus.superseded, dateTime: BigInt(ends), ...flags };
  }
  return from <= now
    ? { currentStatus: EventCurrentStatus.active, dateTime: toTime(from), ...flags }
    : { currentStatus: EventCurrentStatus.scheduled, dateTime: event.creationTime, ...flags };
}
