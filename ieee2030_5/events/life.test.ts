import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UnixSeconds } from '#hal/units.ts';
import { type DueResponse, type KnownEvents, nothingKnown, remembered, type Seen, step } from './life.ts';
import type { DERModes } from './modes.ts';
import { drawsOf } from './period.ts';
import type { EventProgram } from './program.ts';
import { finalResponses, type ResponseName } from './responses.ts';
import { anyPrograms, drawAll, drawNone, nameOf, program, type Sample, watts, withEvents } from './sample-events.ts';

type Programs = readonly EventProgram<DERModes>[];
type Extras = Partial<Omit<Seen<DERModes>, 'programs'>>;

/** A client that tells what it posts, as `event:response`. */
function client(draw = drawNone): (at: number, programs: Programs, extras?: Extras) => string[] {
  let known: KnownEvents = nothingKnown;
  return (at, programs, extras = {}) => {
    const seen = { server: 'A', draw: () => draw, ...extras, programs };
    const next = step(known, seen, UnixSeconds(at));
    // What is remembered survives a restart as JSON.
    known = JSON.parse(JSON.stringify(next.known)) as KnownEvents;
    return next.due.map(({ subject, response }) => `${Number.parseInt(subject.slice(0, 2), 16)}:${response}`);
  };
}

const home = (...samples: Sample[]): Programs => [program(201, 1, samples)];
const event = { id: 1, start: 10, duration: 10 };

test('an event is received, started and completed, each once', () => {
  const at = client();
  assert.deepEqual(at(0, home(event)), ['1:received']);
  assert.deepEqual(at(5, home(event)), []);
  assert.deepEqual(at(10, home(event)), ['1:started']);
  assert.deepEqual(at(15, home(event)), []);
  assert.deepEqual(at(20, home(event)), ['1:completed']);
  assert.deepEqual([at(21, home(event)), at(22, home()), at(23, home(event))], [[], [], []]);
});

test('responses go to replyTo, carry the time, and only those that responseRequired asks for are due', () => {
  const due = (required: number): readonly DueResponse[] => {
    const programs = home({ ...event, required });
    return step(nothingKnown, { server: 'A', draw: () => drawNone, programs }, UnixSeconds(12)).due;
  };
  assert.deepEqual(due(1), [
    { subject: nameOf(1), program: nameOf(201), replyTo: '/rsps/1/rsp', response: 'received', at: 12 },
  ]);
  assert.deepEqual(
    due(2).map(({ response }) => response),
    ['started'],
  );
  assert.deepEqual(due(0), []);
  const silent = withEvents(program(201, 1, [event]), (one) => ({ ...one, responseRequired: undefined }));
  assert.deepEqual(client()(12, [silent]), []);
});

test('an event that is already running starts at once and ends as planned', () => {
  const at = client();
  assert.deepEqual(at(15, home(event)), ['1:received', '1:started']);
  assert.deepEqual(at(20, home(event)), ['1:completed']);
});

test('an event that is over when it is first seen is rejected, and disturbs no other', () => {
  const at = client();
  assert.deepEqual(at(12, home({ ...event, duration: 50 })), ['1:received', '1:started']);
  const late = program(202, 0, [{ id: 2, start: 11, duration: 5 }]);
  assert.deepEqual(at(30, [...home({ ...event, duration: 50 }), late]), ['2:received', '2:rejectedLate']);
  assert.deepEqual(at(60, [...home({ ...event, duration: 50 }), late]), ['1:completed']);
});

test('an event that the device cannot follow is rejected and sets nothing', () => {
  const rejected = new Map([[nameOf(1), 'rejectedNotApplicable'] as const]);
  const seen = { server: 'A', draw: () => drawNone, programs: home(event), rejected };
  const { due, schedule } = step(nothingKnown, seen, UnixSeconds(12));
  assert.deepEqual(
    due.map(({ response }) => response),
    ['received', 'rejectedNotApplicable'],
  );
  assert.deepEqual(schedule.segments, {});
});

test('a cancelled event ends at once, and a new client of a cancelled event says so too (PRC-04, ALL-18)', () => {
  const cancelled = { ...event, status: 2, statusAt: 12 };
  const at = client();
  at(11, home(event));
  assert.deepEqual(at(13, home(cancelled)), ['1:cancelled']);
  assert.deepEqual(client()(13, home(cancelled)), ['1:received', '1:cancelled']);
  const stronger = program(202, 0, [{ id: 2, start: 8, duration: 20 }]);
  const early = home({ ...event, status: 2, statusAt: 4 });
  assert.deepEqual(client()(9, [...early, stronger]), ['1:received', '2:received', '1:cancelled', '2:started']);
  assert.deepEqual(client()(5, home({ ...event, status: 2, statusAt: 4 })), ['1:received', '1:cancelled']);
});

test('an event that is first seen as cancelled is answered as cancelled, even where another has taken its place (PRC-04)', () => {
  const cancelled = { ...event, duration: 60, status: 2, statusAt: 12 };
  const newer = { id: 2, start: 10, duration: 20, created: 1 };
  assert.deepEqual(client()(13, home(cancelled, newer)), ['1:received', '2:received', '1:cancelled', '2:started']);
});

test('what was superseded before it was cancelled has had its final response', () => {
  const at = client();
  const older = { ...event, duration: 60 };
  const newer = { id: 2, start: 12, duration: 20, created: 1 };
  assert.deepEqual(at(11, home(older, newer)), ['1:received', '2:received', '1:started']);
  assert.deepEqual(at(12, home(older, newer)), ['1:superseded', '2:started']);
  assert.deepEqual(at(14, home({ ...older, status: 2, statusAt: 13 }, newer)), []);
});

test('a cancellation with randomisation is told when it takes effect', () => {
  const at = client(drawAll);
  at(30, home({ ...event, duration: 60, randomizeStart: 10 }));
  const cancelled = { ...event, duration: 60, randomizeStart: 10, status: 3, statusAt: 40 };
  assert.deepEqual(at(41, home(cancelled)), []);
  assert.deepEqual(at(50, home(cancelled)), ['1:cancelled']);
});

test('a superseded event ends when the winner starts, before the winner is told to have started (GEN-10)', () => {
  const at = client();
  const winner = program(202, 0, [{ id: 2, start: 15, duration: 10, created: 12 }]);
  at(11, home(event));
  assert.deepEqual(at(12, [...home(event), winner]), ['2:received']);
  assert.deepEqual(at(15, [...home(event), winner]), ['1:superseded', '2:started']);
  assert.deepEqual(at(25, [...home(event), winner]), ['2:completed']);
});

test('an event that starts under a stronger one in one mode is started for the rest, and completed (GEN-10 v to x)', () => {
  const at = client();
  const strong = program(202, 0, [{ id: 7, start: 100, duration: 300, base: { opModExpLimW: watts(0) } }]);
  const both = { id: 8, start: 130, duration: 300, base: { opModExpLimW: watts(5), opModGenLimW: watts(3) } };
  assert.deepEqual(at(100, [strong]), ['7:received', '7:started']);
  assert.deepEqual(at(130, [strong, ...home(both)]), ['8:received', '8:started']);
  assert.deepEqual(at(400, [strong, ...home(both)]), ['7:completed']);
  assert.deepEqual(at(430, [strong, ...home(both)]), ['8:completed']);
});

test('an event that is squeezed out by the randomised start of the next is superseded', () => {
  const at = client(drawAll);
  const squeezed = home({ ...event, randomizeStart: 10 }, { id: 2, start: 20, duration: 10 });
  assert.deepEqual(at(0, squeezed), ['1:received', '2:received']);
  assert.deepEqual(at(20, squeezed), ['1:superseded', '2:started']);
});

test('a mode once lost stays lost when the winner vanishes, and the event goes on in its others', () => {
  const both = { id: 1, start: 10, duration: 50, base: { opModExpLimW: watts(1), opModImpLimW: watts(2) } };
  const winner = program(202, 0, [{ id: 2, start: 15, duration: 30, base: { opModExpLimW: watts(3) } }]);
  const draw = (): typeof drawNone => drawNone;
  let known = nothingKnown;
  const segments = (at: number, programs: Programs): unknown => {
    const next = step(known, { server: 'A', draw, programs }, UnixSeconds(at));
    known = next.known;
    return Object.entries(next.schedule.segments).map(([mode, line]) => [mode, line.length]);
  };
  segments(16, [...home(both), winner]);
  const gone = [...home(both), program(202, 0, [])];
  assert.deepEqual(segments(20, gone), [['opModImpLimW', 1]]);
  const { due } = step(known, { server: 'A', draw, programs: gone }, UnixSeconds(60));
  assert.deepEqual(
    due.map(({ response }) => response),
    ['completed'],
  );
});

test('an event that the server marked superseded ends, though its winner is not in sight', () => {
  const at = client();
  at(11, home(event));
  assert.deepEqual(at(13, home({ ...event, status: 4, statusAt: 12 })), ['1:superseded']);
});

test('an event that vanishes counts as cancelled, with its program or server as aborted, after its end as completed', () => {
  const vanishing = (at: number, programs: Programs, server: string): string[] => {
    const own = client();
    own(11, home(event));
    return own(at, programs, { server });
  };
  assert.deepEqual(vanishing(15, home(), 'A'), ['1:cancelled']);
  assert.deepEqual(vanishing(15, [], 'A'), ['1:abortedAlternateProgram']);
  assert.deepEqual(vanishing(15, home(), 'B'), ['1:abortedAlternateServer']);
  assert.deepEqual(vanishing(20, home(), 'A'), ['1:completed']);
});

test('opting out and in again are told, and colour the end', () => {
  const out = { optedOut: new Set([nameOf(1)]) };
  const whole = client();
  assert.deepEqual(whole(0, home(event), out), ['1:received', '1:optOut']);
  assert.deepEqual(whole(12, home(event), out), []);
  assert.deepEqual(whole(20, home(event), out), ['1:noParticipation']);
  const partly = client();
  partly(10, home(event));
  assert.deepEqual(partly(12, home(event), out), ['1:optOut']);
  assert.deepEqual(partly(20, home(event), out), ['1:partialOptOut']);
  const again = client();
  again(10, home(event), out);
  assert.deepEqual(again(12, home(event)), ['1:optIn', '1:started']);
  assert.deepEqual(again(20, home(event)), ['1:partialOptIn']);
});

test('an event that passed while the device slept ends in no participation; time that goes back repeats nothing', () => {
  const at = client();
  at(0, home(event));
  assert.deepEqual(at(500, home(event)), ['1:noParticipation']);
  const back = client();
  back(15, home(event));
  assert.deepEqual([back(5, home(event)), back(12, home(event)), back(20, home(event))], [[], [], ['1:completed']]);
});

test('the memory of ended events is bounded; listed and unended ones are never forgotten', () => {
  const stale = Array.from({ length: remembered + 5 }, (_, index) => ({
    mRID: `old${index}`,
    program: 'p',
    responseRequired: 3,
    from: 0,
    until: 1,
    lost: [],
    participation: 'in' as const,
    state: { at: 'ended' as const, final: 'completed' as const, since: index },
  }));
  const known = { server: 'A', events: stale };
  const next = step(known, { server: 'A', draw: () => drawNone, programs: home(event) }, UnixSeconds(0));
  assert.equal(next.known.events.length, remembered + 1);
  assert.ok(next.known.events.some(({ mRID }) => mRID === nameOf(1)));
  assert.ok(
    !next.known.events.some(({ mRID }) => mRID === 'old4') && next.known.events.some(({ mRID }) => mRID === 'old5'),
  );
});

/** A moment in a client's life: time moves on (or back), and only part of what there is is seen. */
const anyMoment = fc.record({
  jump: fc.integer({ min: -15, max: 40 }),
  hidden: fc.uniqueArray(fc.integer({ min: 1, max: 8 })),
  programs: fc.integer({ min: 1, max: 3 }),
  server: fc.constantFrom('A', 'A', 'A', 'B'),
  optedOut: fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { maxLength: 2 }),
  rejected: fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { maxLength: 1 }),
});

test('every event ends in exactly one final response, whatever is seen when', () => {
  const finals: readonly ResponseName[] = finalResponses;
  fc.assert(
    fc.property(anyPrograms(), fc.array(anyMoment, { maxLength: 12 }), (all, moments) => {
      let known = nothingKnown;
      let now = 0;
      const posted = new Map<string, ResponseName[]>();
      const take = (seen: Seen<DERModes>): void => {
        const next = step(known, seen, UnixSeconds(now));
        known = next.known;
        for (const { events } of seen.programs) {
          for (const {
            event: { mRID },
          } of events) {
            const name = Buffer.from(mRID).toString('hex');
            if (!posted.has(name)) posted.set(name, []);
          }
        }
        for (const { subject, response } of next.due) posted.get(subject)?.push(response);
      };
      const draw = drawsOf('A');
      for (const moment of moments) {
        now += moment.jump;
        const hidden = new Set(moment.hidden.map((id) => `/derc/${id}`));
        const programs = all
          .slice(0, moment.programs)
          .map((home_) => withEvents(home_, (document) => (hidden.has(document.href ?? '') ? undefined : document)));
        const rejected = new Map(moment.rejected.map((id) => [nameOf(id), 'rejectedInvalid'] as const));
        take({ server: moment.server, programs, draw, rejected, optedOut: new Set(moment.optedOut.map(nameOf)) });
      }
      now += 1_000;
      take({ server: 'A', programs: [], draw });
      take({ server: 'A', programs: all, draw });
      for (const responses of posted.values()) {
        assert.equal(responses.filter((response) => response === 'received').length, 1);
        assert.equal(responses[0], 'received');
        assert.ok(responses.filter((response) => response === 'started').length <= 1);
        assert.equal(responses.filter((response) => finals.includes(response)).length, 1);
        assert.ok(finals.includes(responses.at(-1) ?? 'received'), `${responses.join(' ')}: nothing follows the end`);
      }
    }),
    { numRuns: 1_000 },
  );
});

test('what a client knows and plans does not hang on the order in which documents arrive', () => {
  const arrivals = anyPrograms(false).chain((programs) =>
    fc.tuple(fc.constant(programs), fc.array(fc.uniqueArray(fc.integer({ min: 1, max: 8 })), { maxLength: 6 })),
  );
  fc.assert(
    fc.property(arrivals, ([programs, batches]) => {
      const draw = drawsOf('A');
      const before = UnixSeconds(-50);
      let known = nothingKnown;
      const seen = new Set<string>();
      for (const batch of batches) {
        for (const id of batch) seen.add(`/derc/${id}`);
        const part = programs.map((home_) => withEvents(home_, (one) => (seen.has(one.href ?? '') ? one : undefined)));
        known = step(known, { server: 'A', programs: part, draw }, before).known;
      }
      const all = { server: 'A', programs, draw };
      const piecemeal = step(known, all, before);
      const atOnce = step(nothingKnown, all, before);
      assert.deepEqual(piecemeal.known, atOnce.known);
      assert.deepEqual(piecemeal.schedule.segments, step(atOnce.known, all, before).schedule.segments);
    }),
    { numRuns: 500 },
  );
});
