import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UnixSeconds } from '#hal/units.ts';
import type { DERModes } from './modes.ts';
import { formatMrid } from '../identity.ts';
import type { RandomizableEvent } from '../types.generated.ts';
import { drawsOf, scheduledPeriod, widestPeriod } from './period.ts';
import type { EventProgram, Segment } from './program.ts';
import { activeAt, nextChange, type Schedule, schedule } from './schedule.ts';
import { anyPrograms, drawAll, drawNone, nameOf, program, watts } from './sample-events.ts';

const now = UnixSeconds(0);
const plain = (...programs: EventProgram<DERModes>[]): Schedule<DERModes> =>
  schedule(programs, { now, draw: () => drawNone });

type Share = readonly [event: string, from: number, until: number];
/** Who holds a mode from when until when. */
const lineOf = (plan: Schedule<DERModes>, mode: keyof DERModes): Share[] =>
  (linesOf(plan).get(mode) ?? []).map(({ source, from, until }) => [source.mRID, from, until]);
const linesOf = (plan: Schedule<DERModes>): ReadonlyMap<string, readonly Segment<unknown>[]> =>
  new Map(Object.entries(plan.segments));
const share = (id: number, from: number, until: number): Share => [nameOf(id), from, until];

const exp = { opModExpLimW: watts(1) };
const imp = { opModImpLimW: watts(1) };
const both = { ...exp, ...imp };

test('a lower primacy number supersedes at its start, and the other event does not resume (GEN-10, 2018 edition)', () => {
  const utility = program(201, 1, [{ id: 1, start: 20, duration: 10 }]);
  const site = program(202, 2, [{ id: 2, start: 10, duration: 40, created: 5 }]);
  const plan = plain(site, utility);
  assert.deepEqual(lineOf(plan, 'opModExpLimW'), [share(2, 10, 20), share(1, 20, 30)]);
  assert.deepEqual(plan.outcomes.get(nameOf(2))?.lost, [{ mode: 'opModExpLimW', at: 20, by: nameOf(1), created: 0 }]);
});

test('an event that would start under a stronger one never starts (BASIC-022)', () => {
  const plan = plain(
    program(201, 1, [{ id: 1, start: 10, duration: 20 }]),
    program(202, 2, [{ id: 2, start: 20, duration: 40 }]),
  );
  assert.deepEqual(lineOf(plan, 'opModExpLimW'), [share(1, 10, 30)]);
  assert.equal(plan.outcomes.get(nameOf(2))?.lost[0]?.at, 10);
});

test('of equal primacy the newer event wins, of equal age the greater mRID', () => {
  const newer = plain(
    program(201, 1, [
      { id: 1, created: 5 },
      { id: 2, start: 15, created: 4 },
    ]),
  );
  assert.deepEqual(lineOf(newer, 'opModExpLimW'), [share(1, 10, 20)]);
  const greater = plain(program(201, 1, [{ id: 1 }, { id: 2, start: 15 }]));
  assert.deepEqual(lineOf(greater, 'opModExpLimW'), [share(1, 10, 15), share(2, 15, 25)]);
});

test('independent modes compose, and an event partly superseded goes on in its others (BASIC-024 to 026)', () => {
  const plan = plain(
    program(201, 1, [{ id: 1, start: 15, duration: 10, base: exp }]),
    program(202, 2, [{ id: 2, start: 10, duration: 30, base: both }]),
  );
  assert.deepEqual(lineOf(plan, 'opModExpLimW'), [share(2, 10, 15), share(1, 15, 25)]);
  assert.deepEqual(lineOf(plan, 'opModImpLimW'), [share(2, 10, 40)]);
  assert.equal(plan.outcomes.get(nameOf(2))?.until, 40);
});

test('a superseded event supersedes no longer: the third in rank runs after the first', () => {
  const plan = plain(
    program(201, 1, [{ id: 1, start: 10, duration: 10 }]),
    program(202, 2, [{ id: 2, start: 15, duration: 25 }]),
    program(203, 3, [{ id: 3, start: 30, duration: 20 }]),
  );
  assert.deepEqual(lineOf(plan, 'opModExpLimW'), [share(1, 10, 20), share(3, 30, 50)]);
});

test('an event that is cancelled before it starts supersedes nothing; one cancelled later keeps what it had', () => {
  const weak = { id: 2, start: 15, duration: 40 };
  const withStrong = (statusAt: number): Schedule<DERModes> =>
    schedule([program(201, 1, [{ id: 1, start: 20, duration: 30, status: 2, statusAt }]), program(202, 2, [weak])], {
      now: UnixSeconds(100),
      draw: () => drawNone,
    });
  assert.deepEqual(lineOf(withStrong(12), 'opModExpLimW'), [share(2, 15, 55)]);
  assert.deepEqual(withStrong(12).outcomes.get(nameOf(1))?.cut, { at: 12, status: 'cancelled' });
  assert.deepEqual(lineOf(withStrong(25), 'opModExpLimW'), [share(2, 15, 20), share(1, 20, 25)]);
});

test('what is created after a stronger event was cancelled is not touched by it', () => {
  const plan = schedule(
    [
      program(201, 1, [{ id: 1, start: 20, duration: 30, status: 2, statusAt: 25 }]),
      program(202, 2, [{ id: 2, start: 22, duration: 10, created: 26 }]),
    ],
    { now: UnixSeconds(27), draw: () => drawNone },
  );
  assert.deepEqual(lineOf(plan, 'opModExpLimW'), [share(1, 20, 25), share(2, 26, 32)]);
});

test('a cancellation with randomisation lets the event run on by up to the larger boundary', () => {
  const sample = { id: 1, start: 10, duration: 50, randomizeDuration: 5, status: 3, statusAt: 20 };
  const at = { now: UnixSeconds(20), draw: () => drawAll };
  assert.deepEqual(lineOf(schedule([program(201, 1, [sample])], at), 'opModExpLimW'), [share(1, 10, 25)]);
  const over = schedule([program(201, 1, [{ ...sample, statusAt: 70 }])], { ...at, now: UnixSeconds(80) });
  assert.deepEqual(over.outcomes.get(nameOf(1))?.cut, undefined);
});

test('adjacent events join without a hole and without an overlap, whatever their randomisation (ALL-22)', () => {
  const samples = [0, 1, 2, 3].map((n) => ({ id: n + 1, start: 100 + n * 120, duration: 120, randomizeStart: 60 }));
  fc.assert(
    fc.property(fc.string(), (device) => {
      const draw = drawsOf(device);
      const segments = schedule([program(201, 0, samples)], { now, draw }).segments.opModExpLimW ?? [];
      assert.equal(segments.length, 4);
      for (const [index, { from, until }] of segments.entries()) {
        assert.ok(from >= 100 + index * 120 && from <= 160 + index * 120);
        assert.equal(until, segments[index + 1]?.from ?? from + 120);
      }
    }),
  );
});

test('an event that ends in the second in which the next starts is joined to it even when randomised shorter', () => {
  const first = { id: 1, start: 10, duration: 20, randomizeDuration: -10 };
  const join = (start: number): Schedule<DERModes> =>
    schedule([program(201, 0, [first, { id: 2, start, duration: 10 }])], { now, draw: () => drawAll });
  assert.deepEqual(lineOf(join(30), 'opModExpLimW'), [share(1, 10, 30), share(2, 30, 40)]);
  assert.deepEqual(lineOf(join(31), 'opModExpLimW'), [share(1, 10, 20), share(2, 31, 41)]);
});

test('of adjacent events whose randomisation makes them start together the earlier one gives way', () => {
  const plan = schedule(
    [
      program(201, 0, [
        { id: 1, start: 10, duration: 10, randomizeStart: 10 },
        { id: 2, start: 20, duration: 10 },
      ]),
    ],
    { now, draw: () => drawAll },
  );
  assert.deepEqual(lineOf(plan, 'opModExpLimW'), [share(2, 20, 30)]);
  assert.equal(plan.outcomes.get(nameOf(1))?.lost[0]?.at, 20);
});

test('an event that the server marked superseded ends at once, unless its known winner is due and only randomised', () => {
  const marked = { id: 1, start: 10, duration: 50, status: 4, statusAt: 20 };
  const winner = { id: 2, start: 20, duration: 10, created: 5, randomizeStart: 8 };
  const at = (...samples: Parameters<typeof program>[2][number][]): Schedule<DERModes> =>
    schedule([program(201, 0, samples)], { now: UnixSeconds(21), draw: () => drawAll });
  assert.deepEqual(lineOf(at(marked), 'opModExpLimW'), [share(1, 10, 20)]);
  assert.deepEqual(at(marked).outcomes.get(nameOf(1))?.cut, { at: 20, status: 'superseded' });
  assert.deepEqual(lineOf(at(marked, winner), 'opModExpLimW'), [share(1, 10, 28), share(2, 28, 38)]);
  assert.deepEqual(lineOf(at(marked, { ...winner, start: 25 }), 'opModExpLimW')[0], share(1, 10, 20));
  assert.deepEqual(lineOf(at(marked, { ...winner, base: imp }), 'opModExpLimW')[0], share(1, 10, 20));
  const cancelled = { ...winner, status: 2, statusAt: 15 };
  assert.deepEqual(lineOf(at(marked, cancelled), 'opModExpLimW'), [share(1, 10, 20)]);
});

test('an mRID that stands in two programs counts once, with the better primacy', () => {
  const plan = plain(program(201, 2, [{ id: 1 }]), program(202, 1, [{ id: 1 }]));
  assert.deepEqual(lineOf(plan, 'opModExpLimW'), [share(1, 10, 20)]);
  assert.equal(plan.outcomes.get(nameOf(1))?.source.primacy, 1);
  const tie = plain(program(201, 1, [{ id: 1 }]), program(202, 1, [{ id: 1 }, { id: 1, statusAt: 9 }]));
  assert.equal(tie.outcomes.get(nameOf(1))?.source.program, nameOf(202));
});

const withDefault = (home: EventProgram<DERModes>, modes: Partial<DERModes>): EventProgram<DERModes> => ({
  ...home,
  default: { mRID: `${home.mRID}d`, modes },
});

test('each mode falls back to the program with the highest priority that has a default for it (GEN-10)', () => {
  const plan = plain(
    withDefault(program(202, 2, [{ id: 2 }]), { opModExpLimW: watts(20), opModImpLimW: watts(21) }),
    withDefault(program(201, 1, []), { opModExpLimW: watts(10), setGradW: 27 }),
    withDefault(program(203, 2, []), { opModImpLimW: watts(31) }),
    program(204, 0, []),
  );
  assert.equal(plan.defaults.opModExpLimW?.source.program, nameOf(201));
  assert.equal(plan.defaults.opModImpLimW?.source.program, nameOf(203));
  assert.equal(plan.defaults.setGradW?.value, 27);
});

test('what holds now tells its source and its bounds, for events and for defaults', () => {
  const plan = plain(withDefault(program(201, 1, [{ id: 1 }, { id: 2, start: 30 }]), { opModExpLimW: watts(10) }));
  const at = (time: number): unknown => {
    const { value, source, since, until } = activeAt(plan, UnixSeconds(time)).opModExpLimW ?? assert.fail();
    return [value.value, source.kind, since, until];
  };
  assert.deepEqual(
    [at(0), at(10), at(19), at(20), at(35), at(40)],
    [
      [10, 'default', undefined, 10],
      [1, 'event', 10, 20],
      [1, 'event', 10, 20],
      [10, 'default', 20, 30],
      [2, 'event', 30, 40],
      [10, 'default', 40, undefined],
    ],
  );
  assert.deepEqual(activeAt(plain(program(201, 1, [{ id: 1 }])), UnixSeconds(5)), {});
  const quiet = activeAt(plain(withDefault(program(201, 1, []), { opModConnect: true })), UnixSeconds(5));
  assert.equal(quiet.opModConnect?.value, true);
});

test('the next change is the next start, end or loss', () => {
  const plan = plain(
    program(201, 1, [{ id: 1, start: 15, duration: 10, base: exp }]),
    program(202, 2, [{ id: 2, start: 10, duration: 30, base: both }]),
  );
  const changes: number[] = [];
  for (let at = nextChange(plan, now); at !== undefined; at = nextChange(plan, at)) changes.push(at);
  assert.deepEqual(changes, [10, 15, 25, 40]);
});

const comparable = (plan: Schedule<DERModes>): unknown => ({
  segments: plan.segments,
  defaults: plan.defaults,
  outcomes: [...plan.outcomes]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, outcome]) => [
      name,
      { ...outcome, lost: outcome.lost.toSorted((a, b) => (a.mode < b.mode ? -1 : 1)) },
    ]),
});

test('the order of programs and events makes no difference', () => {
  const shuffled = anyPrograms().chain((programs) =>
    fc.tuple(
      fc.constant(programs),
      fc.shuffledSubarray(programs, { minLength: programs.length }),
      fc.infiniteStream(fc.nat()),
    ),
  );
  fc.assert(
    fc.property(shuffled, ([programs, others, keys]) => {
      const draw = drawsOf('A');
      const mixed = others.map((home) => ({
        ...home,
        events: home.events
          .map((entry) => [keys.next().value, entry] as const)
          .toSorted(([a], [b]) => a - b)
          .map(([, entry]) => entry),
      }));
      const at = { now: UnixSeconds(40), draw };
      assert.deepEqual(comparable(schedule(mixed, at)), comparable(schedule(programs, at)));
    }),
    { numRuns: 500 },
  );
});

test('at no instant two events hold one mode, none runs outside its bounds, and adjacent ones leave no hole', () => {
  fc.assert(
    fc.property(anyPrograms(), fc.integer({ min: 0, max: 60 }), (programs, at) => {
      const plan = schedule(programs, { now: UnixSeconds(at), draw: drawsOf('A') });
      const documents = programs.flatMap(({ events }) => events).map(({ event }) => event);
      const events = new Map(documents.map((event) => [formatMrid(event.mRID), event]));
      const of = (mRID: string): RandomizableEvent => events.get(mRID) ?? assert.fail();
      for (const line of linesOf(plan).values()) {
        for (const [index, { from, until, source }] of line.entries()) {
          const event = of(source.mRID);
          const widest = widestPeriod(event);
          const next = line[index + 1];
          const touches =
            next !== undefined && scheduledPeriod(of(next.source.mRID)).from === scheduledPeriod(event).until;
          assert.ok(from < until);
          assert.ok(next === undefined || until <= next.from, 'overlap');
          assert.ok(widest.from <= from && (until <= widest.until || touches), 'out of bounds');
          const { lost } = plan.outcomes.get(source.mRID) ?? assert.fail();
          const isWhole = lost.length === 0 && event.EventStatus.currentStatus === 0;
          if (isWhole && touches) assert.equal(until, next.from, 'hole');
        }
      }
    }),
    { numRuns: 500 },
  );
});
