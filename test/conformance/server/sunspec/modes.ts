import assert from 'node:assert/strict';
import { assertHolds } from '../elements.ts';
import type { Elements } from '../operator.ts';
import { respondToControls } from '../response-actions.ts';
import type { ServerStand } from '../stand.ts';
import type { Program } from '../utility.ts';
import type { Content } from '../xml.ts';
import { Site, Status, statusOf, sunspec } from './site.ts';

/** DERCurveType of IEEE 2030.5-2018. */
const curveTypes = {
  opModFreqWatt: 0,
  opModHFRTMayTrip: 1,
  opModHFRTMustTrip: 2,
  opModHVRTMayTrip: 3,
  opModHVRTMomentaryCessation: 4,
  opModHVRTMustTrip: 5,
  opModLFRTMayTrip: 6,
  opModLFRTMustTrip: 7,
  opModLVRTMayTrip: 8,
  opModLVRTMomentaryCessation: 9,
  opModLVRTMustTrip: 10,
  opModVoltVar: 11,
  opModVoltWatt: 12,
} as const;
type CurveMode = keyof typeof curveTypes;

/** What a test of the list is about: modes by value, modes by curve, and what a default says beside its modes. */
interface ModeTest {
  readonly id: string;
  readonly title: string;
  readonly base?: Elements;
  readonly curves?: readonly CurveMode[];
  readonly rates?: Elements;
  /** The modes of the default, which does not switch off; the same as the control's unless said. */
  readonly inDefault?: boolean;
}

const tests: readonly ModeTest[] = [
  {
    id: 'BASIC-004',
    title: 'Low and high voltage ride-through',
    curves: [
      'opModLVRTMustTrip',
      'opModLVRTMayTrip',
      'opModLVRTMomentaryCessation',
      'opModHVRTMustTrip',
      'opModHVRTMayTrip',
      'opModHVRTMomentaryCessation',
    ],
  },
  {
    id: 'BASIC-005',
    title: 'Low and high frequency ride-through',
    curves: ['opModLFRTMustTrip', 'opModLFRTMayTrip', 'opModHFRTMustTrip', 'opModHFRTMayTrip'],
  },
  { id: 'BASIC-006', title: 'Volt-VAr', curves: ['opModVoltVar'] },
  { id: 'BASIC-007', title: 'Ramp rates', base: { rampTms: 3000 }, rates: { setGradW: 100, setSoftGradW: 50 } },
  {
    id: 'BASIC-008',
    title: 'Fixed power factor',
    base: { opModFixedPFInjectW: { displacement: 950, excitation: true, multiplier: -3 } },
  },
  { id: 'BASIC-009', title: 'Connect and disconnect', base: { opModConnect: false }, inDefault: false },
  { id: 'BASIC-010', title: 'Limit maximum active power', base: { opModMaxLimW: 6000 } },
  { id: 'BASIC-011', title: 'Volt-Watt', curves: ['opModVoltWatt'] },
  { id: 'BASIC-012', title: 'Frequency-Watt', curves: ['opModFreqWatt'] },
  {
    id: 'BASIC-015',
    title: 'Composed modes',
    base: { opModMaxLimW: 8000, rampTms: 1000 },
    curves: ['opModVoltVar', 'opModVoltWatt', 'opModFreqWatt', 'opModLVRTMustTrip', 'opModHVRTMustTrip'],
  },
];

/** Four points; every mode has its own, so that none is taken for another. */
const curveOf = (mode: CurveMode, creationTime: number): Elements => ({
  description: mode,
  creationTime,
  CurveData: [1, 2, 3, 4].map((n) => ({ xvalue: 100 * n + curveTypes[mode], yvalue: 10 * n })),
  curveType: curveTypes[mode],
  xMultiplier: 0,
  yMultiplier: 0,
  yRefType: 0,
});

async function linkedCurves(site: Site, program: Program, modes: readonly CurveMode[]): Promise<Elements> {
  const links: [string, Content][] = [];
  for (const mode of modes)
    links.push([mode, { href: await site.utility.addCurve(program, curveOf(mode, site.stand.now())) }]);
  return Object.fromEntries(links);
}

/** The curves that a base links to are there, and are what the operator gave. */
async function checkCurves(site: Site, modes: readonly CurveMode[], hrefOf: (mode: CurveMode) => string | undefined) {
  for (const mode of modes) {
    const href = hrefOf(mode);
    assert.ok(href !== undefined, `no link to the curve of ${mode}`);
    const { creationTime: _, ...wanted } = curveOf(mode, 0);
    const curve = await site.client.raw.get(href);
    assert.equal(curve.name, 'DERCurve');
    assertHolds(curve, wanted);
  }
}

/** A control's whole life: scheduled, active, over; the default stands beside it all the time. */
const life =
  ({ base: plain = {}, curves = [], rates = {}, inDefault = true }: ModeTest) =>
  async (stand: ServerStand): Promise<void> => {
    await using site = await Site.make(stand);
    const program = await site.utility.addProgram(1);
    const base = { ...plain, ...(await linkedCurves(site, program, curves)) };
    // A ramp time is asked for by a control; a default has rates.
    const { rampTms: _rampTms, ...modes } = base as Elements & { readonly rampTms?: Content };
    await site.utility.setDefault(program, { DERControlBase: inDefault ? modes : {}, ...rates });
    await site.addControl(program, base, { delay: 60, duration: 120 });

    const scheduled = await site.findOne('DERControl');
    assert.equal(statusOf(scheduled.element), Status.scheduled);
    assertHolds(scheduled.element.at('DERControlBase'), base);
    await checkCurves(site, curves, (mode) => scheduled.element.at('DERControlBase')?.link(mode));
    assert.deepEqual(await site.active(), []);
    await respondToControls(site.client);

    const standing = await site.findOne('DefaultDERControl');
    assertHolds(standing.element.at('DERControlBase'), inDefault ? modes : {});
    assertHolds(standing.element, rates);

    await stand.advance(60);
    const active = await site.findOne('DERControl');
    assert.equal(statusOf(active.element), Status.active);
    assert.deepEqual(await site.active(), [active.element.value('mRID')]);
    await site.find('DERControl');
    await respondToControls(site.client);

    await stand.advance(120);
    await respondToControls(site.client);
    assert.deepEqual(await site.active(), []);
    assert.deepEqual([...site.client.responses.values()], [[1, 2, 3]]);
    const after = await site.findOne('DefaultDERControl');
    assertHolds(after.element.at('DERControlBase'), inDefault ? modes : {});
  };

export const modeTests = tests.map((test) => sunspec(test.id, test.title, life(test)));
