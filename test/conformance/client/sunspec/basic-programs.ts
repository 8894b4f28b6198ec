/** BASIC-016 to -026 and AGG-002 to -012: programs, their defaults and events, one generator for all. */
import assert from 'node:assert/strict';
import { aggregated } from '../client-under-test.ts';
import type { SiteUnderTest } from '../site-under-test.ts';
import type { ClientStand } from '../stand.ts';
import type { UnderTest } from '../under-test.ts';
import type { Modes, UtilityControl, UtilityProgram } from '../utility/state.ts';
import {
  addControl,
  assertAnswers,
  assertPower,
  onePoll,
  type SunSpecTest,
  sunSpecTest,
  withClient,
  withSite,
} from './scene.ts';

type ProgramName = 'system' | 'servicePoint';

interface Event {
  readonly program: ProgramName;
  /** Seconds from the test's begin at which the utility makes it. */
  readonly madeAt: number;
  readonly from: number;
  readonly seconds: number;
  readonly modes: Modes;
  readonly answers: readonly number[];
}

interface Case {
  readonly number: number;
  readonly title: string;
  /** With the default's opModMaxLimW, percent; `null` for a program without a default. */
  readonly programs: Partial<Record<ProgramName, number | null>>;
  readonly events: readonly Event[];
  /** Seconds from the begin, and the generation that is expected then, percent of the rating. */
  readonly expected: readonly (readonly [at: number, percent: number])[];
  /** Where reactive power is ordered too: from and until. */
  readonly reactive?: readonly [from: number, until: number];
}

/** CSIP v2.1 §4.2: the program of the service point goes before that of the system. */
const primacies: Readonly<Record<ProgramName, number>> = { system: 89, servicePoint: 1 };

/** What the sun gives, percent of the rating; a limit above it would not be seen. */
const unlimited = 90;
const limit = (percent: number): Modes => ({ opModMaxLimW: percent });
const powerFactor: Modes = {
  opModFixedPFInjectW: {
    xml: '<displacement>900</displacement><excitation>false</excitation><multiplier>-3</multiplier>',
  },
};
const done = [1, 2, 3];
const superseded = [1, 2, 7];

const eventOf = (
  program: ProgramName,
  from: number,
  modes: Modes,
  answers: readonly number[] = done,
  madeAt = 0,
): Event => ({
  program,
  madeAt,
  from,
  seconds: 600,
  modes,
  answers,
});

/** A System event at 300 s and one of the Service Point at 600 s, each of 600 s. */
const overlapping = (
  order: 'system first' | 'service point first' | 'after start',
  other: Modes,
  ends: readonly number[],
) => {
  const system = eventOf('system', 300, limit(40), ends, order === 'service point first' ? 100 : 0);
  const late = { 'system first': 100, 'service point first': 0, 'after start': 400 }[order];
  return [system, eventOf('servicePoint', 600, other, done, late)];
};
/** System acts until the Service Point's begins, and does not come back (IEEE 2030.5-2018 §10.2.3.4). */
const oneAfterTheOther = [
  [550, 40],
  [850, 60],
  [1150, 60],
] as const;
/** Both act, each in its mode. */
const sideBySide = [
  [550, 40],
  [850, 40],
] as const;

const similar = (number: number, order: Parameters<typeof overlapping>[0], name: string): Case => ({
  number,
  title: `2 programs, overlapping similar controls: ${name}`,
  programs: { system: 80, servicePoint: 70 },
  events: overlapping(order, limit(60), superseded),
  expected: [[250, 70], ...oneAfterTheOther, [1450, 70]],
});

const independent = (number: number, order: Parameters<typeof overlapping>[0], name: string): Case => ({
  number,
  title: `2 programs, overlapping independent controls: ${name}`,
  programs: { system: 80, servicePoint: 70 },
  events: overlapping(order, powerFactor, done),
  expected: [[250, 70], ...sideBySide, [1450, 70]],
  reactive: [600, 1200],
});

const orders = [
  ['system first', 'System, then Service Point, before the start'],
  ['service point first', 'Service Point, then System, before the start'],
  ['after start', 'System, then Service Point after the start'],
] as const;

const cases: readonly Case[] = [
  {
    number: 16,
    title: '2 programs, 2 default controls, no event',
    programs: { system: 80, servicePoint: 70 },
    events: [],
    expected: [[300, 70]],
  },
  {
    number: 17,
    title: '1 program, no default control, 1 event',
    programs: { system: null },
    events: [eventOf('system', 300, limit(40))],
    expected: [
      [250, unlimited],
      [850, 40],
      [1450, unlimited],
    ],
  },
  {
    number: 18,
    title: '1 program, 1 default control, 1 event',
    programs: { system: 80 },
    events: [eventOf('system', 300, limit(40))],
    expected: [
      [250, 80],
      [850, 40],
      [1450, 80],
    ],
  },
  {
    number: 19,
    title: '1 program, 1 default control, 2 events that do not overlap',
    programs: { system: 80 },
    events: [eventOf('system', 300, limit(40)), eventOf('system', 1500, limit(60))],
    expected: [
      [850, 40],
      [1450, 80],
      [2050, 60],
      [2650, 80],
    ],
  },
  {
    number: 20,
    title: '2 programs, 2 default controls, 2 events that do not overlap',
    programs: { system: 80, servicePoint: 70 },
    events: [eventOf('system', 300, limit(40)), eventOf('servicePoint', 1500, limit(60))],
    expected: [
      [850, 40],
      [1450, 70],
      [2050, 60],
      [2650, 70],
    ],
  },
  ...orders.map(([order, name], i) => similar(21 + i, order, name)),
  ...orders.map(([order, name], i) => independent(24 + i, order, name)),
];

/** Makes the programs at once, and the events when their time comes. */
class Play {
  readonly #subject: UnderTest;
  readonly #case: Case;
  readonly #programs = new Map<ProgramName, UtilityProgram>();
  readonly controls = new Map<Event, UtilityControl>();
  #begun = 0;

  constructor(subject: UnderTest, one: Case) {
    this.#subject = subject;
    this.#case = one;
    const { utility } = subject.server;
    for (const [name, fallback] of Object.entries(one.programs) as [ProgramName, number | null][]) {
      const program = utility.addProgram({ primacy: primacies[name] });
      if (fallback === null) program.default = undefined;
      else utility.setDefault(program, { modes: limit(fallback), setGradW: 500 });
      this.#programs.set(name, program);
    }
  }

  begin(): void {
    this.#begun = this.#subject.now;
  }

  /** Plays on up to so many seconds from the begin. */
  async upTo(seconds: number): Promise<void> {
    const until = this.#begun + seconds;
    for (const event of this.#case.events.toSorted((a, b) => a.madeAt - b.madeAt)) {
      const madeAt = this.#begun + event.madeAt;
      if (this.controls.has(event) || madeAt > until) continue;
      await this.#subject.pass(madeAt - this.#subject.now);
      const program = this.#programs.get(event.program);
      assert.ok(program !== undefined);
      const from = this.#begun + event.from - this.#subject.now;
      this.controls.set(event, addControl(this.#subject, program, event.modes, { from, seconds: event.seconds }));
    }
    await this.#subject.pass(until - this.#subject.now);
  }

  /** When all is over. */
  get end(): number {
    return Math.max(300, ...this.#case.events.map(({ from, seconds }) => from + seconds)) + onePoll;
  }
}

/** tan(acos(0.9)): reactive over active power. */
const reactiveShare = Math.tan(Math.acos(0.9));

function checkSite(site: SiteUnderTest, { expected, reactive }: Case, at: number): void {
  const { pvW, gridW } = site.building.site.state;
  const percent = expected.find(([time]) => time === at)?.[1] ?? 0;
  assertPower(`at ${at} s`, pvW, Math.min(percent, unlimited) * 100);
  assertPower(`at the connection point at ${at} s`, -gridW, pvW);
  const isReactive = reactive !== undefined && at > reactive[0] && at < reactive[1];
  const expectedVar = isReactive ? pvW * reactiveShare : 0;
  assertPower(`reactive power at ${at} s`, Math.abs(site.building.site.gridVar), expectedVar);
}

async function runBasic(one: Case, stand: ClientStand): Promise<void> {
  let play: Play | undefined;
  await withSite(
    { stand },
    (site) => {
      play = new Play(site, one);
    },
    async (site) => {
      assert.ok(play !== undefined);
      await site.pass(onePoll);
      play.begin();
      for (const [at] of one.expected) {
        await play.upTo(at);
        checkSite(site, one, at);
      }
      await play.upTo(play.end);
      for (const event of one.events) assertAnswers(site, play.controls.get(event) as UtilityControl, event.answers);
    },
  );
}

/** The same for two devices of an aggregator: each answers for itself. */
async function runAggregated(one: Case, stand: ClientStand): Promise<void> {
  let play: Play | undefined;
  const devices = aggregated(2);
  await withClient(
    { stand, devices },
    (subject) => {
      const { utility } = subject.server;
      utility.register(subject.identity.lfdi, undefined, 0);
      for (const { lfdi } of devices) utility.register(lfdi, undefined);
      play = new Play(subject, one);
    },
    async (subject) => {
      assert.ok(play !== undefined);
      await subject.pass(onePoll);
      play.begin();
      await play.upTo(play.end);
      for (const event of one.events) {
        const control = play.controls.get(event) as UtilityControl;
        for (const id of [1, 2]) assertAnswers(subject, control, event.answers, id);
      }
    },
  );
}

const digits = (number: number): string => String(number).padStart(3, '0');

export const basicProgramTests: readonly SunSpecTest[] = cases.map((one) =>
  sunSpecTest(`BASIC-${digits(one.number)}`, one.title, (stand) => runBasic(one, stand)),
);

/** AGG-002 to -012 are BASIC-016 to -026 once more. */
export const aggregatorProgramTests: readonly SunSpecTest[] = cases.map((one) =>
  sunSpecTest(`AGG-${digits(one.number - 14)}`, `aggregator: ${one.title}`, (stand) => runAggregated(one, stand)),
);
