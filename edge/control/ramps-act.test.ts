import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control } from '../client/test-utility.ts';
import { ratedPvW, setMaxW, TestSite, watts } from './test-site.ts';

const steady = { pvW: (): number => 9_000, loadW: (): number => 1_000 };
/** Full storage: what is exported is PV less the load. */
const full = { traces: steady, charge: 100 } as const;
const exported = (site: TestSite, at: number): number => 0 - (site.seconds[at]?.gridW ?? NaN);

test('setGradW: a limit is reached by hundredths of a percent of setMaxW a second, from what flows', async (t) => {
  const site = await TestSite.start(t, { ...full, settings: '<setGradW>100</setGradW>' });
  site.utility.setControls([control({ mRID: 1, from: 120, seconds: 600, base: watts('opModExpLimW', 2_000) })]);
  await site.runTo(300);
  const rateW = 0.01 * setMaxW;
  assert.equal(exported(site, 120), 8_000);
  // The order of one second acts in the next.
  for (const at of [130, 140, 150]) assert.equal(exported(site, at), 8_000 - rateW * (at - 121));
  const rampSeconds = 6_000 / rateW;
  assert.ok(site.between(121 + rampSeconds, 300).every(({ gridW }) => -gridW <= 2_000));
  assert.ok(exported(site, 121 + rampSeconds) >= 1_980);
});

test('rampTms of a control goes before setGradW', async (t) => {
  const site = await TestSite.start(t, { ...full, settings: '<setGradW>10000</setGradW>' });
  const base = `<rampTms>3000</rampTms>${watts('opModExpLimW', 2_000)}`;
  site.utility.setControls([control({ mRID: 1, from: 120, seconds: 600, base })]);
  await site.runTo(200);
  assert.equal(exported(site, 136), 5_000);
  assert.ok(site.between(151, 200).every(({ gridW }) => -gridW <= 2_000));
});

test('adjacent controls ramp from value to value: no dip, and no rise to the default between them', async (t) => {
  const site = await TestSite.start(t, { ...full, settings: '<setGradW>200</setGradW>' });
  const [a, b, c] = [4_000, 2_000, 6_000];
  site.utility.setControls([
    control({ mRID: 1, from: 120, seconds: 60, base: watts('opModExpLimW', a) }),
    control({ mRID: 2, from: 180, seconds: 60, base: watts('opModExpLimW', b) }),
    control({ mRID: 3, from: 240, seconds: 60, base: watts('opModExpLimW', c) }),
  ]);
  await site.runTo(420);
  const w = (at: number): number => exported(site, at);
  const isFalling = (from: number, until: number): boolean =>
    site.between(from, until).every(({ at }) => w(at + 1) <= w(at));
  assert.ok(isFalling(120, 239), 'down to the first, and to the second');
  assert.ok(
    site.between(240, 299).every(({ at }) => w(at + 1) >= w(at)),
    'up to the third',
  );
  for (const [at, limit] of [
    [179, a],
    [239, b],
    [299, c],
  ] as const) {
    assert.ok(w(at) <= limit && w(at) >= 0.99 * limit, `${w(at)} of ${limit}`);
  }
  assert.ok(w(302) < 7_000, 'and on its way up after the last');
  assert.equal(w(419), 8_000);
});

test('a control that is cancelled gives way to the default, with its ramp', async (t) => {
  const site = await TestSite.start(t, {
    ...full,
    base: watts('opModExpLimW', 3_000),
    settings: '<setGradW>600</setGradW>',
  });
  const asked = { mRID: 1, from: 100, seconds: 600, base: watts('opModExpLimW', 7_000) };
  site.utility.setControls([control(asked)]);
  await site.runTo(200);
  assert.ok(exported(site, 199) >= 6_900);
  site.utility.setControls([control({ ...asked, status: 2, statusAt: 200 })]);
  await site.runTo(300);
  assert.ok(exported(site, 299) <= 3_000 && exported(site, 299) >= 2_900);
});

test('an import limit ramps the storage in, and a default of nothing ramps it out', async (t) => {
  const traces = { pvW: () => 0, loadW: () => 4_000 };
  const site = await TestSite.start(t, { traces, charge: 10, settings: '<setGradW>200</setGradW>' });
  site.utility.setControls([control({ mRID: 1, from: 120, seconds: 60, base: watts('opModImpLimW', 1_000) })]);
  await site.runTo(300);
  const rateW = 0.02 * setMaxW;
  const imported = (at: number): number => site.seconds[at]?.gridW ?? NaN;
  assert.equal(imported(120), 4_000);
  assert.ok(Math.abs(imported(126) - (4_000 - 5 * rateW)) <= 0.01 * ratedPvW, `${imported(126)}`);
  assert.ok(site.between(132, 181).every(({ gridW }) => gridW <= 1_010));
  assert.ok(Math.abs(imported(186) - (1_000 + 5 * rateW)) <= 0.01 * ratedPvW, `${imported(186)}`);
  assert.equal(imported(299), 4_000);
});
