import assert from 'node:assert/strict';
import type { Seen } from '../context.ts';
import { assertHolds } from '../elements.ts';
import type { Elements } from '../operator.ts';
import { sendResponse } from '../response-actions.ts';
import type { ServerStand } from '../stand.ts';
import { createSubscription, collectNotifications } from '../subscription-actions.ts';
import type { Program } from '../utility.ts';
import type { ClientKind } from '../virtual-client.ts';
import { primacyOf, Site, Status, statusOf, sunspec } from './site.ts';

type Group = 'System' | 'Service point';

interface PlannedEvent {
  readonly group: Group;
  /** When the operator makes it, seconds from the scenario's beginning. */
  readonly made: number;
  readonly start: number;
  readonly duration: number;
  readonly base: Elements;
  /** What the client says in the end: 3 completed, 7 superseded by an event of a stronger program. */
  readonly final: 3 | 7;
}

interface Scenario {
  readonly title: string;
  readonly defaults: readonly Group[];
  readonly groups: readonly Group[];
  readonly events: readonly PlannedEvent[];
}

const limit = (opModMaxLimW: number): Elements => ({ opModMaxLimW });
const reactive: Elements = { opModFixedVar: { refType: 1, value: 1000 } };

/** Two events that overlap from 300 s to 400 s: of the system, and of the service point. */
const overlapping = (
  order: 'System first' | 'Service point first' | 'Service point late',
  isSimilar: boolean,
): PlannedEvent[] => {
  const late = order === 'Service point late';
  const system: PlannedEvent = {
    group: 'System',
    made: order === 'Service point first' ? 30 : 0,
    start: 120,
    duration: 280,
    base: limit(8000),
    final: isSimilar ? 7 : 3,
  };
  const servicePoint: PlannedEvent = {
    group: 'Service point',
    made: late ? 180 : order === 'System first' ? 30 : 0,
    start: 300,
    duration: 180,
    base: isSimilar ? limit(5000) : reactive,
    final: 3,
  };
  return [system, servicePoint];
};

const both: readonly Group[] = ['System', 'Service point'];

const overlap = (order: Parameters<typeof overlapping>[0], isSimilar: boolean): Scenario => ({
  title: `Overlapping ${isSimilar ? 'similar' : 'independent'} controls: ${orderNames[order]}`,
  groups: both,
  defaults: both,
  events: overlapping(order, isSimilar),
});

const orderNames = {
  'System first': 'System, then Service Point, before start',
  'Service point first': 'Service Point, then System, before start',
  'Service point late': 'System, then Service Point, after start',
} as const;

const event = (group: Group, start: number, opModMaxLimW: number): PlannedEvent => ({
  group,
  made: 0,
  start,
  duration: 120,
  base: limit(opModMaxLimW),
  final: 3,
});

/** BASIC-016 to 026, in their order; AGG-002 to 012 are the same for an aggregator. */
const scenarios: readonly Scenario[] = [
  { title: '2 programs, 2 defaults, 0 events', groups: both, defaults: both, events: [] },
  { title: '1 program, 0 defaults, 1 event', groups: ['System'], defaults: [], events: [event('System', 120, 7000)] },
  {
    title: '1 program, 1 default, 1 event',
    groups: ['System'],
    defaults: ['System'],
    events: [event('System', 120, 7000)],
  },
  {
    title: '1 program, 1 default, 2 events that do not overlap',
    groups: ['System'],
    defaults: ['System'],
    events: [event('System', 120, 7000), event('System', 300, 6000)],
  },
  {
    title: '2 programs, 2 defaults, 2 events that do not overlap',
    groups: both,
    defaults: both,
    events: [event('System', 120, 7000), event('Service point', 300, 6000)],
  },
  ...[true, false].flatMap((isSimilar) => [
    overlap('System first', isSimilar),
    overlap('Service point first', isSimilar),
    overlap('Service point late', isSimilar),
  ]),
];

const defaultOf = (group: Group): Elements => limit(group === 'System' ? 9500 : 9000);

/** Plays a scenario at a server, and holds what a client sees against the plan whenever something changes. */
const play =
  ({ groups, defaults, events }: Scenario, kind: ClientKind) =>
  async (stand: ServerStand): Promise<void> => {
    await using site = await Site.make(stand, kind);
    const programs = new Map<Group, Program>();
    for (const group of groups) {
      const program = await site.utility.addProgram(primacyOf(group), group);
      if (defaults.includes(group)) {
        await site.utility.setDefault(program, { DERControlBase: defaultOf(group) });
      }
      programs.set(group, program);
    }
    await checkPrograms(site, groups, defaults);
    const subscribed = kind === 'aggregator' ? await subscribe(site) : [];

    const beginning = stand.now();
    const nameOf = (planned: PlannedEvent): string => `event ${events.indexOf(planned)}`;
    const made = new Set<PlannedEvent>();
    const seen = new Map<PlannedEvent, Seen>();
    const answered = new Map<PlannedEvent, number[]>(events.map((planned) => [planned, []]));
    const moments = events.flatMap(({ made: at, start, duration }) => [at, start, start + duration]);
    for (const moment of [...new Set(moments)].toSorted((a, b) => a - b)) {
      if (beginning + moment > stand.now()) await stand.advance(beginning + moment - stand.now());
      const elapsed = stand.now() - beginning;
      for (const planned of events.filter((candidate) => candidate.made <= elapsed && !made.has(candidate))) {
        const { group, start, duration, base } = planned;
        const times = { delay: start - elapsed, duration };
        await site.addControl(programs.get(group) as Program, base, times, { description: nameOf(planned) });
        made.add(planned);
        await checkNotified(site, subscribed, nameOf(planned));
      }
      const current = [...made].filter(({ start, duration }) => elapsed < start + duration);
      const expected = current.map((planned) => [
        nameOf(planned),
        elapsed >= planned.start ? Status.active : Status.scheduled,
      ]);
      // Only events of one program supersede each other at the server: XSD, EventStatus.currentStatus 4.
      assert.deepEqual(await site.statuses(), Object.fromEntries(expected), `${elapsed} s after the beginning`);
      const active = current.filter(({ start }) => elapsed >= start);
      assert.equal((await site.active()).length, active.length, `active events after ${elapsed} s`);
      await respond(site, answered, elapsed, { made, seen, nameOf });
    }
    for (const planned of events) assert.deepEqual(answered.get(planned), [1, 2, planned.final], nameOf(planned));
    await checkPrograms(site, groups, defaults);
  };

async function checkPrograms(site: Site, groups: readonly Group[], defaults: readonly Group[]): Promise<void> {
  const found = await site.find('DERProgram');
  const primacies = found.map(({ element }) => element.number('primacy') ?? -1);
  assert.deepEqual(new Set(primacies), new Set(groups.map(primacyOf)));
  const standing = await site.find('DefaultDERControl');
  assert.equal(standing.length, defaults.length, 'how many programs have a default');
  for (const group of defaults) {
    const own = standing.find(({ parent }) => parent?.element.number('primacy') === primacyOf(group));
    assert.ok(own !== undefined, `${group} has no default`);
    assertHolds(own.element.at('DERControlBase'), defaultOf(group));
  }
}

interface Played {
  readonly made: ReadonlySet<PlannedEvent>;
  /** As the client saw them last: an event that is over leaves its list, and is still answered. */
  readonly seen: Map<PlannedEvent, Seen>;
  readonly nameOf: (planned: PlannedEvent) => string;
}

/** Sends what a client owes at a time: received, started, and completed or superseded. */
async function respond(
  site: Site,
  answered: ReadonlyMap<PlannedEvent, number[]>,
  elapsed: number,
  { made, seen, nameOf }: Played,
): Promise<void> {
  for (const planned of made) {
    const control = site.client.context
      .all('DERControl')
      .find(({ element }) => element.value('description') === nameOf(planned));
    const known = control ?? seen.get(planned);
    assert.ok(known !== undefined, `${nameOf(planned)} was never seen`);
    seen.set(planned, known);
    const stronger = [...made].find((other) => planned.final === 7 && other.final === 3 && elapsed >= other.start);
    const isOver = stronger !== undefined || elapsed >= planned.start + planned.duration;
    const due = [1, ...(elapsed >= planned.start ? [2] : []), ...(isOver ? [planned.final] : [])];
    const sent = answered.get(planned) as number[];
    for (const status of due.filter((one) => !sent.includes(one))) {
      await sendResponse(site.client, known, status);
      sent.push(status);
    }
  }
}

/** The list of controls of each program. */
async function subscribe(site: Site): Promise<string[]> {
  const lists = await site.find('DERControlList');
  const names: string[] = [];
  for (const [at, list] of lists.entries()) {
    site.client.context.set('DERControlList', [list]);
    const sub_id = `controls-${at}`;
    await createSubscription(site.client, { sub_id, resource: 'DERControlList' });
    names.push(sub_id);
  }
  return names;
}

/** A new event is told to who has subscribed to its list. */
async function checkNotified(site: Site, subscribed: readonly string[], description: string): Promise<void> {
  if (subscribed.length === 0) return;
  site.client.context.forget('DERControl');
  for (const sub_id of subscribed) await collectNotifications(site.client, { sub_id, collect: true });
  const told = site.client.context
    .all('DERControl')
    .filter(({ element }) => element.value('description') === description);
  assert.equal(told.length, 1, `notifications of ${description}`);
  assert.ok(statusOf(told[0]!.element) !== undefined);
}

const idOf = (list: string, number: number): string => `${list}-${String(number).padStart(3, '0')}`;

export const basicScenarioTests = scenarios.map((scenario, at) =>
  sunspec(idOf('BASIC', 16 + at), scenario.title, play(scenario, 'device')),
);

export const aggregatorScenarioTests = scenarios.map((scenario, at) =>
  sunspec(idOf('AGG', 2 + at), `Aggregator: ${scenario.title}`, play(scenario, 'aggregator')),
);
