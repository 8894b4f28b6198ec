import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { BuildingLoad } from '#drivers/site/load.ts';
import { PvPlant } from '#drivers/site/pv.ts';
import { control } from '../client/test-utility.ts';
import { ratedPvW, type Second, setMaxW, type SiteOptions, TestSite, watts } from './test-site.ts';

/** A building at half past nine in the morning, with appliances that switch, under a summer's noon sun with clouds. */
const load = new BuildingLoad({ building: 'residential', peakLoadW: 6_000, timeZone: 'UTC' }, 7);
const sun = new PvPlant({ ratedW: ratedPvW, latitude: 37, longitude: -122 }, 3);
const moving = {
  loadW: (time: number): number => load.powerW(time + 9 * 3_600),
  pvW: (time: number): number => sun.powerW(time + 180 * 86_400 + 11.5 * 3_600),
};

const begins = 600;
const ends = 1_200;
/** 6 % of setMaxW a second: 17 s for everything; and two seconds for the meter and the devices. */
const settled = begins + 17 + 2;

interface Case extends SiteOptions {
  readonly name: string;
  /** DERControlBase of the event. */
  readonly asked: string;
  readonly limitW: number;
  readonly measured: (second: Second) => number;
  /** The least that anything the board controls can bring it to. */
  readonly least?: (second: Second) => number;
  /** What PV gives at least on average, of what the sun offers. */
  readonly pvShare?: number;
}

const generationW = ({ pvW, batteryW }: Second): number => pvW + Math.max(0, batteryW);

const cases: readonly Case[] = [
  {
    name: 'opModExpLimW with storage full: PV is held down behind a load that moves',
    asked: watts('opModExpLimW', 2_000),
    limitW: 2_000,
    measured: ({ gridW }) => 0 - gridW,
    charge: 100,
    pvShare: 0.6,
  },
  {
    name: 'opModExpLimW 0 with room in storage: storage takes the surplus, PV gives nearly all it has',
    asked: watts('opModExpLimW', 0),
    limitW: 0,
    measured: ({ gridW }) => 0 - gridW,
    pvShare: 0.9,
  },
  {
    name: 'opModExpLimW without storage',
    asked: watts('opModExpLimW', 500),
    limitW: 500,
    measured: ({ gridW }) => 0 - gridW,
    battery: false,
    pvShare: 0.4,
  },
  {
    name: 'opModExpLimW on a legacy inverter (model 123)',
    asked: watts('opModExpLimW', 500),
    limitW: 500,
    measured: ({ gridW }) => 0 - gridW,
    inverterModels: 'legacy',
    charge: 100,
    pvShare: 0.4,
  },
  {
    name: 'opModImpLimW: storage discharges for it, though the building would keep its reserve',
    asked: watts('opModImpLimW', 1_500),
    limitW: 1_500,
    measured: ({ gridW }) => gridW,
    traces: { ...moving, pvW: () => 0 },
    charge: 10,
  },
  {
    name: 'opModImpLimW with PV that moves',
    asked: watts('opModImpLimW', 500),
    limitW: 500,
    measured: ({ gridW }) => gridW,
    traces: { ...moving, pvW: (time) => Math.round(0.25 * moving.pvW(time)) },
    charge: 10,
  },
  {
    name: 'opModGenLimW: PV and discharge together',
    asked: watts('opModGenLimW', 3_000),
    limitW: 3_000,
    measured: generationW,
    charge: 90,
  },
  {
    name: 'opModLoadLimW: storage charges with what the building leaves',
    asked: `${watts('opModLoadLimW', 7_000)}<opModFixedW>-10000</opModFixedW>`,
    limitW: 7_000,
    measured: ({ loadW, batteryW }) => loadW + Math.max(0, -batteryW),
    charge: 20,
  },
  {
    name: 'opModMaxLimW: percent of setMaxW, of PV and storage together',
    asked: '<opModMaxLimW>2000</opModMaxLimW>',
    limitW: 0.2 * setMaxW,
    measured: ({ pvW, batteryW }) => pvW + batteryW,
    charge: 100,
  },
];

/** Runs a site past an event of the case's, and answers what was measured once its ramp was over. */
async function held(t: TestContext, given: Case): Promise<{ site: TestSite; seconds: readonly Second[] }> {
  const site = await TestSite.start(t, { traces: moving, settings: '<setGradW>600</setGradW>', ...given });
  site.utility.setControls([control({ mRID: 1, from: begins, seconds: ends - begins, base: given.asked })]);
  await site.runTo(ends);
  return { site, seconds: site.between(settled, ends) };
}

for (const given of cases) {
  test(given.name, async (t) => {
    const { limitW, measured, least = () => -Infinity, pvShare } = given;
    const { site, seconds } = await held(t, given);
    const allowedW = limitW + Math.max(limitW, limitW === 0 ? ratedPvW : 0) * 0.01;
    const worst = Math.max(...seconds.map((second) => measured(second) - Math.max(allowedW, least(second))));
    const before = Math.max(...site.between(begins - 60, begins).map(measured));
    const mean = seconds.reduce((sum, second) => sum + measured(second), 0) / seconds.length;
    t.diagnostic(`limit ${limitW} W, before ${before} W, mean ${Math.round(mean)} W, greatest ${worst + allowedW} W`);
    assert.equal(seconds.length, ends - settled);
    assert.ok(worst <= 0, `${worst + allowedW} W measured, ${limitW} W allowed`);
    if (pvShare === undefined) return;
    const offeredW = (given.traces ?? moving).pvW;
    const [got, offered] = seconds.reduce(
      ([pv, all], { pvW, at }) => [pv + pvW, all + Math.min(ratedPvW, offeredW?.(1_800_000_000 + at) ?? 0)],
      [0, 0],
    );
    assert.ok(got >= pvShare * offered, `${got} of ${offered} J`);
  });
}

test('where import and export limits leave no room, what is left over is what the load moves in a second', async (t) => {
  const base = watts('opModExpLimW', 0) + watts('opModImpLimW', 0);
  const site = await TestSite.start(t, { traces: moving, settings: '<setGradW>600</setGradW>' });
  site.utility.setControls([control({ mRID: 1, from: begins, seconds: ends - begins, base })]);
  await site.runTo(ends);
  // The ramp has to start PV anew where it was held down.
  const seconds = site.between(settled + 180, ends);
  const steps = seconds.map(({ loadW, at }) => Math.abs(loadW - (site.seconds[at - 1]?.loadW ?? 0)));
  const greatest = Math.max(...seconds.map(({ gridW }) => Math.abs(gridW)));
  t.diagnostic(`greatest ${greatest} W, load steps up to ${Math.max(...steps)} W`);
  assert.ok(greatest <= Math.max(...steps) + 0.01 * ratedPvW);
  assert.ok(seconds.every(({ pvW }) => pvW > 0.5 * ratedPvW));
});
