import fc from 'fast-check';
import { formatMrid } from '../identity.ts';
import type { DERControl, DERControlBase, RandomizableEvent } from '../types.generated.ts';
import { type DERModes, derProgram } from './modes.ts';
import type { Draw } from './period.ts';
import type { EventProgram } from './program.ts';

/** For tests only: small events in a small world, so that they meet. */
export interface Sample {
  readonly id: number;
  readonly start?: number;
  readonly duration?: number;
  readonly created?: number;
  readonly randomizeStart?: number;
  readonly randomizeDuration?: number;
  readonly status?: number;
  readonly statusAt?: number;
  readonly required?: number;
  readonly base?: DERControlBase;
}

export const mRID = (id: number): Uint8Array => new Uint8Array(16).fill(id);
export const nameOf = (id: number): string => formatMrid(mRID(id));
export const watts = (value: number): { multiplier: number; value: number } => ({ multiplier: 0, value });

export const control = (sample: Sample): DERControl => ({
  href: `/derc/${sample.id}`,
  mRID: mRID(sample.id),
  replyTo: '/rsps/1/rsp',
  responseRequired: Uint8Array.of(sample.required ?? 3),
  creationTime: BigInt(sample.created ?? 0),
  EventStatus: {
    currentStatus: sample.status ?? 0,
    dateTime: BigInt(sample.statusAt ?? sample.created ?? 0),
    potentiallySuperseded: false,
  },
  interval: { start: BigInt(sample.start ?? 10), duration: sample.duration ?? 10 },
  randomizeStart: sample.randomizeStart,
  randomizeDuration: sample.randomizeDuration,
  DERControlBase: sample.base ?? { opModExpLimW: watts(sample.id) },
});

export const program = (id: number, primacy: number, samples: readonly Sample[]): EventProgram<DERModes> =>
  derProgram({ mRID: mRID(id), primacy }, samples.map(control));

/** Every boundary of randomisation counts in full (1 would be beyond it), or not at all. */
export const drawAll: Draw = { start: 1 - 2 ** -32, duration: 1 - 2 ** -32, cancel: 1 - 2 ** -32 };
export const drawNone: Draw = { start: 0, duration: 0, cancel: 0 };

const bases: readonly DERControlBase[] = [
  { opModExpLimW: watts(1) },
  { opModImpLimW: watts(2) },
  { opModExpLimW: watts(3), opModImpLimW: watts(4) },
  { opModExpLimW: watts(5), opModConnect: true, rampTms: 6_000 },
  {},
];

const time = fc.integer({ min: 0, max: 60 });

/** An event as its server writes it: created before now, its status not older than itself. */
const anySample = (randomised: boolean): fc.Arbitrary<Sample> =>
  fc
    .record({
      start: time,
      duration: fc.oneof(time, fc.constant(10)),
      created: fc.integer({ min: 0, max: 30 }),
      randomizeStart: randomised ? fc.integer({ min: -20, max: 20 }) : fc.constant(0),
      randomizeDuration: randomised ? fc.integer({ min: -20, max: 20 }) : fc.constant(0),
      status: fc.constantFrom(0, 0, 0, 0, 2, ...(randomised ? [3, 4] : [])),
      statusAt: fc.integer({ min: 0, max: 60 }),
      base: fc.constantFrom(...bases),
    })
    .map((sample) => ({ ...sample, id: 0, statusAt: sample.created + sample.statusAt }));

/** Up to three programs with up to eight events of different mRIDs. */
export const anyPrograms = (randomised = true): fc.Arbitrary<EventProgram<DERModes>[]> =>
  fc
    .tuple(
      fc.array(fc.tuple(anySample(randomised), fc.integer({ min: 0, max: 2 })), { maxLength: 8 }),
      fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 3, maxLength: 3 }),
    )
    .map(([samples, primacies]) =>
      primacies.map((primacy, at) => {
        const own = samples.flatMap(([sample, home], index) => (home === at ? [{ ...sample, id: index + 1 }] : []));
        return program(200 + at, primacy, own);
      }),
    );

/** The same program with other documents. */
export const withEvents = (
  home: EventProgram<DERModes>,
  change: (event: RandomizableEvent) => RandomizableEvent | undefined,
): EventProgram<DERModes> => ({
  ...home,
  events: home.events.flatMap((entry) => {
    const event = change(entry.event);
    return event === undefined ? [] : [{ ...entry, event }];
  }),
});
