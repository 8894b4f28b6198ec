import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { watts } from '#edge/control/test-site.ts';
import type { CableState } from './cable.ts';
import { ratedStorageW } from './field.ts';
import { FaultySite, type FaultySiteOptions, type Second } from './faulty-site.ts';
import { held, lineFault, type MeterFault, noNumbers, standsStill } from './meter-faults.ts';

const [importLimitW, exportLimitW] = [8_000, 2_000];
const connection = { importLimitW, exportLimitW };
/** Ten percent of the rating a second. */
const settings = '<setGradW>1000</setGradW>';

const exportW = ({ gridW }: Second): number => 0 - gridW;
const importW = ({ gridW }: Second): number => gridW;

/** Seconds from a fault on until `measured` is at most `mostW` for good. */
function heldAfter(site: FaultySite, from: number, until: number, mostW: number, measured = exportW): number {
  const last = site.between(from, until).findLast((second) => measured(second) > mostW);
  return last === undefined ? 0 : last.at - from + 1;
}

const atLast = (site: FaultySite): Second => site.seconds.at(-1)!;

interface MeterCase {
  readonly name: string;
  readonly meter: NonNullable<FaultySiteOptions['meter']>;
  readonly fault: (site: FaultySite) => MeterFault;
  /** What flows when the fault begins; unless told, what the export limit allows. */
  readonly gridW?: number;
}

const cableFault =
  (state: CableState) =>
  (site: FaultySite): MeterFault => ({
    begin: () => site.field.cables.clamps!.put(state),
    end: () => site.field.cables.clamps!.put('whole'),
  });

const newMessageOldValues = lineFault((line, first) => first.replace(/^MSG:\d+/, /^MSG:\d+/.exec(line)![0]));
/** Little enough that its energy register would not have to move in ten seconds, and more. */
const stuckAt = [0, 100, 500, 3_000];

const meterCases: readonly MeterCase[] = [
  { name: 'clamps, cable pulled', meter: 'emontx', fault: cableFault('cut') },
  { name: 'clamps, silent', meter: 'emontx', fault: cableFault('silent') },
  { name: 'clamps, one message again and again', meter: 'emontx', fault: lineFault((_line, first) => first) },
  {
    name: 'clamps, values stand still while messages go on',
    meter: 'emontx',
    fault: newMessageOldValues,
  },
  ...stuckAt.map(
    (gridW): MeterCase => ({
      name: `clamps, values stand still at ${gridW} W`,
      meter: 'emontx',
      fault: newMessageOldValues,
      gridW,
    }),
  ),
  { name: 'clamps, no numbers', meter: 'emontx', fault: lineFault((line) => line.replace(/P1:-?\d+/, 'P1:nan')) },
  {
    name: 'clamps, more than the connection can carry',
    meter: 'emontx',
    fault: lineFault((line) => line.replace(/P1:-?\d+/, 'P1:90000')),
  },
  { name: 'meter, cable pulled', meter: 'sdm630', fault: cableFault('cut') },
  { name: 'meter, stands still', meter: 'sdm630', fault: standsStill },
  ...stuckAt.map(
    (gridW): MeterCase => ({ name: `meter, stands still at ${gridW} W`, meter: 'sdm630', fault: standsStill, gridW }),
  ),
  { name: 'meter, not a number', meter: 'sdm630', fault: noNumbers },
  { name: 'meter, more than can be', meter: 'sdm630', fault: (site) => held(site, 'power', 90_000) },
];

/** Each fault lasts `lasts` seconds, and the site has `between` to come back. */
const [begins, lasts, between] = [40, 16, 25];
const sunW = 9_000;

for (const meter of ['emontx', 'sdm630'] as const) {
  const cases = meterCases.filter((each) => each.meter === meter);
  const faultAt = (i: number): number => begins + i * (lasts + between);
  /** What is drawn before a fault and after the one before it. */
  const drawnW = (at: number): number => {
    const { gridW } = cases[Math.max(0, Math.floor((at - begins + between) / (lasts + between)))] ?? {};
    // More than PV and battery give together.
    return gridW === undefined ? 6_000 : sunW + ratedStorageW + gridW;
  };
  // A little later, so that a meter that stands still shows what was.
  const isUndrawn = (at: number): boolean => cases.some((_, i) => at >= faultAt(i) + 2 && at < faultAt(i) + lasts);

  test(`${meter}: generation is capped so that the export limit holds at zero load`, async (t) => {
    // As long as the meter is lost nothing is drawn, which nobody sees.
    const site = await FaultySite.start(t, {
      connection,
      settings,
      meter,
      charge: 100,
      pvW: () => sunW,
      loadW: (at) => (isUndrawn(at) ? 0 : drawnW(at)),
    });
    await site.runTo(begins - 1);
    for (const [i, { name, fault, gridW }] of cases.entries()) {
      await t.test(`${name}: export at most ${exportLimitW} W within 10 s, and back by itself`, async (sub) => {
        if (gridW !== undefined) assert.equal(atLast(site).gridW, gridW);
        await assertExportHolds(sub, site, faultAt(i), fault(site));
      });
    }
  });
}

async function assertExportHolds(t: TestContext, site: FaultySite, at: number, fault: MeterFault): Promise<void> {
  assert.ok(atLast(site).pvW > 7_000, 'PV feeds load and export');
  await fault.begin();
  await site.runTo(at + lasts - 1);
  const seconds = heldAfter(site, at, at + lasts, exportLimitW);
  assert.deepEqual(site.board.explain()?.unseen, ['meter']);
  assert.ok(seconds <= 10, `${seconds} s`);
  assert.ok(atLast(site).pvW > 0.9 * exportLimitW, 'no more than need be is given up');
  await fault.end();
  await site.runTo(at + lasts + between - 1);
  const back = site.between(at + lasts, at + lasts + between);
  const rises = back.slice(1).map(({ pvW }, i) => pvW - back[i]!.pvW);
  t.diagnostic(`export limit held after ${seconds} s; PV rose by ${Math.max(...rises)} W a second at the most`);
  assert.deepEqual(site.board.explain()?.unseen, []);
  assert.ok(Math.max(...rises) <= 0.1 * 15_000 + 1);
}

test('without the clamps charging stops, so that the import limit holds at full load', async (t) => {
  const site = await FaultySite.start(t, {
    connection,
    pvW: () => 0,
    loadW: (at) => (at < begins ? 2_000 : importLimitW),
  });
  site.setDefault(watts('opModStorageTargetW', -5_000));
  await site.runTo(begins - 1);
  assert.equal(atLast(site).batteryW, -5_000);
  await site.field.cables.clamps!.put('cut');
  await site.runTo(begins + lasts);
  const seconds = heldAfter(site, begins, begins + lasts, importLimitW, importW);
  t.diagnostic(`import limit held after ${seconds} s`);
  assert.ok(seconds <= 10);
  assert.equal(atLast(site).batteryW, 0);
});

interface DeviceCase extends Omit<FaultySiteOptions, 'connection'> {
  readonly name: string;
  readonly lost: 'inverter' | 'battery';
  /** DERControlBase of the default. */
  readonly base?: string;
  /** What the rest of the site is to bring the export to at once, W. */
  readonly soonW: number;
  /** And what the device is to do once it has reverted. */
  readonly reverted: (second: Second) => boolean;
}

const soonSeconds = 5;
const revertSeconds = 60;
/** No clamp is around the load: what a silent device does is seen at the connection point only. */
const hasLoadClamp = false;

const deviceCases: readonly DeviceCase[] = [
  {
    name: 'inverter lost as the sun comes out: the battery takes what would be too much',
    lost: 'inverter',
    hasLoadClamp,
    pvW: (at) => (at < begins + 2 ? 4_000 : 9_000),
    loadW: () => 3_000,
    soonW: exportLimitW,
    reverted: ({ pvW }) => pvW <= exportLimitW,
  },
  {
    name: 'inverter lost, with a clamp around the load',
    lost: 'inverter',
    pvW: (at) => (at < begins + 2 ? 4_000 : 9_000),
    loadW: () => 3_000,
    soonW: exportLimitW,
    reverted: ({ pvW }) => pvW <= exportLimitW,
  },
  {
    name: 'battery lost while it discharges and the load goes: PV gives way, all that it can',
    lost: 'battery',
    hasLoadClamp,
    base: watts('opModStorageTargetW', 5_000),
    pvW: () => 3_000,
    loadW: (at) => (at < begins ? 6_000 : 1_000),
    soonW: 5_000 - 1_000,
    reverted: ({ batteryW }) => batteryW === 0,
  },
  {
    name: 'battery lost while it charges: PV does not rely on it',
    lost: 'battery',
    hasLoadClamp,
    base: watts('opModStorageTargetW', -5_000),
    loadW: () => 1_000,
    soonW: exportLimitW,
    reverted: ({ batteryW }) => batteryW === 0,
  },
];

for (const given of deviceCases) {
  const { name, lost, soonW, reverted } = given;
  test(`${name}: export at most ${soonW} W within ${soonSeconds} s, device reverted within ${revertSeconds} s`, async (t) => {
    const site = await FaultySite.start(t, { connection, settings, ...given });
    if (given.base !== undefined) site.setDefault(given.base);
    await site.runTo(begins - 1);
    assert.deepEqual(site.board.explain()?.unseen, []);
    assert.equal(heldAfter(site, begins / 2, begins, exportLimitW), 0);
    await site.field.cables[lost]!.put('cut');
    const end = begins + revertSeconds + 10;
    await site.runTo(end);
    const soon = heldAfter(site, begins, end, soonW);
    const safe = heldAfter(site, begins, end, exportLimitW);
    const first = site.between(begins, end).find(({ at }) => site.between(at, end).every(reverted));
    const seconds = first === undefined ? Infinity : first.at - begins;
    t.diagnostic(
      `export at most ${soonW} W after ${soon} s, ${exportLimitW} W after ${safe} s, reverted after ${seconds} s`,
    );
    assert.deepEqual(site.board.explain()?.unseen, [lost]);
    assert.ok(soon <= soonSeconds && safe <= revertSeconds && seconds <= revertSeconds);
    await site.field.cables[lost]!.put('whole');
    await site.runTo(end + 30);
    assert.deepEqual(site.board.explain()?.unseen, [], 'it is taken into control again by itself');
    assert.equal(heldAfter(site, end, end + 30, exportLimitW), 0);
  });
}
