import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ratedStorageW, TestSite } from './test-site.ts';

const traces = {
  loadW: (time: number): number => 2_500 + 1_000 * Math.floor((time % 600) / 120),
  pvW: (time: number): number => (time % 600 < 300 ? 6_000 : 500),
};

test('a battery of the old models is dispatched as one of the new, with steps of its registers, and both ways', async (t) => {
  const seconds = 900;
  const [older, newer] = await Promise.all(
    (['legacy', 'ieee1547'] as const).map(async (batteryModels) => {
      const site = await TestSite.start(t, { traces, batteryModels });
      await site.runTo(seconds);
      return site;
    }),
  );
  const step = Math.ceil(ratedStorageW / 10_000);
  const powers = older!.between(5, seconds).map(({ batteryW }) => batteryW);
  assert.ok(
    Math.max(...powers) > 1_000 && Math.min(...powers) < -1_000,
    `${Math.min(...powers)} to ${Math.max(...powers)}`,
  );
  for (const [i, { at, batteryW }] of newer!.between(5, seconds).entries()) {
    assert.ok(
      Math.abs(powers[i]! - batteryW) <= 0.006 * ratedStorageW + step,
      `${at} s: ${powers[i]} W, not ${batteryW} W`,
    );
  }
  const { battery } = older!.board.sample ?? {};
  assert.ok(
    battery !== undefined && battery.acChargeWh > 50 && battery.acDischargeWh > 50,
    'the driver counts its energies',
  );
  const { site } = older!.building;
  assert.ok(
    Math.abs(battery.acDischargeWh - site.acDischargeWh) <= 2,
    `${battery.acDischargeWh} of ${site.acDischargeWh} Wh`,
  );
  assert.ok(Math.abs(battery.acChargeWh - site.acChargeWh) <= 2, `${battery.acChargeWh} of ${site.acChargeWh} Wh`);
});
