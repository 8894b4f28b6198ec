import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UnixSeconds, W, Wh } from '#hal/units.ts';
import type { DerMode } from '#drivers/grid-support.ts';
import type { DERModes } from '#ieee2030_5/events/modes.ts';
import type { Settings } from '#ieee2030_5/events/schedule.ts';
import type { SiteSample } from '../sampler.ts';
import { quietDroop } from './grid-modes.ts';
import { type Decision, decide, type LadderInput, type LadderMemory, nothingDecided } from './ladder.ts';
import type { Plant } from './plant.ts';

const ratings = { maxW: 10_000, maxVA: 11_000, maxVarInject: 4_000, maxVarAbsorb: 4_000, nominalV: 400 };
const plant: Plant = {
  inverter: { ratedW: 10_000, ratings, modes: new Set(['limitW', 'connect', 'fixedVar']) },
  battery: {
    ratedW: 5_000,
    ratings,
    modes: new Set(['targetW']),
    maxChargeW: 5_000,
    maxDischargeW: 5_000,
    capacityWh: 20_000,
    reserveCentiPercent: 1_000,
  },
};

interface Site {
  readonly loadW: number;
  readonly pvW: number;
  readonly storageW: number;
  readonly charge: number;
}
const site: Site = { loadW: 1_000, pvW: 6_000, storageW: 0, charge: 10_000 };

const sampleOf = ({ loadW, pvW, storageW, charge }: Site): SiteSample => ({
  time: UnixSeconds(0),
  gridW: W(loadW - pvW - storageW),
  loadW: W(loadW),
  voltageV: 230,
  inverter: { powerW: W(pvW), generationWh: Wh(0) },
  battery: {
    powerW: W(storageW),
    stateOfChargeCentiPercent: charge,
    acChargeWh: Wh(0),
    acDischargeWh: Wh(0),
    dcChargeWh: Wh(0),
    dcDischargeWh: Wh(0),
  },
});

const sample = sampleOf(site);
const input: LadderInput = {
  now: UnixSeconds(0),
  serverTime: UnixSeconds(100),
  settings: {},
  curveOf: () => undefined,
  isServerLost: false,
  site: { importLimitW: 50_000, exportLimitW: 50_000, whenLost: {} },
  plant,
  frequencyHz: 60,
  sample,
  commitmentW: 0,
};
const source = { kind: 'event', mRID: 'aa', program: 'bb', primacy: 1 } as const;
const setting = <Value>(value: Value): { value: Value; rampTms: undefined; source: typeof source } => ({
  value,
  rampTms: undefined,
  source,
});
const watts = (value: number): ReturnType<typeof setting<{ multiplier: number; value: number }>> =>
  setting({ multiplier: 0, value });
const decided = (change: Partial<LadderInput>, memory: LadderMemory = nothingDecided): Decision =>
  decide({ ...input, ...change }, memory);

test('with nothing asked the storage follows the building, and PV is left alone', () => {
  const { setpoints, explanation } = decided({ sample: sampleOf({ ...site, loadW: 7_000 }) });
  assert.deepEqual(setpoints, { storageW: 1_000, pvW: null, inverter: {}, battery: {} });
  assert.equal(explanation.setpoints.storageBy, 'selfConsumption');
  assert.deepEqual([explanation.serverTime, explanation.unseen], [100, []]);
});

test('of an event and the installer the tighter limit holds, and is named', () => {
  const event = decided({ settings: { opModExpLimW: watts(2_000) } });
  assert.deepEqual([event.setpoints.pvW, event.explanation.limits.export?.source], [3_000, source]);
  const own = { importLimitW: 50_000, exportLimitW: 500, whenLost: {} };
  const installer = decided({ settings: { opModExpLimW: watts(2_000) }, site: own });
  assert.deepEqual([installer.setpoints.pvW, installer.explanation.limits.export?.source], [1_500, { kind: 'site' }]);
});

test('the rule for a lost server holds when it is lost, where no event and no default says', () => {
  const rules = { importLimitW: 50_000, exportLimitW: 50_000, whenLost: { exportLimitW: 0 } };
  assert.equal(decided({ site: rules }).setpoints.pvW, null);
  const lost = decided({ site: rules, isServerLost: true });
  assert.deepEqual([lost.setpoints.pvW, lost.explanation.limits.export?.source.kind], [1_000, 'whenLost']);
  const said = decided({ site: rules, isServerLost: true, settings: { opModExpLimW: watts(4_000) } });
  assert.equal(said.setpoints.pvW, 5_000);
});

test('ripple control limits what is generated at once, and contradictory lines by their safest step', () => {
  const limitOf = (percent: number, fault?: string) => decided({ ripple: { percent, fault } });
  assert.equal(limitOf(100).explanation.limits.generation, undefined);
  assert.equal(limitOf(30).explanation.limits.generation?.w, 4_500);
  assert.equal(limitOf(30).setpoints.pvW, 4_500);
  const contradictory = limitOf(0, 'no line is active');
  assert.deepEqual(contradictory.explanation.limits.generation?.source, { kind: 'ripple', fault: 'no line is active' });
  assert.equal(contradictory.setpoints.pvW, 0);
});

test('what is kept for peaks is given to peaks only, and the reserve to nobody', () => {
  const shaving = { aboveW: 4_000, keepCentiPercent: 6_000 };
  const at = (loadW: number, charge: number, keepCentiPercent = shaving.keepCentiPercent) => {
    const battery = { ...plant.battery!, peakShaving: { ...shaving, keepCentiPercent } };
    const { setpoints, explanation } = decided({
      plant: { ...plant, battery },
      sample: sampleOf({ loadW, pvW: 0, storageW: 0, charge }),
    });
    return [setpoints.storageW, explanation.setpoints.storageBy];
  };
  assert.deepEqual(at(3_000, 8_000), [3_000, 'selfConsumption'], 'more than is kept is the building’s');
  assert.deepEqual(at(7_000, 5_000), [3_000, 'peakShaving']);
  assert.deepEqual(at(2_000, 5_000), [-1_250, 'peakShaving'], 'made ready with a quarter of the rating');
  assert.deepEqual(at(7_000, 500), [0, 'device'], 'below its reserve the battery gives nothing');
  assert.deepEqual(at(2_000, 900, 0), [-1_250, 'peakShaving'], 'no less than the reserve is kept');
});

test('what cannot be seen is assumed worst', () => {
  const settings: Settings<DERModes> = { opModExpLimW: watts(2_000), opModStorageTargetW: watts(-3_000) };
  const blind = decided({ settings, sample: { ...sample, gridW: undefined, loadW: undefined } });
  assert.deepEqual([blind.setpoints.storageW, blind.setpoints.pvW], [0, 2_000], 'no load, and nothing to charge with');
  assert.deepEqual(blind.explanation.unseen, ['meter']);
  const dumb = decided({ settings, sample: { ...sample, battery: undefined } });
  assert.deepEqual([dumb.setpoints.storageW, dumb.explanation.unseen], [0, ['battery']]);
  // The clamps tell what an inverter gives that does not answer.
  const derived = decided({ sample: { ...sample, inverter: undefined } });
  assert.deepEqual([derived.setpoints.storageW, derived.explanation.unseen], [0, ['inverter']]);
  const withRoom = sampleOf({ ...site, charge: 5_000 });
  assert.equal(decided({ sample: { ...withRoom, inverter: undefined } }).setpoints.storageW, -5_000);
  const nothing = decided({
    settings,
    sample: {
      time: UnixSeconds(0),
      gridW: undefined,
      loadW: undefined,
      voltageV: undefined,
      inverter: undefined,
      battery: undefined,
    },
  });
  assert.deepEqual([nothing.setpoints.storageW, nothing.setpoints.pvW], [0, 2_000]);
});

test('clamps and devices that disagree: the worse counts', () => {
  // The connection point exports 400 W more than the load clamp lets expect.
  const odd = { ...sample, gridW: W((sample.gridW ?? 0) - 400) };
  assert.equal(decided({ settings: { opModExpLimW: watts(2_000) }, sample: odd }).setpoints.pvW, 2_600);
});

test('out of service nothing is asked for, and what has a switch is told to use it', () => {
  for (const settings of [{ opModConnect: setting(false) }, { opModEnergize: setting(false) }]) {
    const { setpoints, explanation } = decided({
      settings: { ...settings, opModFixedVar: setting({ refType: 1, value: 100 }) },
    });
    assert.deepEqual(
      [setpoints.storageW, setpoints.pvW, setpoints.inverter.connect, setpoints.battery],
      [0, 0, false, {}],
    );
    assert.deepEqual([explanation.setpoints.isConnected, explanation.setpoints.pvBy], [false, 'service']);
  }
});

test('a charge near full is taken slowly, and never to the last hundredth of a percent', () => {
  const at = (charge: number): number => decided({ sample: sampleOf({ ...site, charge }) }).setpoints.storageW;
  assert.deepEqual([at(9_000), at(9_990), at(9_998), at(9_999), at(10_000)], [-5_000, -2_160, -240, 0, 0]);
});

test('a curve that is missing or none leaves Frequency-Watt without effect, and says so', () => {
  const curve = {
    mRID: new Uint8Array(16),
    creationTime: 0n,
    CurveData: [],
    xMultiplier: 0,
    yMultiplier: 0,
    yRefType: 1,
  };
  for (const [change, fault] of [
    [{ curveOf: () => undefined }, 'the server has no curve x'],
    [{ curveOf: () => ({ ...curve, curveType: 3 }) }, 'a curve of type 3 is none for opModFreqWatt'],
    [{ curveOf: () => ({ ...curve, curveType: 0 }) }, 'a curve without points'],
    [{ curveOf: () => ({ ...curve, curveType: 0 }), frequencyHz: undefined }, 'no device measures the frequency'],
  ] as const) {
    const { explanation } = decided({ settings: { opModFreqWatt: setting({ href: 'x' }) }, ...change });
    assert.equal(explanation.limits.output, undefined);
    const { state, fault: why } = explanation.modes.opModFreqWatt ?? {};
    assert.deepEqual([state, why], ['invalid', fault]);
  }
});

test('while a Frequency-Watt curve acts a device keeps its own droop out of the way; one that is asked for acts', () => {
  const curve = {
    mRID: new Uint8Array(16),
    creationTime: 0n,
    CurveData: [
      { xvalue: 6_020, yvalue: 100 },
      { xvalue: 6_120, yvalue: 0 },
    ],
    curveType: 0,
    xMultiplier: -2,
    yMultiplier: 0,
    yRefType: 1,
  };
  const drooping = (modes: readonly DerMode[]): Plant => ({
    inverter: { ratedW: 10_000, ratings, modes: new Set(modes) },
    battery: undefined,
  });
  const opModFreqWatt = setting({ href: 'x' });
  const has = drooping(['limitW', 'freqDroop']);
  const acts = { settings: { opModFreqWatt }, curveOf: () => curve, frequencyHz: 60.7 };
  const { setpoints, explanation } = decided({ ...acts, plant: has });
  assert.deepEqual([explanation.limits.output?.w, setpoints.inverter], [5_000, { freqDroop: quietDroop }]);
  assert.deepEqual(decided({ ...acts, plant: drooping(['limitW']) }).setpoints.inverter, {});
  assert.deepEqual(decided({ ...acts, frequencyHz: undefined, plant: has }).setpoints.inverter, {}, 'no curve acts');
  const opModFreqDroop = setting({ dBOF: 100, dBUF: 100, kOF: 40, kUF: 40, openLoopTms: 200 });
  const both = decided({ ...acts, settings: { opModFreqWatt, opModFreqDroop }, plant: has });
  assert.equal(both.setpoints.inverter.freqDroop?.droopOver, 0.04);
});

test('where no device has reactive power none is asked for', () => {
  const none = { ...ratings, maxVarInject: 0, maxVarAbsorb: 0 };
  const inverter = { ratedW: 10_000, ratings: none, modes: new Set<DerMode>(['fixedVar']) };
  const settings = { opModTargetVar: setting({ multiplier: 0, value: 500 }) };
  const { setpoints } = decided({ plant: { inverter, battery: undefined }, settings });
  assert.deepEqual(setpoints.inverter.fixedVar, { var: 0 });
});

test('a limit that is released later than the first decision begins from what held', () => {
  const before = decided({ settings: { opModExpLimW: watts(2_000) } });
  const settings = { opModExpLimW: watts(4_000), setGradW: setting(100) };
  const first = decided({ settings, now: UnixSeconds(10) }, before.memory);
  assert.equal(first.explanation.limits.export?.w, 2_000);
  const later = decided({ settings, now: UnixSeconds(12) }, first.memory);
  assert.equal(later.explanation.limits.export?.w, 2_000 + 2 * 150);
});

test('targets: of two the smaller holds, negative percent is of the charge rate', () => {
  const target = (settings: Settings<DERModes>): number =>
    decided({ settings, sample: sampleOf({ ...site, charge: 5_000, pvW: 0 }) }).setpoints.storageW;
  assert.equal(target({ opModFixedW: setting(1_000), opModTargetW: watts(2_000) }), 1_500);
  assert.equal(target({ opModFixedW: setting(5_000), opModTargetW: watts(2_000) }), 2_000);
  assert.equal(target({ opModFixedW: setting(-5_000) }), -2_500);
});

test('a PV plant alone and storage alone are controlled as they are; a board without either controls nothing', () => {
  const pvOnly = decided({ plant: { ...plant, battery: undefined }, settings: { opModExpLimW: watts(0) } });
  assert.deepEqual([pvOnly.setpoints.pvW, pvOnly.explanation.setpoints.storageW], [1_000, undefined]);
  const storageOnly = decided({ plant: { ...plant, inverter: undefined }, sample: { ...sample, inverter: undefined } });
  assert.equal(storageOnly.setpoints.pvW, null);
  const none = decided({
    plant: { inverter: undefined, battery: undefined },
    settings: { opModFixedVar: setting({ refType: 1, value: 1 }) },
  });
  assert.equal(none.explanation.modes.opModFixedVar?.state, 'not supported');
});

test('a decision is a function of what is seen: the same twice, and plain data', () => {
  const number = fc.integer({ min: 0, max: 20_000 });
  fc.assert(
    fc.property(
      number,
      number,
      fc.integer({ min: -5_000, max: 5_000 }),
      fc.nat(10_000),
      number,
      (loadW, pvW, storageW, charge, limit) => {
        const given = {
          settings: { opModExpLimW: watts(limit) },
          sample: sampleOf({ loadW, pvW: Math.min(10_000, pvW), storageW, charge }),
        };
        const [one, two] = [decided(given), decided(given)];
        assert.deepEqual(one, two);
        assert.deepEqual(JSON.parse(JSON.stringify(one.explanation)), JSON.parse(JSON.stringify(two.explanation)));
        const { storageW: w, pvW: cap } = one.setpoints;
        assert.ok(Math.abs(w) <= 5_000 && (cap === null || (cap >= 0 && cap <= 10_000)));
      },
    ),
  );
});

const tight = { importLimitW: 50_000, exportLimitW: 2_000, whenLost: {} };

test('where the clamps see the connection point only, they see a silent device in what is left over', () => {
  const half = sampleOf({ loadW: 1_000, pvW: 6_000, storageW: 0, charge: 5_000 });
  // 5,000 W go out: what is above the limit goes into the battery, whatever gives it.
  const { setpoints, explanation } = decided({
    site: tight,
    sample: { ...half, loadW: undefined, inverter: undefined },
  });
  assert.equal(setpoints.storageW, -5_000);
  // PV that may still take its orders is allowed no more than is surely drawn.
  assert.equal(setpoints.pvW, 7_000);
  assert.deepEqual(explanation.unseen, ['inverter']);
});

test('a silent battery does what it was told until it reverts, and PV does not rely on its charging', () => {
  const gone: SiteSample = { ...sample, gridW: W(1_000 - 3_000 - 4_000), loadW: undefined, battery: undefined };
  const memory = { ...nothingDecided, storageW: 4_000, storageAt: 0 };
  const pvAt = (now: number, grid = gone.gridW): number | null =>
    decided({ now: UnixSeconds(now), site: tight, sample: { ...gone, gridW: grid, inverter: threeKilowatts } }, memory)
      .setpoints.pvW;
  assert.equal(pvAt(5), 0, 'what it discharges counts against the limit');
  assert.equal(pvAt(61, W(-2_000)), 3_000, 'and no more once it has reverted');
  const charging = { ...memory, storageW: -4_000 };
  const held = decided(
    { now: UnixSeconds(5), site: tight, sample: { ...gone, gridW: W(2_000), inverter: threeKilowatts } },
    charging,
  );
  assert.equal(held.setpoints.pvW, 3_000);
});
const threeKilowatts = { powerW: W(3_000), generationWh: Wh(0) };

test('a board that stood still until its devices reverted brings them back slowly', () => {
  const before = decided({}).memory;
  const soon = decided({ now: UnixSeconds(60) }, before);
  assert.equal(soon.setpoints.pvW, null);
  const late = decided({ now: UnixSeconds(61) }, before);
  assert.deepEqual([late.setpoints.pvW, late.explanation.setpoints.pvBy], [6_000, 'recovery']);
  const later = decided({ now: UnixSeconds(71) }, late.memory);
  assert.equal(later.setpoints.pvW, 7_500, 'one percent of the rating a second');
});
