import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control } from '../client/test-utility.ts';
import { ratedStorageW, type Second, setMaxW, TestSite, watts } from './test-site.ts';

test('a step of the load that was never seen before exceeds a limit for one second and no longer', async (t) => {
  const loadW = (time: number): number => (time >= 1_800_001_200 ? 1_000 : 4_000);
  const site = await TestSite.start(t, {
    traces: { loadW, pvW: () => 9_000 },
    charge: 100,
    base: watts('opModExpLimW', 1_000),
  });
  await site.runTo(1_300);
  const over = site.between(600, 1_300).filter(({ gridW }) => -gridW > 1_010);
  assert.deepEqual(
    over.map(({ at, gridW }) => [at, gridW]),
    [[1_200, -4_000]],
  );
});

test('opModFixedW, opModTargetW and opModStorageTargetW are met, and limits go before them', async (t) => {
  const sunny = { loadW: () => 1_000, pvW: () => 6_000 };
  const output = ({ pvW, batteryW }: Second): number => pvW + batteryW;
  for (const [base, measured, expectedW] of [
    // Percent of setMaxW, and of setMaxChargeRateW where negative.
    ['<opModFixedW>6000</opModFixedW>', output, 0.6 * setMaxW],
    ['<opModFixedW>1000</opModFixedW>', output, 0.1 * setMaxW],
    ['<opModTargetW><multiplier>0</multiplier><value>3000</value></opModTargetW>', output, 3_000],
    ['<opModTargetW><multiplier>3</multiplier><value>-2</value></opModTargetW>', output, -2_000],
    [watts('opModStorageTargetW', ratedStorageW), ({ batteryW }: Second) => batteryW, ratedStorageW],
    [watts('opModStorageTargetW', -4_000), ({ batteryW }: Second) => batteryW, -4_000],
    // Less what PV is left to rise by: 2 % of its rating.
    [watts('opModStorageTargetW', 5_000) + watts('opModExpLimW', 6_000), ({ gridW }: Second) => -gridW, 6_000 - 200],
  ] as const) {
    const site = await TestSite.start(t, { traces: sunny, settings: '<setGradW>1000</setGradW>' });
    site.utility.setControls([control({ mRID: 1, from: 70, seconds: 600, base })]);
    await site.runTo(130);
    const w = measured(site.seconds.at(-1)!);
    assert.ok(Math.abs(w - expectedW) <= 0.01 * setMaxW, `${base}: ${w} W, not ${expectedW}`);
  }
});

test('opModConnect and opModEnergize: nothing flows, and the way back is by the soft-start rate', async (t) => {
  // The delay and the ramp of entering service are the server's, so that the board's own ramp is what is seen.
  const settings = `<setESDelay>500</setESDelay><setESHighFreq>6010</setESHighFreq><setESHighVolt>10500</setESHighVolt>
    <setESLowFreq>5950</setESLowFreq><setESLowVolt>9170</setESLowVolt><setESRampTms>0</setESRampTms>
    <setGradW>5000</setGradW><setSoftGradW>200</setSoftGradW>`;
  for (const [base, bit] of [
    ['<opModConnect>false</opModConnect>', 0],
    ['<opModEnergize>false</opModEnergize>', 2],
  ] as const) {
    for (const inverterModels of ['ieee1547', 'legacy'] as const) {
      const site = await TestSite.start(t, {
        traces: { loadW: () => 500, pvW: () => 9_000 },
        settings,
        inverterModels,
      });
      site.utility.setControls([control({ mRID: 1, from: 120, seconds: 60, base })]);
      await site.runTo(300);
      assert.ok(site.between(60, 120).every(({ pvW }) => pvW === 9_000));
      assert.ok(
        site.between(123, 180).every(({ pvW, batteryW }) => pvW === 0 && batteryW === 0),
        base,
      );
      const puts = site.utility.received
        .filter(({ what }) => what === 'PUT /edev/1/der/1/ders')
        .map(({ body }) => body);
      const states = puts.map((body) =>
        Number.parseInt(/<genConnectStatus>.*?<value>(\w+)/s.exec(body)?.[1] ?? '', 16),
      );
      const isSet = states.map((state) => ((state >> bit) & 1) === 1);
      assert.deepEqual(
        isSet.filter((each, i) => each !== isSet[i - 1]),
        [true, false, true],
        `${base} ${states.join()}`,
      );
      // 2 % of 15 kW a second.
      const back = site.between(180, 240).map(({ pvW, batteryW, at }) => [at, pvW + batteryW] as const);
      assert.ok(
        back.every(([at, w]) => w <= 300 * (at - 179)),
        JSON.stringify(back),
      );
      assert.equal(site.seconds.at(-1)?.pvW, 9_000);
    }
  }
});

const changing = {
  loadW: (time: number): number => 2_000 + 50 * (time % 7),
  pvW: (time: number): number => 8_000 + 50 * (time % 11),
};

test("the installer's limits hold without any server, and beside a utility's looser ones", async (t) => {
  const connection = { importLimitW: 100_000, exportLimitW: 1_000 };
  const site = await TestSite.start(t, {
    traces: changing,
    charge: 100,
    connection,
    base: watts('opModExpLimW', 5_000),
  });
  site.utility.isDown = true;
  await site.runTo(900);
  assert.ok(site.between(600, 900).every(({ gridW }) => -gridW <= 1_010));
  site.utility.isDown = false;
  await site.runTo(1_800);
  const exported = site.between(1_500, 1_800).map(({ gridW }) => 0 - gridW);
  assert.ok(Math.max(...exported) <= 1_010, `${Math.max(...exported)}`);
  assert.deepEqual(site.board.explain()?.limits.export?.source, { kind: 'site' });
});

test('an event of which the site can carry out nothing is answered as not applicable, and one that it can is not', async (t) => {
  const site = await TestSite.start(t, { battery: false });
  site.utility.setControls([
    control({ mRID: 1, from: 70, seconds: 60, base: watts('opModStorageTargetW', 1_000) }),
    control({
      mRID: 2,
      from: 70,
      seconds: 60,
      base: watts('opModExpLimW', 1_000) + watts('opModStorageTargetW', 1_000),
    }),
  ]);
  await site.runTo(140);
  assert.deepEqual(site.utility.responses().toSorted(), ['1 of 1', '1 of 2', '2 of 2', '252 of 1', '3 of 2']);
});
