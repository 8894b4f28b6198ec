import assert from 'node:assert/strict';
import { addCurve, type CurveMode, reference } from '../curves.ts';
import type { ClientStand } from '../stand.ts';
import type { Modes, UtilityProgram } from '../utility/state.ts';
import {
  addControl,
  assertAnswers,
  assertPower,
  comesBackWithin,
  derStatusOf,
  onePoll,
  setGrid,
  type SunSpecTest,
  sunSpecTest,
  sunW,
  withSite,
} from './scene.ts';

/** The twin's greatest reactive power, var: 44 % of its rating (IEEE 1547-2018 §5.2, category B). */
const maxVar = 4_400;

const nominal = { voltagePercent: 100, frequencyHz: 60 } as const;

interface Disturbance {
  readonly voltagePercent?: number;
  readonly frequencyHz?: number;
  readonly seconds: number;
  /** W, at the end of it. */
  readonly expectedW?: number;
  readonly withinW?: number;
  /** var, of either sign. */
  readonly expectedVar?: (pvW: number) => number;
}

/** Sets a mode by an event and looks at the connection point while the grid does this and that. */
async function measure(
  stand: ClientStand,
  modesOf: (program: UtilityProgram) => Modes,
  disturbances: readonly Disturbance[],
): Promise<void> {
  let program: UtilityProgram | undefined;
  await withSite(
    { stand },
    ({ server: { utility } }) => {
      program = utility.addProgram({ primacy: 1 });
      program.default = undefined;
    },
    async (site) => {
      assert.ok(program !== undefined);
      const control = addControl(site, program, modesOf(program), { from: 30, seconds: 7200 });
      await site.pass(2 * onePoll);
      assertAnswers(site, control, [1, 2]);
      for (const { seconds, expectedW, withinW, expectedVar, ...grid } of disturbances) {
        const { voltagePercent, frequencyHz } = { ...nominal, ...grid };
        setGrid(site, voltagePercent, frequencyHz);
        await site.pass(seconds);
        const { pvW, gridW } = site.building.site.state;
        const what = `at ${voltagePercent} % and ${frequencyHz} Hz after ${seconds} s`;
        if (expectedW !== undefined) assertPower(what, -gridW, expectedW, withinW);
        if (expectedVar !== undefined) {
          assertPower(`reactive power ${what}`, Math.abs(site.building.site.gridVar), expectedVar(pvW), 150);
        }
      }
    },
  );
}

const trips = (
  stand: ClientStand,
  modes: readonly [CurveMode, readonly (readonly [x: number, y: number])[]][],
  cases: readonly Disturbance[],
) =>
  measure(
    stand,
    (program) =>
      Object.assign({}, ...modes.map(([mode, points]) => addCurve(program, mode, points, reference.none))) as Modes,
    cases,
  );

/** What each DER mode does at the connection point. */
export const basicModeTests: readonly SunSpecTest[] = [
  sunSpecTest('BASIC-004', 'low and high voltage ride-through', (stand) =>
    trips(
      stand,
      [
        [
          'opModHVRTMustTrip',
          [
            [0.16, 120],
            [5, 120],
            [5, 108],
          ],
        ],
        [
          'opModLVRTMustTrip',
          [
            [2, 50],
            [8, 50],
            [8, 92],
          ],
        ],
      ],
      [
        { voltagePercent: 107, seconds: 20, expectedW: sunW },
        { voltagePercent: 109, seconds: 4, expectedW: sunW },
        { voltagePercent: 109, seconds: 6, expectedW: 0 },
        { seconds: comesBackWithin, expectedW: sunW },
        { voltagePercent: 90, seconds: 6, expectedW: sunW },
        { voltagePercent: 90, seconds: 8, expectedW: 0 },
      ],
    ),
  ),
  sunSpecTest('BASIC-005', 'low and high frequency ride-through', (stand) =>
    trips(
      stand,
      [
        [
          'opModHFRTMustTrip',
          [
            [0.16, 62],
            [5, 62],
            [5, 60.4],
          ],
        ],
        [
          'opModLFRTMustTrip',
          [
            [0.16, 56.5],
            [5, 56.5],
            [5, 59.6],
          ],
        ],
      ],
      [
        { frequencyHz: 60.3, seconds: 20 },
        { frequencyHz: 60.5, seconds: 12, expectedW: 0 },
        { seconds: comesBackWithin, expectedW: sunW },
        { frequencyHz: 59.5, seconds: 12, expectedW: 0 },
      ],
    ),
  ),
  sunSpecTest('BASIC-006', 'Volt-VAr', (stand) =>
    measure(
      stand,
      (program) =>
        addCurve(
          program,
          'opModVoltVar',
          [
            [95, 40],
            [98, 0],
            [102, 0],
            [105, -40],
          ],
          reference.setMaxVar,
        ),
      [
        { seconds: 60, expectedVar: () => 0 },
        { voltagePercent: 104, seconds: 60, expectedVar: () => (maxVar * 0.4 * 2) / 3 },
        { voltagePercent: 96.5, seconds: 60, expectedVar: () => maxVar * 0.2 },
      ],
    ),
  ),
  sunSpecTest('BASIC-007', 'ramp rate of the default control', (stand) =>
    withSite(
      { stand },
      ({ server: { utility } }) => {
        const program = utility.addProgram({ primacy: 1 });
        // 1 % of the maximum a second.
        utility.setDefault(program, { modes: { opModMaxLimW: 20 }, setGradW: 100 });
      },
      async (site) => {
        await site.pass(3 * onePoll);
        assertPower('by default', site.building.site.state.pvW, 2_000);
        const [program] = site.server.utility.programs;
        assert.ok(program !== undefined);
        addControl(site, program, { opModMaxLimW: 80 }, { from: 120, seconds: 600 });
        const powers: number[] = [];
        for (let i = 0; i < 260; i++) {
          await site.pass(1);
          powers.push(site.building.site.state.pvW);
        }
        assertPower('after the ramp', powers.at(-1) ?? 0, 8_000);
        const risen = powers.filter((w) => w > 2_200 && w < 7_800).length;
        // 56 % of the rating at 1 % a second.
        assert.ok(risen >= 45 && risen <= 68, `${risen} s from 2.2 to 7.8 kW, 56 s are asked for`);
      },
    ),
  ),
  sunSpecTest('BASIC-008', 'fixed power factor', (stand) =>
    measure(
      stand,
      () => ({
        opModFixedPFInjectW: {
          xml: '<displacement>900</displacement><excitation>false</excitation><multiplier>-3</multiplier>',
        },
      }),
      [{ seconds: 60, expectedVar: (pvW) => pvW * Math.tan(Math.acos(0.9)) }],
    ),
  ),
  sunSpecTest('BASIC-009', 'connect and disconnect', (stand) =>
    withSite(
      { stand },
      ({ server: { utility } }) => void (utility.addProgram({ primacy: 1 }).default = undefined),
      async (site) => {
        await site.pass(onePoll);
        assertPower('connected', site.building.site.state.pvW, sunW);
        const [program] = site.server.utility.programs;
        assert.ok(program !== undefined);
        const control = addControl(site, program, { opModConnect: false }, { from: 90, seconds: 120 });
        await site.pass(150);
        assert.equal(site.building.site.state.pvW, 0);
        assert.equal((derStatusOf(site)?.bits('genConnectStatus', 'value') ?? 1) & 1, 0);
        await site.pass(comesBackWithin);
        assertPower('connected again', site.building.site.state.pvW, sunW);
        assert.equal((derStatusOf(site)?.bits('genConnectStatus', 'value') ?? 0) & 1, 1);
        assertAnswers(site, control, [1, 2, 3]);
      },
    ),
  ),
  sunSpecTest('BASIC-010', 'limit of the maximum active power', (stand) =>
    measure(stand, () => ({ opModMaxLimW: 35 }), [{ seconds: 120, expectedW: 3_500 }]),
  ),
  sunSpecTest('BASIC-011', 'Volt-Watt', (stand) =>
    measure(
      stand,
      (program) =>
        addCurve(
          program,
          'opModVoltWatt',
          [
            [103, 100],
            [107, 20],
          ],
          reference.setMaxW,
        ),
      [
        { seconds: 60, expectedW: sunW },
        { voltagePercent: 105, seconds: 90, expectedW: 6_000, withinW: 150 },
        { voltagePercent: 106, seconds: 90, expectedW: 4_000, withinW: 150 },
      ],
    ),
  ),
  sunSpecTest('BASIC-012', 'Freq-Watt', (stand) =>
    measure(
      stand,
      (program) =>
        addCurve(
          program,
          'opModFreqWatt',
          [
            [60.2, 100],
            [61.2, 0],
          ],
          reference.setMaxW,
        ),
      [
        { seconds: 60, expectedW: sunW },
        { frequencyHz: 60.7, seconds: 90, expectedW: 5_000, withinW: 500 },
        { frequencyHz: 61, seconds: 90, expectedW: 2_000, withinW: 500 },
      ],
    ),
  ),
  sunSpecTest('BASIC-015', 'several modes in one control', (stand) =>
    measure(
      stand,
      () => ({
        opModMaxLimW: 50,
        opModFixedPFInjectW: {
          xml: '<displacement>950</displacement><excitation>false</excitation><multiplier>-3</multiplier>',
        },
      }),
      [{ seconds: 120, expectedW: 5_000, expectedVar: () => 5_000 * Math.tan(Math.acos(0.95)) }],
    ),
  ),
];
