import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Wh } from '#hal/units.ts';
import { countNet, emptyNetRegister, joined } from './net-register.ts';

const frames = fc.array(fc.integer({ min: -500, max: 500 }), { maxLength: 50 });

test('import minus export is the net energy since the first frame, and registers never step back', () => {
  fc.assert(
    fc.property(frames, (flows) => {
      let net = 1000;
      let register = countNet(emptyNetRegister, Wh(net), 1);
      for (const [i, flow] of flows.entries()) {
        net += flow;
        const next = countNet(register, Wh(net), i + 2);
        assert.ok(next.importWh >= register.importWh && next.exportWh >= register.exportWh);
        register = next;
      }
      assert.equal(register.importWh - register.exportWh, net - 1000);
    }),
  );
});

test('a front-end that restarts counts on from zero', () => {
  let register = countNet(emptyNetRegister, Wh(5000), 900);
  register = countNet(register, Wh(5100), 901);
  register = countNet(register, Wh(7), 1);
  register = countNet(register, Wh(9), 2);
  assert.deepEqual([register.importWh, register.exportWh], [109, 0]);
});

test('a front-end that restarts with its counter kept goes on', () => {
  let register = countNet(emptyNetRegister, Wh(5000), 900);
  register = countNet(register, Wh(4999), 1);
  assert.deepEqual([register.importWh, register.exportWh], [0, 1]);
});

test('a message counter that wraps without a restart is not a restart', () => {
  let register = countNet(emptyNetRegister, Wh(5000), 4_294_967_295);
  register = countNet(register, Wh(5001), 0);
  assert.equal(register.importWh, 1);
});

test('what two registers have counted one after the other is their sum, from the last frame that either has seen', () => {
  const before = { importWh: Wh(3), exportWh: Wh(1), last: { netWh: Wh(2), message: 7 } };
  assert.deepEqual(joined(before, emptyNetRegister), before);
  const last = { netWh: Wh(9), message: 1 };
  const after = { importWh: Wh(1), exportWh: Wh(2), last };
  assert.deepEqual(joined(before, after), { importWh: Wh(4), exportWh: Wh(3), last });
});
