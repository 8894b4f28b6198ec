import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UnixSeconds } from '#hal/units.ts';
import { meterTypeOf, type MeterType, offeredBy, roleAfter, roleBandOf, type RoleState } from './role.ts';

const band = { thresholdW: 200, dwellSeconds: 60 };
const at = (time: number): UnixSeconds => UnixSeconds(time);
/** The roles after each of these wants, 15 s apart. */
function rolesOf(wants: readonly number[], type: MeterType = 'Hybrid'): string[] {
  let state: RoleState | undefined;
  return wants.map((w, i) => {
    state = roleAfter(state, w, at(i * 15), type, band);
    return state.role;
  });
}

test('the meter type is what stands in the building', () => {
  assert.deepEqual([{}, { inverter: {} }, { inverter: {}, battery: {} }, { battery: {} }].map(meterTypeOf), [
    'Consumer',
    'Prosumer',
    'Hybrid',
    'Battery Storage',
  ]);
});

test('the first role is taken as it comes, another after a minute beyond the threshold', () => {
  assert.deepEqual(rolesOf([500, -500, -500, -500, -500, -500]), [
    'buyer',
    'buyer',
    'buyer',
    'buyer',
    'buyer',
    'seller',
  ]);
  assert.deepEqual(rolesOf([-500, 199, 199, 199, 199, 199, 199]), Array(7).fill('seller'));
  assert.deepEqual(rolesOf([500, -500, -500, -100, -500, -500, -500]), Array(7).fill('buyer'), 'a doubt begins anew');
});

test('a consumer never sells', () => {
  assert.deepEqual(rolesOf([-500, -500, -500, -500, -500, -500], 'Consumer'), Array(6).fill('buyer'));
});

test('a role lasts for as long as the dwell, whatever is wanted', () => {
  const wants = fc.array(fc.integer({ min: -2_000, max: 2_000 }), { maxLength: 200 });
  fc.assert(
    fc.property(wants, fc.integer({ min: 1, max: 60 }), (each, step) => {
      let state: RoleState | undefined;
      let changedAt = Number.NEGATIVE_INFINITY;
      for (const [i, w] of each.entries()) {
        const before: RoleState | undefined = state;
        state = roleAfter(before, w, at(i * step), 'Hybrid', band);
        if (before === undefined || before.role === state.role) continue;
        assert.ok(i * step - changedAt >= band.dwellSeconds);
        assert.ok(Math.abs(w) > band.thresholdW && w < 0 === (state.role === 'seller'));
        changedAt = i * step;
      }
    }),
  );
});

test('a role offers its own side only', () => {
  assert.deepEqual(
    [offeredBy('buyer', 5), offeredBy('buyer', -5), offeredBy('seller', 5), offeredBy('seller', -5)],
    [5, 0, 0, -5],
  );
  assert.deepEqual(roleBandOf(50_000), { thresholdW: 500, dwellSeconds: 60 });
});
