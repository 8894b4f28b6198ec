import { type Static, Type } from 'typebox';
import { meterMaps } from '#drivers/meter/maps.ts';
import { quantityNames, unitNames } from './quantities.ts';

const closed = { additionalProperties: false } as const;
const mostW = 10_000_000;
const seconds = (description: string) => Type.Integer({ minimum: 1, maximum: 86_400, description });
const watts = (description: string) => Type.Integer({ minimum: -mostW, maximum: mostW, description });
const orNone = (minimum: number, description: string) =>
  Type.Optional(
    Type.Union([Type.Integer({ minimum, maximum: mostW }), Type.Null()], {
      title: `an integer from ${minimum} to ${mostW}, or null for none`,
      description,
    }),
  );

const conditions = Type.Object(
  {
    irradianceWm2: Type.Optional(
      Type.Union([Type.Number({ minimum: 0, maximum: 1500 }), Type.Literal('sky')], {
        title: 'a number from 0 to 1500, or sky',
        description: 'On the modules; `sky`: as the sun and the clouds of the seed have it',
      }),
    ),
    temperatureC: Type.Optional(Type.Number({ minimum: -40, maximum: 60, description: 'Of the air; 25 unless told' })),
    loadW: Type.Optional(
      Type.Union([Type.Integer({ minimum: -mostW, maximum: mostW }), Type.Literal('building')], {
        title: 'an integer, or building',
        description:
          'What the building draws; below 0 something else in it generates. `building`: as the appliances of the seed have it',
      }),
    ),
    voltagePercent: Type.Optional(Type.Number({ minimum: 0, maximum: 150, description: 'Of the nominal voltage' })),
    frequencyHz: Type.Optional(Type.Number({ minimum: 40, maximum: 70 })),
    ripplePercent: Type.Optional(
      Type.Enum([0, 30, 60, 100], { description: 'What the network operator’s ripple control allows' }),
    ),
  },
  { ...closed, description: 'What the emulation does. On real devices a person is asked for it.' },
);

const expectation = Type.Object(
  {
    quantity: Type.Enum([...quantityNames]),
    is: Type.Optional(
      Type.Union([Type.Number(), Type.Literal('actual')], {
        title: 'a number, or actual',
        description: '`actual`: what truly flows, second by second; only a twin knows it',
      }),
    ),
    atLeast: Type.Optional(Type.Number()),
    atMost: Type.Optional(Type.Number()),
    unit: Type.Optional(
      Type.Enum(unitNames, { description: 'Of the numbers; the base unit of the quantity unless told' }),
    ),
    tolerance: Type.Optional(
      Type.Union([Type.Number({ minimum: 0 }), Type.String({ pattern: '^\\$[a-z][A-Za-z0-9]*$' })], {
        title: 'a number from 0, or one of the values, like $step',
        description: 'In `unit`; 0 unless told',
      }),
    ),
    percent: Type.Optional(
      Type.Number({ minimum: 0, maximum: 100, description: 'The same as a share; the greater of the two counts' }),
    ),
    by: Type.Optional(
      Type.Enum(['board', 'twin'], {
        description:
          'board: what the drivers read, unless told. twin: what truly flows; where the device is real, what the drivers read',
      }),
    ),
    of: Type.Optional(
      Type.String({ title: 'the name of a neighbour, or all', description: 'A neighbour’s meter, or each of them' }),
    ),
    mayBeSilent: Type.Optional(Type.Boolean({ description: 'Seconds without an answer are passed over' })),
  },
  closed,
);

const part = Type.String({
  title: 'clamps, inverter, battery, board, server or the name of a neighbour',
  description: 'board: nobody controls any more, as after a loss of its power. server: the utility is out of reach.',
});

const limits = Type.Object(
  {
    exportW: orNone(0, 'At the connection point'),
    importW: orNone(0, 'At the connection point'),
    generationW: orNone(0, 'Of PV and battery'),
    rampSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 3600, description: 'At once unless told' })),
  },
  { ...closed, description: 'Limits of the utility, as an event of IEEE 2030.5 sets them; those left out stay.' },
);

const dispatch = Type.Object(
  {
    batteryW: orNone(-mostW, 'What the battery is to give; below 0 it charges'),
    plantW: orNone(-mostW, 'What PV and battery together are to give'),
  },
  { ...closed, description: 'Targets of the utility; those left out stay.' },
);

const step = Type.Union([
  Type.Object({ set: conditions }, closed),
  Type.Object(
    {
      expect: expectation,
      within: Type.Optional(seconds('So long it may take')),
      for: Type.Optional(seconds('So long it must stay so; one reading unless told')),
    },
    closed,
  ),
  Type.Object({ limit: limits }, closed),
  Type.Object({ dispatch }, closed),
  Type.Object({ wait: seconds('Time passes') }, closed),
  Type.Object({ pull: part }, closed),
  Type.Object({ restore: part }, closed),
  Type.Object({ storm: Type.Boolean({ description: 'The faults of `line` begin or end' }) }, closed),
]);

/** The one Modbus meter that has no register map. */
export const sunSpecMeter = 'sunspec-meter';
const modbusMeters = [...meterMaps.map(({ name }) => name), sunSpecMeter];
const values = Type.Optional(
  Type.Record(Type.String(), Type.Number({ minimum: 0 }), { description: 'Tolerances by names of the plan’s own' }),
);
const settings = Type.Record(Type.String(), Type.Unknown(), { title: 'a device as a board file has it' });

/** The published schema of a bench plan (`boards/bench/plan.schema.json`). */
export const planSchema = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 120, title: 'a text of 1 to 120 characters' }),
    board: Type.String({ minLength: 1, title: 'a board file, by its path from the plan’s folder' }),
    start: Type.Optional(
      Type.String({
        pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$',
        title: 'a time like 2026-06-21T19:00:00Z',
        description: 'What time it is where all devices are emulated',
      }),
    ),
    charge: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 100,
        description: 'Of an emulated battery at the start, percent; 50 unless told',
      }),
    ),
    line: Type.Optional(
      Type.Object(
        {
          baud: Type.Integer({ minimum: 300, maximum: 921_600 }),
          faults: Type.Optional(
            Type.Number({
              exclusiveMinimum: 0,
              maximum: 1,
              description: 'The chance that an answer meets a fault while there is a storm',
            }),
          ),
        },
        {
          ...closed,
          description:
            'The emulated Modbus devices hang on one RTU line: a pseudo-terminal, or with faults a line in this program. They are behind a Modbus TCP gateway unless told.',
        },
      ),
    ),
    neighbours: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$', title: 'a name in lower case' }),
            driver: Type.Enum(modbusMeters),
            unit: Type.Integer({ minimum: 1, maximum: 247 }),
            loadW: watts('What flows through it while it is emulated'),
          },
          closed,
        ),
        {
          maxItems: 32,
          description: 'Meters on the line of the clamps that the board does not need, but that are there',
        },
      ),
    ),
    matrix: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Type.String({ pattern: '^[a-z0-9][a-z0-9.-]{0,47}$', title: 'a name in lower case' }),
            devices: Type.Object(
              {
                clamps: Type.Optional(settings),
                inverter: Type.Optional(settings),
                battery: Type.Optional(settings),
                ripple: Type.Optional(settings),
                contactor: Type.Optional(settings),
              },
              closed,
            ),
            values,
          },
          closed,
        ),
        {
          minItems: 1,
          maxItems: 100,
          description: 'The plan is run for each of these, with these devices in place of the board file’s',
        },
      ),
    ),
    values,
    steps: Type.Array(step, { minItems: 1, maxItems: 500, title: 'a list of at least one step' }),
  },
  {
    ...closed,
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:gridtokenx:bench-plan:v1',
    description: 'Bench plan of GridTokenX: what is done to a board and its devices, and what is expected of them.',
  },
);

export type Plan = Static<typeof planSchema>;
type WrittenStep = Plan['steps'][number];
/** A tolerance may still be the name of a value. */
export type WrittenExpectation = Static<typeof expectation>;
type WrittenExpectStep = Extract<WrittenStep, { readonly expect: WrittenExpectation }>;
export type Expectation = Omit<WrittenExpectation, 'tolerance'> & { readonly tolerance?: number };
export type ExpectStep = Omit<WrittenExpectStep, 'expect'> & { readonly expect: Expectation };
/** With its values in it. */
export type Step = Exclude<WrittenStep, WrittenExpectStep> | ExpectStep;
export type Conditions = Static<typeof conditions>;
export type Limits = Static<typeof limits>;
export type Dispatch = Static<typeof dispatch>;
export type Neighbour = NonNullable<Plan['neighbours']>[number];
