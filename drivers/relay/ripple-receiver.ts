import { reasonOf } from '#hal/errors.ts';
import type { InputLine } from '#hal/ports.ts';
import type { RippleInput, RippleReading } from '../capabilities.ts';

/** The steps of a ripple-control receiver, percent of what the site may generate (VDE-AR-N 4105 §5.7.4.2). */
export const rippleSteps = [0, 30, 60, 100] as const;
export type RippleStep = (typeof rippleSteps)[number];

/** By step; the one for 100 % is not always wired: then no active line means 100 %. */
export type RippleLines = { readonly [Step in Exclude<RippleStep, 100>]: InputLine } & { readonly 100?: InputLine };

/** What each line says; `undefined` where it cannot be read. */
export type RippleStates = ReadonlyMap<RippleStep, boolean | undefined>;

/**
 * What the lines ask for. A receiver closes exactly one of its contacts: where they contradict each other the least
 * active step counts, and where none is closed, though 100 % is wired, or one cannot be read, it is 0 %.
 */
export function rippleReading(states: RippleStates): RippleReading {
  const unread = rippleSteps.find((step) => states.has(step) && states.get(step) === undefined);
  if (unread !== undefined) return { percent: 0, fault: `the line for ${unread} % cannot be read` };
  const active = rippleSteps.filter((step) => states.get(step) === true);
  const [least] = active;
  if (least === undefined) {
    return states.has(100) ? { percent: 0, fault: 'no line is active' } : { percent: 100, fault: undefined };
  }
  if (active.length === 1) return { percent: least, fault: undefined };
  return { percent: least, fault: `the lines for ${active.join(' % and ')} % are active together` };
}

/** The four-step input of a ripple-control receiver: four contacts, or three. */
export class RippleReceiver implements RippleInput {
  readonly #lines: readonly (readonly [RippleStep, InputLine])[];
  #started = new Set<RippleStep>();
  #failure = '';

  constructor(lines: RippleLines) {
    this.#lines = rippleSteps.flatMap((step) => {
      const line = lines[step];
      return line === undefined ? [] : [[step, line] as const];
    });
  }

  /** Rejects with the first line's error; `read` tries again and asks for 0 % until then. */
  async start(): Promise<void> {
    for (const [step, line] of this.#lines) {
      if (this.#started.has(step)) continue;
      await line.start();
      this.#started.add(step);
    }
  }

  async read(): Promise<RippleReading> {
    const states = new Map<RippleStep, boolean | undefined>();
    for (const [step, line] of this.#lines) states.set(step, await this.#state(step, line));
    const reading = rippleReading(states);
    const isUnread = [...states.values()].includes(undefined);
    return isUnread ? { ...reading, fault: `${reading.fault}: ${this.#failure}` } : reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [, line] of this.#lines) await line[Symbol.asyncDispose]();
  }

  async #state(step: RippleStep, line: InputLine): Promise<boolean | undefined> {
    try {
      if (!this.#started.has(step)) await line.start();
      this.#started.add(step);
      return await line.read();
    } catch (error) {
      this.#failure = reasonOf(error);
      return undefined;
    }
  }
}
