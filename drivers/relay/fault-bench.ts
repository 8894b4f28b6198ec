/** For tests: a ripple-control receiver and a contactor on GPIO lines, and what befalls them. */
import assert from 'node:assert/strict';
import { EmulatedGpio } from '#hal/emulated/gpio.ts';
import { GridError } from '#hal/errors.ts';
import type { InputLine, OutputLine } from '#hal/ports.ts';
import { UnixSeconds } from '#hal/units.ts';
import { Chance } from '../chance.ts';
import { LineContactor } from './contactor.ts';
import { RippleReceiver, type RippleStep, rippleSteps } from './ripple-receiver.ts';

/** What the kernel refuses now and then. */
const refuse = (chance: Chance, faults: { isActive: boolean }): void => {
  if (faults.isActive && chance.below(15) === 0) throw new GridError('GTX-HAL-099', 'The line failed');
};

function unreliableInput(line: InputLine, chance: Chance, faults: { isActive: boolean }): InputLine {
  return {
    name: line.name,
    start: async () => {
      refuse(chance, faults);
      await line.start();
    },
    read: async () => {
      refuse(chance, faults);
      return line.read();
    },
    onChange: (listener) => line.onChange(listener),
    [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
  };
}

const reads = 200;
const lineOf = (step: RippleStep): number => rippleSteps.indexOf(step) + 5;

/**
 * A receiver of four contacts read 200 times while contacts bounce and switch, stick, and lose their wire, and lines
 * fail: never more is allowed than the network operator does, and the first reading after the last fault is right.
 */
export async function rippleUnderFaults(seed: number): Promise<void> {
  const chance = new Chance(seed);
  const faults = { isActive: true };
  const chip = new EmulatedGpio('test');
  const input = (step: RippleStep): InputLine =>
    unreliableInput(chip.input({ line: lineOf(step), bias: 'pullDown' }), chance, faults);
  await using receiver = new RippleReceiver({ 0: input(0), 30: input(30), 60: input(60), 100: input(100) });
  let asked: RippleStep = 100;
  const drawn = (): RippleStep => rippleSteps[chance.below(rippleSteps.length)]!;
  const set = (isOther: (step: RippleStep) => boolean): void => {
    for (const step of rippleSteps) chip.drive(lineOf(step), (step === asked) !== isOther(step));
  };
  for (let i = 0; i < reads; i++) {
    const before = asked;
    if (chance.below(4) === 0) asked = drawn();
    const [stuck, broken] = [drawn(), drawn()];
    const fault = chance.below(6);
    set((step) => {
      // A contact that still bounces, one that sticks, and a wire that came off.
      if (fault === 0) return step === before && step !== asked;
      if (fault === 1) return step === stuck && step !== asked;
      return fault === 2 && step === broken && step === asked;
    });
    const { percent, fault: told } = await receiver.read();
    assert.ok(percent <= asked, `seed ${seed}: ${percent} %, though ${asked} % was asked for`);
    if (told === undefined) assert.equal(percent, asked, `seed ${seed}: another step without a word`);
  }
  faults.isActive = false;
  set(() => false);
  assert.deepEqual(await receiver.read(), { percent: asked, fault: undefined }, `seed ${seed}`);
}

const switches = 12;

/**
 * A contactor switched twelve times while its line fails and its contacts weld or stay open: a call that resolves has
 * done what it says, and the first one after the last fault does.
 */
export async function contactorUnderFaults(seed: number): Promise<void> {
  const chance = new Chance(seed);
  const faults = { isActive: true };
  const chip = new EmulatedGpio('test');
  const [coilLine, feedbackLine] = [3, 4] as const;
  const out = chip.output({ line: coilLine });
  let isStuck = false;
  let openedAt = Number.NEGATIVE_INFINITY;
  const clock = { time: 1_000, now: () => UnixSeconds(clock.time) };
  const isClosed = (): boolean => chip.isHigh(feedbackLine);
  const coil: OutputLine = {
    name: out.name,
    start: async () => {
      refuse(chance, faults);
      await out.start();
    },
    set: async (isActive) => {
      refuse(chance, faults);
      await out.set(isActive);
      if (!isActive) openedAt = clock.time;
      if (!isStuck) chip.drive(feedbackLine, isActive);
    },
    [Symbol.asyncDispose]: () => out[Symbol.asyncDispose](),
  };
  const feedback = unreliableInput(chip.input({ line: feedbackLine }), chance, faults);
  await using contactor = new LineContactor({ coil, feedback, leastOpenSeconds: 60, clock });
  const connect = async (wanted: boolean): Promise<void> => {
    const mustWait = wanted && clock.time < openedAt + 60;
    await contactor.connect(wanted);
    assert.ok(isClosed() === wanted || mustWait, `seed ${seed}: it said that it is ${wanted ? 'closed' : 'open'}`);
  };
  for (let i = 0; i < switches; i++) {
    clock.time += chance.below(100);
    // Contacts weld, or the coil's supply fails: then nothing moves.
    isStuck = chance.below(5) === 0;
    await connect(chance.below(2) === 0).catch((error: unknown) => {
      assert.ok(error instanceof GridError, `seed ${seed}: ${String(error)}`);
      assert.match(error.code, /^GTX-(REL-001|HAL-099)$/);
    });
  }
  Object.assign(faults, { isActive: false });
  isStuck = false;
  clock.time += 61;
  await connect(false);
  clock.time += 61;
  await connect(true);
  assert.ok(isClosed());
}
