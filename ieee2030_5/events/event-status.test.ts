import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UnixSeconds } from '#hal/units.ts';
import { EventCurrentStatus } from '../enumerations.ts';
import { formatMrid } from '../identity.ts';
import type { EventStatus } from '../types.generated.ts';
import { eventStatuses } from './event-status.ts';
import { nothingKnown, step } from './life.ts';
import type { DERModes } from './modes.ts';
import type { EventProgram } from './program.ts';
import { activeAt } from './schedule.ts';
import { anyPrograms, drawNone, nameOf, program, type Sample, watts } from './sample-events.ts';

const statusAt = (now: number, id: number, ...samples: Sample[]): EventStatus =>
  eventStatuses([program(201, 1, samples)], UnixSeconds(now)).get(nameOf(id)) ?? assert.fail();
const brief = ({ currentStatus, dateTime, potentiallySuperseded }: EventStatus): unknown => [
  currentStatus,
  Number(dateTime),
  potentiallySuperseded,
];

test('an event is scheduled since its creation, then active from its earliest effective start', () => {
  const event = { id: 1, start: 100, duration: 60, created: 5, randomizeStart: -30 };
  assert.deepEqual(brief(statusAt(69, 1, event)), [EventCurrentStatus.scheduled, 5, false]);
  assert.deepEqual(brief(statusAt(70, 1, event)), [EventCurrentStatus.active, 70, false]);
  assert.deepEqual(brief(statusAt(500, 1, event)), [EventCurrentStatus.active, 70, false]);
  const late = { ...event, created: 110 };
  assert.deepEqual(brief(statusAt(110, 1, late)), [EventCurrentStatus.active, 110, false]);
});

test('an event is superseded at the earliest effective start of the one that takes its modes', () => {
  const old = { id: 1, start: 100, duration: 60 };
  const newer = { id: 2, start: 130, duration: 60, created: 10, randomizeStart: -20 };
  assert.deepEqual(brief(statusAt(109, 1, old, newer)), [EventCurrentStatus.active, 100, false]);
  assert.deepEqual(brief(statusAt(110, 1, old, newer)), [EventCurrentStatus.superseded, 110, false]);
  assert.deepEqual(brief(statusAt(110, 2, old, newer)), [EventCurrentStatus.active, 110, false]);
  const sudden = { ...newer, start: 90, created: 120 };
  assert.deepEqual(brief(statusAt(120, 1, old, sudden)), [EventCurrentStatus.superseded, 120, false]);
});

test('an event that loses some modes only is potentially superseded since the other was created', () => {
  const old = { id: 1, start: 100, duration: 60, base: { opModExpLimW: watts(1), opModImpLimW: watts(2) } };
  const newer = { id: 2, start: 110, duration: 10, created: 10, base: { opModExpLimW: watts(3) } };
  const status = statusAt(115, 1, old, newer);
  assert.deepEqual(brief(status), [EventCurrentStatus.active, 100, true]);
  assert.equal(status.potentiallySupersededTime, 10n);
  const rest = { id: 3, start: 120, duration: 10, created: 20, base: { opModImpLimW: watts(3) } };
  assert.deepEqual(brief(statusAt(120, 1, old, newer, rest)), [EventCurrentStatus.superseded, 120, true]);
});

test('adjacent events do not supersede each other, though one may start as early as the other', () => {
  const first = { id: 1, start: 10, duration: 10 };
  const second = { id: 2, start: 20, duration: 10, created: 1, randomizeStart: -10 };
  assert.deepEqual(brief(statusAt(15, 1, first, second)), [EventCurrentStatus.active, 10, false]);
});

test('another program supersedes for its members, not on the server', () => {
  const programs = [program(201, 1, [{ id: 1 }]), program(202, 0, [{ id: 2 }])];
  assert.equal(eventStatuses(programs, UnixSeconds(15)).get(nameOf(1))?.currentStatus, EventCurrentStatus.active);
});

test('what was cancelled or superseded stays so', () => {
  for (const status of [2, 3, 4]) {
    assert.deepEqual(brief(statusAt(500, 1, { id: 1, status, statusAt: 12 })), [status, 12, false]);
  }
  assert.equal(statusAt(500, 1, { id: 1, base: {} }).currentStatus, EventCurrentStatus.active);
});

/** One program, without randomisation: what a server and its client see of it when their clocks agree. */
const anyProgram = anyPrograms(false).map(
  (programs): EventProgram<DERModes> => ({
    mRID: nameOf(201),
    primacy: 1,
    events: programs.flatMap(({ events }) => events),
  }),
);

test('server and client agree at every second when their clocks agree', () => {
  fc.assert(
    fc.property(anyProgram, (all) => {
      let known = nothingKnown;
      let shown: ReadonlyMap<string, EventStatus> = new Map();
      for (let second = 0; second <= 130; second++) {
        const now = UnixSeconds(second);
        // The server lists an event from its creation on, and cancels it later if it has not superseded it.
        const documents = all.events.flatMap((entry) => {
          const { creationTime, EventStatus: status } = entry.event;
          if (creationTime > BigInt(second)) return [];
          const before = shown.get(formatMrid(entry.event.mRID));
          const isSuperseded = before?.currentStatus === EventCurrentStatus.superseded;
          const early = { ...status, currentStatus: EventCurrentStatus.scheduled };
          const EventStatus = isSuperseded ? before : status.dateTime > BigInt(second) ? early : status;
          return [{ ...entry, event: { ...entry.event, EventStatus } }];
        });
        const listed = { ...all, events: documents };
        const next = step(known, { server: 'A', programs: [listed], draw: () => drawNone }, now);
        known = next.known;
        const statuses = eventStatuses([listed], now);
        shown = statuses;
        for (const { mRID, state, until } of known.events) {
          const status = statuses.get(mRID)?.currentStatus;
          const isOver = state.at === 'ended' && state.final !== 'superseded' && state.final !== 'cancelled';
          if (isOver) assert.ok(until <= second);
          else if (state.at === 'scheduled') assert.equal(status, EventCurrentStatus.scheduled);
          else if (state.at === 'active') assert.equal(status, EventCurrentStatus.active);
          else
            assert.equal(
              status,
              state.final === 'superseded' ? EventCurrentStatus.superseded : EventCurrentStatus.cancelled,
            );
        }
        for (const { source } of Object.values(activeAt(next.schedule, now))) {
          assert.equal(statuses.get(source.mRID)?.currentStatus, EventCurrentStatus.active);
        }
      }
    }),
    { numRuns: 50 },
  );
});
