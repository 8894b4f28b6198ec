import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LimitWatch } from './limit-watch.ts';
import { inForce } from './utility/standing.ts';
import { Utility } from './utility/utility.ts';

/** A site whose power a test sets, and a utility with one program that is polled every minute. */
function bench() {
  let now = 1_782_000_000;
  const begun = now;
  const utility = new Utility(() => now);
  utility.register('AB'.repeat(20), undefined);
  utility.setRates({ derp: 60 });
  const program = utility.addProgram({ primacy: 1 });
  const state = { gridW: 0, pvW: 0, batteryW: 0 };
  const site = {
    get now() {
      return now;
    },
    loadW: 0,
    stepSeconds: 0,
    board: {},
    server: { utility },
    building: { site: { state } },
  };
  const watch = new LimitWatch(site as unknown as ConstructorParameters<typeof LimitWatch>[0]);
  const pass = (seconds: number): void => {
    for (let i = 0; i < seconds; i++) watch.second(++now);
  };
  const limit = (from: number, seconds: number, watts: number) =>
    utility.addControl(program, {
      start: begun + from,
      duration: seconds,
      modes: { opModExpLimW: watts },
      responseRequired: '03',
    });
  return { watch, pass, limit, utility, program, state };
}

test('a limit is judged when it could be known and the ramp is over, not before', () => {
  const { watch, pass, limit, utility, program, state } = bench();
  utility.setDefault(program, { setGradW: 1000 });
  limit(0, 3600, 3_000);
  state.gridW = -9_000;
  // 90 s until the poll, 10 s of ramp, 10 s of reaction.
  pass(110);
  assert.deepEqual([watch.judgedSeconds, watch.faults.length], [0, 0]);
  pass(2);
  assert.match(watch.faults[0] ?? '', /opModExpLimW of 3000 W: 9000 W measured/);
});

test('what is within one percent is within the limit', () => {
  const { watch, pass, limit, state } = bench();
  limit(0, 3600, 3_000);
  state.gridW = -3_090;
  pass(1000);
  assert.ok(watch.judgedSeconds > 700);
  assert.deepEqual(watch.faults, []);
  state.gridW = -3_110;
  pass(1);
  assert.equal(watch.faults.length, 1);
});

test('between two limits the milder one counts until the new one had its time', () => {
  const { watch, pass, limit, utility, program, state } = bench();
  utility.setDefault(program, { setGradW: 1000, modes: { opModExpLimW: 1_000 } });
  limit(0, 600, 5_000);
  state.gridW = -5_000;
  pass(600 + 105);
  assert.deepEqual(watch.faults, []);
  pass(20);
  assert.equal(watch.faults.length > 0, true);
});

test('switched off means nothing in and nothing out', () => {
  const { watch, pass, utility, program, state } = bench();
  utility.addControl(program, {
    start: 1_782_000_000,
    duration: 3600,
    modes: { opModConnect: false },
    responseRequired: '03',
  });
  pass(600);
  assert.deepEqual(watch.faults, []);
  state.pvW = 5;
  pass(1);
  assert.match(watch.faults[0] ?? '', /switched off: the DER is at 5 W/);
});

test('of two programs the one of the lower primacy counts, mode by mode', () => {
  const { utility, program } = bench();
  const other = utility.addProgram({ primacy: 0 });
  const event = { start: 1_782_000_000, duration: 600, responseRequired: '03' };
  utility.addControl(program, { ...event, modes: { opModExpLimW: 1, opModImpLimW: 2 } });
  utility.addControl(other, { ...event, modes: { opModExpLimW: 3 } });
  utility.setDefault(program, { modes: { opModGenLimW: 4, opModExpLimW: 5 }, setGradW: 27 });
  const { modes, setGradW } = inForce(utility, 1);
  assert.deepEqual([modes['opModExpLimW'], modes['opModImpLimW'], modes['opModGenLimW'], setGradW], [3, 2, 4, 27]);
});
