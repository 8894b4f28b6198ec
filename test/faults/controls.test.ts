import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control } from '#edge/client/test-utility.ts';
import { watts } from '#edge/control/test-site.ts';
import { FaultySite, type FaultySiteOptions, type Second } from './faulty-site.ts';

const connection = { importLimitW: 20_000, exportLimitW: 2_000 };
const within = 2;
const [begins, ends] = [60, 120];

interface Case extends Omit<FaultySiteOptions, 'connection'> {
  readonly name: string;
  /** DERControlBases of events from `begins` to `ends`, all at once. */
  readonly events: readonly string[];
  readonly limitW: number;
  readonly measured: (second: Second) => number;
  /** When the limit is to hold: from `begins` unless told. */
  readonly from?: number;
  readonly base?: string;
  readonly hasRunOut?: boolean;
}

const exportW = ({ gridW }: Second): number => 0 - gridW;
const generationW = ({ pvW, batteryW }: Second): number => pvW + Math.max(0, batteryW);

const cases: readonly Case[] = [
  {
    name: 'full power and a limit of the export',
    events: [`${watts('opModExpLimW', 1_000)}<opModFixedW>10000</opModFixedW>`],
    limitW: 1_000,
    measured: exportW,
  },
  {
    name: 'an event that allows more than the installer',
    events: [watts('opModExpLimW', 9_000)],
    limitW: 2_000,
    measured: exportW,
    from: 2,
  },
  {
    name: 'nothing imported and nothing generated: less is generated',
    events: [watts('opModImpLimW', 0) + watts('opModGenLimW', 0)],
    limitW: 0,
    measured: generationW,
  },
  {
    name: 'out of service and full power',
    events: ['<opModEnergize>false</opModEnergize><opModFixedW>10000</opModFixedW>'],
    limitW: 0,
    measured: generationW,
  },
  {
    name: 'a limit of the generation below that of the export',
    events: [watts('opModExpLimW', 2_000) + watts('opModGenLimW', 500)],
    limitW: 500,
    measured: generationW,
  },
  {
    name: 'two targets that contradict each other: the smaller one of 1200 W',
    events: [
      '<opModFixedW>8000</opModFixedW><opModTargetW><multiplier>0</multiplier><value>1200</value></opModTargetW>',
    ],
    charge: 50,
    // A target is met to two percent of the rating.
    limitW: 1_400,
    measured: ({ pvW, batteryW }) => pvW + batteryW,
  },
  {
    name: 'a permission that has expired: the default again',
    base: watts('opModExpLimW', 300),
    events: [watts('opModExpLimW', 1_900)],
    limitW: 300,
    measured: exportW,
    from: ends,
  },
  {
    name: 'an event that had run out when it came',
    base: watts('opModExpLimW', 300),
    events: [watts('opModExpLimW', 1_900)],
    hasRunOut: true,
    limitW: 300,
    measured: exportW,
    from: 50,
  },
];

for (const { name, events, limitW, measured, base, hasRunOut, from = begins, ...options } of cases) {
  test(`${name}: at most ${limitW} W within ${within} s`, async (t) => {
    const site = await FaultySite.start(t, { connection, charge: 100, ...options });
    if (base !== undefined) site.setDefault(base);
    const controls = events.map((asked, i) => ({
      mRID: i + 1,
      from: hasRunOut === true ? -ends : begins,
      seconds: ends - begins,
      base: asked,
    }));
    site.utility.setControls(controls.map(control));
    const end = from + 40;
    await site.runTo(end);
    const last = site.between(from, end).findLast((second) => measured(second) > limitW);
    const seconds = last === undefined ? 0 : last.at - from + 1;
    t.diagnostic(`the safest limit held after ${seconds} s`);
    assert.ok(seconds <= within, `${seconds} s`);
    if (from === ends) assert.ok(site.between(begins + 10, ends).some((second) => measured(second) > limitW));
  });
}
