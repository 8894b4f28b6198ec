import { Type } from '#hal/schema.ts';
import { EmulatedGpio } from '#hal/emulated/gpio.ts';
import type { GpioChip } from '#hal/ports.ts';
import { driver, type SettingsFault } from '../driver.ts';
import { LineContactor } from './contactor.ts';
import { RippleReceiver } from './ripple-receiver.ts';

const line = (description: string) => Type.Integer({ minimum: 0, maximum: 255, description });
const activeLow = Type.Optional(Type.Boolean({ description: 'The wire is low when it is active; false unless told' }));
/** Contacts bounce, and receivers switch from one to the next with a gap. */
const debounceMs = 50;

function twice(settings: Readonly<Record<string, unknown>>, keys: readonly string[]): SettingsFault | undefined {
  const seen = new Map<unknown, string>();
  for (const key of keys) {
    const value = settings[key];
    if (value === undefined) continue;
    const other = seen.get(value);
    if (other !== undefined) return { key, text: `expected another line than ${other} has` };
    seen.set(value, key);
  }
  return undefined;
}

const rippleKeys = ['line0', 'line30', 'line60', 'line100'] as const;

export const rippleReceiver = driver({
  name: 'ripple-receiver',
  role: 'ripple',
  wire: 'gpio',
  summary: 'Ripple-control receiver with contacts for 0, 30, 60 and 100 %',
  settings: {
    line0: line('GPIO line of the contact for 0 %'),
    line30: line('GPIO line of the contact for 30 %'),
    line60: line('GPIO line of the contact for 60 %'),
    line100: Type.Optional(line('GPIO line of the contact for 100 %; left out where no contact means 100 %')),
    activeLow,
  },
  check: (settings) => twice(settings, rippleKeys),
  make: ({ line0, line30, line60, line100, activeLow: isActiveLow = false }, chip) => {
    const input = (number: number) =>
      chip.input({ line: number, isActiveLow, bias: isActiveLow ? 'pullUp' : 'pullDown', debounceMs });
    const steps = { 0: input(line0), 30: input(line30), 60: input(line60) };
    return new RippleReceiver(line100 === undefined ? steps : { ...steps, 100: input(line100) });
  },
  twin: ({ line100, activeLow: isActiveLow = false }) => {
    const chip = new EmulatedGpio('ripple receiver');
    if (line100 !== undefined) chip.drive(line100, !isActiveLow);
    return { wire: chip };
  },
});

/** A chip whose feedback line follows its coil, as the contacts of a contactor do. */
function contactorTwin(coil: number, feedback: number | undefined, isActiveLow: boolean): GpioChip {
  const chip = new EmulatedGpio('contactor');
  if (feedback === undefined) return chip;
  return {
    name: chip.name,
    input: (options) => chip.input(options),
    output: (options) => {
      const output = chip.output(options);
      const follow = (isClosed: boolean): void => chip.drive(feedback, isClosed !== isActiveLow);
      if (options.line !== coil) return output;
      return {
        name: output.name,
        start: async () => {
          await output.start();
          follow(false);
        },
        set: async (isActive) => {
          await output.set(isActive);
          follow(isActive);
        },
        [Symbol.asyncDispose]: async () => {
          await output[Symbol.asyncDispose]();
          follow(false);
        },
      };
    },
  };
}

export const contactor = driver({
  name: 'contactor',
  role: 'contactor',
  wire: 'gpio',
  summary: 'Contactor or relay that cuts the generators off',
  settings: {
    coil: line('GPIO line of the coil; the contactor is closed while it is active'),
    feedback: Type.Optional(line('GPIO line of an auxiliary contact that is active while it is closed')),
    activeLow,
    leastOpenSeconds: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 3600, description: 'It stays open for so long at least; 60 unless told' }),
    ),
  },
  check: (settings) => twice(settings, ['coil', 'feedback']),
  make: ({ coil, feedback, activeLow: isActiveLow = false, leastOpenSeconds = 60 }, chip, { clock }) =>
    new LineContactor({
      coil: chip.output({ line: coil, isActiveLow }),
      ...(feedback !== undefined && { feedback: chip.input({ line: feedback, isActiveLow, debounceMs }) }),
      leastOpenSeconds,
      clock,
    }),
  twin: ({ coil, feedback, activeLow: isActiveLow = false }) => ({ wire: contactorTwin(coil, feedback, isActiveLow) }),
});
