import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EmulatedGpio } from '#hal/emulated/gpio.ts';
import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { LineContactor } from './contactor.ts';
import { rippleReading, RippleReceiver, type RippleStep, rippleSteps } from './ripple-receiver.ts';

const code = (expected: string) => (error: unknown) => error instanceof GridError && error.code === expected;
const percentOf = (...active: RippleStep[]): number =>
  rippleReading(new Map(rippleSteps.map((step) => [step, active.includes(step)]))).percent;

test('one closed contact is the step that it stands for', () => {
  for (const step of rippleSteps) {
    assert.deepEqual(rippleReading(new Map(rippleSteps.map((each) => [each, each === step]))), {
      percent: step,
      fault: undefined,
    });
  }
});

test('contradictory lines give the safest step, none or an unread one 0 %', () => {
  assert.deepEqual([percentOf(60, 100), percentOf(30, 60), percentOf(0, 30, 60, 100), percentOf()], [60, 30, 0, 0]);
  const unread = new Map(rippleSteps.map((step) => [step, step === 60 ? undefined : step === 100] as const));
  assert.deepEqual(rippleReading(unread), { percent: 0, fault: 'the line for 60 % cannot be read' });
  const three = new Map(([0, 30, 60] as const).map((step) => [step, false]));
  assert.deepEqual(rippleReading(three), { percent: 100, fault: undefined }, 'without a contact for 100 %');
});

test('whatever the lines say, it is never more than any active one, and a fault is told', () => {
  const states = fc.tuple(...rippleSteps.map(() => fc.constantFrom(true, false, undefined)));
  fc.assert(
    fc.property(states, (each) => {
      const { percent, fault } = rippleReading(new Map(rippleSteps.map((step, i) => [step, each[i]])));
      const active = rippleSteps.filter((_, i) => each[i] === true);
      assert.ok(percent <= Math.min(100, ...active));
      assert.equal(fault === undefined, active.length === 1 && !each.includes(undefined));
    }),
  );
});

const lineOf = { 0: 5, 30: 6, 60: 7, 100: 8 } as const;
const receiverOn = (chip: EmulatedGpio): RippleReceiver =>
  new RippleReceiver({
    0: chip.input({ line: lineOf[0], bias: 'pullDown' }),
    30: chip.input({ line: lineOf[30], bias: 'pullDown' }),
    60: chip.input({ line: lineOf[60], bias: 'pullDown' }),
    100: chip.input({ line: lineOf[100], bias: 'pullDown' }),
  });

test('a receiver is read contact by contact, and a pulled plug is 0 %', async () => {
  const chip = new EmulatedGpio('test');
  await using receiver = receiverOn(chip);
  chip.drive(8, true);
  await receiver.start();
  assert.equal((await receiver.read()).percent, 100);
  chip.drive(8, false);
  chip.drive(6, true);
  assert.deepEqual(await receiver.read(), { percent: 30, fault: undefined });
  chip.drive(6, undefined);
  assert.deepEqual(await receiver.read(), { percent: 0, fault: 'no line is active' });
});

test('a line that another program holds asks for 0 % with the reason, until it is free', async () => {
  const chip = new EmulatedGpio('test');
  chip.drive(8, true);
  const other = chip.input({ line: 7 });
  await other.start();
  await using receiver = receiverOn(chip);
  await assert.rejects(receiver.start(), code('GTX-HAL-009'));
  const reading = await receiver.read();
  assert.equal(reading.percent, 0);
  assert.match(reading.fault ?? '', /the line for 60 % cannot be read: GTX-HAL-009/);
  await other[Symbol.asyncDispose]();
  assert.deepEqual(await receiver.read(), { percent: 100, fault: undefined });
});

/** A contactor whose auxiliary contact is wired to line 2; `follows` says whether it moves. */
function contactorOn(chip: EmulatedGpio, leastOpenSeconds = 0) {
  const clock = { time: 1000, now: () => UnixSeconds(clock.time) };
  const world = { follows: true };
  const coil = chip.output({ line: 1 });
  const moved = {
    ...coil,
    set: async (isActive: boolean) => {
      await coil.set(isActive);
      if (world.follows) chip.drive(2, isActive);
    },
  };
  const contactor = new LineContactor({ coil: moved, feedback: chip.input({ line: 2 }), leastOpenSeconds, clock });
  return { clock, world, contactor };
}

test('a contactor is open until it is told otherwise, and again when its program ends', async () => {
  const chip = new EmulatedGpio('test');
  const { contactor } = contactorOn(chip);
  await contactor.start();
  assert.equal(chip.isHigh(1), false);
  await contactor.connect(true);
  assert.equal(chip.isHigh(1), true);
  await contactor[Symbol.asyncDispose]();
  assert.equal(chip.isHigh(1), false);
});

test('contacts that do not follow are told: welded ones, and a coil without supply', async () => {
  const chip = new EmulatedGpio('test');
  const { contactor, world } = contactorOn(chip);
  await using _ = contactor;
  await contactor.start();
  world.follows = false;
  await assert.rejects(contactor.connect(true), /did not close/);
  world.follows = true;
  await contactor.connect(true);
  world.follows = false;
  await assert.rejects(contactor.connect(false), code('GTX-REL-001'));
});

test('it opens at once and closes only after it was open for long enough', async () => {
  const chip = new EmulatedGpio('test');
  const { contactor, clock } = contactorOn(chip, 60);
  await using _ = contactor;
  await contactor.start();
  await contactor.connect(true);
  await contactor.connect(false);
  assert.equal(chip.isHigh(1), false);
  clock.time += 59;
  await contactor.connect(true);
  assert.equal(chip.isHigh(1), false);
  clock.time += 1;
  await contactor.connect(true);
  assert.equal(chip.isHigh(1), true);
});
