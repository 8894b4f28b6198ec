import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { GridError } from '#hal/errors.ts';
import { uniform } from '#hal/random.ts';
import { UnixSeconds } from '#hal/units.ts';
import { scheduledGrid } from './grid.ts';
import { buildingTypes } from './load-shapes.ts';
import { Site, type SiteControls, type SiteSpec, type SiteState } from './site.ts';

const spec: SiteSpec = {
  meterId: 'AMI_METER_STANFORD_ENG_001',
  building: 'academic',
  location: { latitude: 37.4275, longitude: -122.1697, timeZone: 'America/Los_Angeles' },
  pvRatedW: 50_000,
  peakLoadW: 40_000,
  battery: { capacityWh: 3_000, ratedW: 15_000 },
};
const morning = Date.parse('2025-06-18T15:00:00Z') / 1000;

/** Orders that change every few minutes, limits now and then: a pure function of time, as the drivers' are. */
const restless = (seed: number): SiteControls => ({
  pv: (now, availableW) => ({
    activeW: uniform(seed, Math.floor(now / 700)) < 0.3 ? Math.min(availableW, 7000) : availableW,
    reactiveVar: 0,
  }),
  battery: (now) => ({ activeW: 40_000 * (uniform(seed + 1, Math.floor(now / 400)) - 0.5), reactiveVar: 0 }),
});

function siteAt(time: number, seed: number, of = spec, state?: SiteState): Site {
  const site = new Site(of, seed, state);
  site.controls = restless(seed);
  if (state === undefined) site.advanceTo(UnixSeconds(time));
  return site;
}

/** generation + import + DC discharge − consumption − export − DC charge − losses, J. */
const residue = (s: Readonly<SiteState>): number =>
  s.generationJ + s.importJ + s.dcDischargeJ - s.consumptionJ - s.exportJ - s.dcChargeJ - s.lossJ;

const orders = (pvW: number, batteryW: number): SiteControls => ({
  pv: () => ({ activeW: pvW, reactiveVar: 0 }),
  battery: () => ({ activeW: batteryW, reactiveVar: 0 }),
});

test('the connection point sees load − PV − battery, and the balance holds, each second of a day', () => {
  const site = siteAt(morning, 5);
  let before = site.save();
  for (let time = morning + 1; time <= morning + 86_400; time++) {
    site.advanceTo(UnixSeconds(time));
    const now = site.state;
    const gridW = now.loadW - now.pvW - now.batteryW;
    const isExact =
      now.gridW === gridW &&
      now.generationJ - before.generationJ === now.pvW &&
      now.consumptionJ - before.consumptionJ === now.loadW &&
      now.importJ - before.importJ - (now.exportJ - before.exportJ) === gridW &&
      now.acDischargeJ - before.acDischargeJ - (now.acChargeJ - before.acChargeJ) === now.batteryW &&
      residue(now) === 0;
    assert.ok(isExact, JSON.stringify(now));
    before = site.save();
  }
  const { generationJ, importJ, exportJ, dcChargeJ, dcDischargeJ, lossJ } = site.state;
  for (const energy of [generationJ, importJ, exportJ, dcChargeJ, dcDischargeJ, lossJ]) assert.ok(energy > 0);
});

test('energy is conserved over any stretch of any day, by any building and any orders', () => {
  const stretch = fc.record({
    seed: fc.integer(),
    start: fc.integer({ min: 1_600_000_000, max: 2_000_000_000 }),
    seconds: fc.integer({ min: 1, max: 20_000 }),
    building: fc.constantFrom(...buildingTypes),
    capacityWh: fc.integer({ min: 0, max: 60_000 }),
  });
  fc.assert(
    fc.property(stretch, ({ seed, start, seconds, building, capacityWh }) => {
      const site = siteAt(start, seed, { ...spec, building, battery: { capacityWh, ratedW: 20_000 } });
      const stored = site.state.storedJ;
      site.advanceTo(UnixSeconds(start + seconds));
      const now = site.state;
      assert.equal(residue(now), 0);
      assert.equal(now.storedJ - stored, now.dcChargeJ - now.dcDischargeJ);
      assert.equal(now.acChargeJ + now.dcDischargeJ, now.dcChargeJ + now.acDischargeJ + now.lossJ);
      for (const value of Object.values(now)) assert.ok(Number.isSafeInteger(value));
    }),
    { numRuns: 25 },
  );
});

test('any sample period gives the same result', () => {
  const states = [1, 15, 61, 7200].map((period) => {
    const site = siteAt(morning, 8);
    for (let time = morning; time < morning + 7200; time += period) {
      site.advanceTo(UnixSeconds(Math.min(time + period, morning + 7200)));
    }
    return site.save();
  });
  for (const state of states) assert.deepEqual(state, states[0]);
});

test('a restored site goes on as if it had never stopped', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 0, max: 9000 }), (seed, stop) => {
      const whole = siteAt(morning, seed);
      whole.advanceTo(UnixSeconds(morning + 9000));
      const first = siteAt(morning, seed);
      first.advanceTo(UnixSeconds(morning + stop));
      const saved = JSON.parse(JSON.stringify(first.save())) as SiteState;
      const second = siteAt(morning, seed, spec, saved);
      second.advanceTo(UnixSeconds(morning + 9000));
      assert.deepEqual(second.save(), whole.save());
    }),
    { numRuns: 15 },
  );
});

test('a campus that stood still for more than a day resumes with nothing having happened', () => {
  const site = siteAt(morning, 5);
  site.advanceTo(UnixSeconds(morning + 60));
  const before = site.save();
  site.advanceTo(UnixSeconds(morning + 60 + 86_401));
  assert.deepEqual(site.save(), { ...before, time: morning + 60 + 86_401 });
  site.resumeAt(UnixSeconds(morning));
  assert.deepEqual(site.save(), { ...before, time: morning });
  assert.throws(() => site.advanceTo(UnixSeconds(morning - 1)), RangeError);
});

test('limits bind the inverter, setpoints the battery; without orders neither is held', () => {
  const noon = morning + 5 * 3600;
  const site = new Site(spec, 1);
  site.advanceTo(UnixSeconds(noon));
  site.advanceTo(UnixSeconds(noon + 1));
  assert.ok(site.state.pvW > 5000);
  assert.equal(site.state.batteryW, 0);
  site.controls = orders(1234, -500);
  site.advanceTo(UnixSeconds(noon + 2));
  assert.deepEqual([site.state.pvW, site.state.batteryW], [1234, -500]);
  site.controls = orders(-5, 99_999);
  site.advanceTo(UnixSeconds(noon + 3));
  assert.deepEqual([site.state.pvW, site.state.batteryW], [0, 15_000]);
});

test("the devices meet the site's grid, and their reactive power is drawn at the connection point", () => {
  const site = new Site(spec, 1);
  site.grid = scheduledGrid([{ from: morning + 2, voltagePercent: 104 }]);
  const seen: number[] = [];
  site.controls = {
    pv: (_now, activeW, { voltagePercent }) => {
      seen.push(voltagePercent);
      return { activeW, reactiveVar: voltagePercent > 103 ? -700 : 0 };
    },
    battery: (_now, { minW }) => ({ activeW: minW, reactiveVar: 200 }),
  };
  site.advanceTo(UnixSeconds(morning));
  site.advanceTo(UnixSeconds(morning + 1));
  assert.equal(site.gridVar, -200);
  site.advanceTo(UnixSeconds(morning + 2));
  assert.deepEqual([seen, site.gridVar, site.state.batteryW], [[100, 104], 500, -15_000]);
});

test('registers are whole watt-hours of the joules, and the state of charge follows the cells', () => {
  const site = siteAt(morning, 2);
  assert.equal(site.stateOfChargeCentiPercent, 5000);
  site.advanceTo(UnixSeconds(morning + 40_000));
  const s = site.state;
  assert.equal(site.generationWh, Math.floor(s.generationJ / 3600));
  assert.equal(site.netGridWh, Math.floor((s.importJ - s.exportJ) / 3600));
  assert.equal(site.lossWh, Math.floor(s.lossJ / 3600));
  const registers = [site.consumptionWh, site.importWh, site.exportWh, site.acChargeWh, site.acDischargeWh];
  const joules = [s.consumptionJ, s.importJ, s.exportJ, s.acChargeJ, s.acDischargeJ];
  assert.deepEqual(
    registers,
    joules.map((j) => Math.floor(j / 3600)),
  );
  assert.deepEqual(
    [site.dcChargeWh, site.dcDischargeWh],
    [s.dcChargeJ, s.dcDischargeJ].map((j) => Math.floor(j / 3600)),
  );
  assert.equal(site.stateOfChargeCentiPercent, Math.floor((s.storedJ * 10_000) / (3000 * 3600)));
});

test('a building without plant and battery is only a load', () => {
  const site = siteAt(morning, 2, { ...spec, pvRatedW: 0, battery: { capacityWh: 0, ratedW: 0 } });
  site.advanceTo(UnixSeconds(morning + 600));
  assert.equal(site.state.importJ, site.state.consumptionJ);
  assert.equal(site.stateOfChargeCentiPercent, 0);
});

test('traces take the place of sun and load; the inverter still clips', () => {
  const site = new Site({ ...spec, traces: { pvW: () => 60_000, loadW: () => 777 } }, 1);
  site.advanceTo(UnixSeconds(morning));
  site.advanceTo(UnixSeconds(morning + 1));
  assert.deepEqual([site.state.pvW, site.state.loadW, site.state.gridW], [50_000, 777, 777 - 50_000]);
});

test('a state that was changed is refused by name; a smaller battery starts full at most', () => {
  const saved = siteAt(morning, 1).save();
  for (const broken of [{ importJ: -1 }, { lossJ: 0.5 }, { gridW: Number.NaN }, { time: -3 }]) {
    assert.throws(
      () => new Site(spec, 1, { ...saved, ...broken }),
      (error) =>
        error instanceof GridError &&
        error.code === 'GTX-SIT-001' &&
        error.message.includes(Object.keys(broken)[0] as string),
    );
  }
  const small = new Site({ ...spec, battery: { capacityWh: 100, ratedW: 100 } }, 1, saved);
  assert.equal(small.stateOfChargeCentiPercent, 10_000);
});
