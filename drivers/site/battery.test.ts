import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type BatterySecond, batterySecond, capacityJ } from './battery.ts';

const spec = { capacityWh: 30_000, ratedW: 15_000 };
const full = capacityJ(spec);
const floor = full * 0.05;

const second = (storedJ: number, setpointW: number, of = spec): BatterySecond => {
  const out = { acW: 0, dcChargeJ: 0, dcDischargeJ: 0, lossJ: 0 };
  batterySecond(of, storedJ, setpointW, out);
  return out;
};

test('AC, DC, losses and the stored energy balance exactly in joules', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 100_000 }).chain((capacityWh) =>
        fc.record({
          spec: fc.record({ capacityWh: fc.constant(capacityWh), ratedW: fc.integer({ min: 0, max: 100_000 }) }),
          stored: fc.integer({ min: 0, max: capacityWh * 3600 }),
        }),
      ),
      fc.double({ min: -2e5, max: 2e5, noNaN: true }),
      ({ spec: of, stored }, setpoint) => {
        const { acW, dcChargeJ, dcDischargeJ, lossJ } = second(stored, setpoint, of);
        assert.equal(acW, dcDischargeJ - dcChargeJ - lossJ);
        for (const value of [dcChargeJ, dcDischargeJ, lossJ]) assert.ok(Number.isSafeInteger(value) && value >= 0);
        assert.ok(dcChargeJ === 0 || dcDischargeJ === 0);
        assert.ok(Math.abs(acW) <= Math.min(of.ratedW, Math.abs(setpoint)));
        assert.ok(Object.is(acW, 0) || Math.sign(acW) === Math.sign(setpoint));
        const after = stored + dcChargeJ - dcDischargeJ;
        assert.ok(after <= capacityJ(of));
        assert.ok(after >= Math.min(stored, capacityJ(of) * 0.05));
      },
    ),
  );
});

test('96 % passes the converter each way, rounding goes to the losses', () => {
  assert.deepEqual(second(full / 2, 9600), { acW: 9600, dcChargeJ: 0, dcDischargeJ: 10_000, lossJ: 400 });
  assert.deepEqual(second(full / 2, -10_000), { acW: -10_000, dcChargeJ: 9600, dcDischargeJ: 0, lossJ: 400 });
  assert.deepEqual(second(full / 2, 1), { acW: 1, dcChargeJ: 0, dcDischargeJ: 2, lossJ: 1 });
});

test('standby takes nothing', () => {
  assert.deepEqual(second(full / 2, 0), { acW: 0, dcChargeJ: 0, dcDischargeJ: 0, lossJ: 0 });
});

test('the rating limits both directions', () => {
  assert.equal(second(full / 2, 99_999).acW, 15_000);
  assert.equal(second(full / 2, -99_999).acW, -15_000);
});

test('discharge stops at 5 %, charge when full, to the last joule that fits', () => {
  assert.equal(second(floor, 1000).acW, 0);
  assert.equal(second(floor + 100, 1000).acW, 96);
  assert.equal(second(full, -1000).acW, 0);
  assert.deepEqual(second(full - 96, -1000), { acW: -100, dcChargeJ: 96, dcDischargeJ: 0, lossJ: 4 });
});
