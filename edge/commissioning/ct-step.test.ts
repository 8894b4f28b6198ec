import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GridError } from '#hal/errors.ts';
import { W, Wh } from '#hal/units.ts';
import { planStep, type StepPlan } from './ct-step.ts';

const reading = (charge: number) => ({
  powerW: W(0),
  stateOfChargeCentiPercent: charge,
  acChargeWh: Wh(0),
  acDischargeWh: Wh(0),
  dcChargeWh: Wh(0),
  dcDischargeWh: Wh(0),
});

test('no step exports more than the connection may, nor draws more than the sun gives', () => {
  const watts = fc.integer({ min: 0, max: 30_000 });
  fc.assert(
    fc.property(watts, watts, watts, fc.integer({ min: 0, max: 10_000 }), (exportLimitW, pvW, ratedW, charge) => {
      let plan: StepPlan | undefined;
      const inverter = { ratedW: 30_000, powerW: Math.min(pvW, exportLimitW) };
      try {
        plan = planStep({ exportLimitW, inverter, battery: { ratedW, reading: reading(charge), reservePercent: 10 } });
      } catch (error) {
        assert.equal(error instanceof GridError && error.code, 'GTX-CTC-002');
        return;
      }
      assert.ok(plan.heightW >= 300);
      if (plan.by === 'inverter') assert.ok(plan.w < inverter.powerW);
      else {
        assert.ok(plan.w + inverter.powerW <= exportLimitW);
        assert.ok(plan.w + inverter.powerW >= 0);
        assert.ok(plan.w < 0 ? charge < 9500 : charge > 1000);
      }
    }),
  );
});

test('the highest step is taken: an empty battery is charged, and by night there is none', () => {
  const empty = { ratedW: 5000, reading: reading(500), reservePercent: 20 };
  const sun = { ratedW: 10_000, powerW: 8000 };
  const plan = planStep({ exportLimitW: 10_000, battery: empty, inverter: sun });
  assert.deepEqual(plan, { by: 'inverter', w: 2400, heightW: 5600 });
  const noSun = { exportLimitW: 10_000, battery: empty, inverter: { ratedW: 10_000, powerW: 0 } };
  assert.throws(() => planStep(noSun), { code: 'GTX-CTC-002' });
});
