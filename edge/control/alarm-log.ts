import { AlarmStatus } from '#ieee2030_5/enumerations-der.ts';
import type { LoggedEvent } from '../client/log-events.ts';
import type { AlarmName } from './der-documents.ts';

/** Of the LogEvents that IEEE 2030.5 itself defines: its private enterprise number, profile and DER function set. */
const derEvent = { functionSet: 11, logEventPEN: 40_732, profileID: 2 } as const;

/** The alarms that the log was told of last time, by what it says of its events. */
export function alarmsTold(isStanding: (event: LoggedEvent) => boolean): ReadonlySet<AlarmName> {
  const standing = Object.entries(AlarmStatus).filter(([, bit]) => isStanding({ ...derEvent, logEventCode: 2 * bit }));
  return new Set(standing.map(([name]) => name as AlarmName));
}

/**
 * What the log is told when alarms come and go, in the order of DERStatus.alarmStatus. Each alarm of a DER has two
 * codes, its own and the next one for the return to normal (IEEE 2030.5-2018 §10.10.4.5, CSIP v2.1 §5.2.6).
 */
export function alarmEvents(before: ReadonlySet<AlarmName>, now: ReadonlySet<AlarmName>): readonly LoggedEvent[] {
  if (before.size === 0 && now.size === 0) return [];
  return Object.entries(AlarmStatus).flatMap(([name, bit]) => {
    const alarm = name as AlarmName;
    if (before.has(alarm) === now.has(alarm)) return [];
    const isRaised = now.has(alarm);
    const details = isRaised ? alarm : `${alarm}: back to normal`;
    return [{ ...derEvent, logEventCode: 2 * bit + (isRaised ? 0 : 1), details }];
  });
}
