import { GridError, reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { delay, monotonicMs, msToNextSecond } from '#hal/wall.ts';
import { BenchSite, type Second } from './bench-site.ts';
import { type BenchCase, conditionsToAskFor, isAllTwins, isTwinned } from './case.ts';
import { judge, rangeText, type Verdict } from './expectation.ts';
import { isDevice } from './plan.ts';
import type { Conditions, ExpectStep, Step } from './plan-schema.ts';
import type { CaseResult, Outcome, StepResult } from './result.ts';
import { conditionsText, stepText } from './step-text.ts';

export interface RunOptions {
  readonly seed: number;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Has a person do something to real devices; `undefined` where there is nobody. */
  readonly ask: ((what: string) => Promise<void>) | undefined;
  readonly onStep?: (step: StepResult) => void;
  /** A second of a step, counted from 1, is over. */
  readonly onSecond?: (step: number, at: number) => void;
}

/** Most seconds that are kept for the report; of a longer run the newest. */
const mostSeconds = 20_000;

/**
 * Runs a plan on its board. What fails is in the result; rejects with the signal's reason when that is aborted. The
 * devices fall back by themselves afterwards, as when a board falls silent.
 */
export async function runCase(bench: BenchCase, options: RunOptions): Promise<CaseResult> {
  const runner = new Runner(bench, options);
  let error: string | undefined;
  try {
    await using site = new BenchSite(bench, options.seed, options.log);
    await runner.run(site);
  } catch (failure) {
    options.signal.throwIfAborted();
    if (!(failure instanceof GridError)) throw failure;
    error = reasonOf(failure);
  }
  return { ...runner.result, error };
}

/** What became of a step. */
interface Done {
  readonly outcome: Outcome;
  readonly detail: string;
}
const done: Done = { outcome: 'passed', detail: '' };

class Runner {
  readonly #bench: BenchCase;
  readonly #options: RunOptions;
  readonly #steps: StepResult[] = [];
  readonly #seconds: Second[] = [];
  #site!: BenchSite;
  /** Something was changed that the newest second does not show. */
  #isStale = true;
  #wantsGrid = false;
  /** The first step that a person should have done and nobody did. */
  #missed: string | undefined;

  constructor(bench: BenchCase, options: RunOptions) {
    this.#bench = bench;
    this.#options = options;
  }

  get result(): Omit<CaseResult, 'error'> {
    const { plan, name, board } = this.#bench;
    return {
      name,
      title: plan.title,
      board: board.path,
      isVirtual: isAllTwins(this.#bench),
      seed: this.#options.seed,
      steps: this.#steps,
      seconds: this.#seconds,
    };
  }

  async run(site: BenchSite): Promise<void> {
    this.#site = site;
    await site.start();
    for (const [i, step] of this.#bench.steps.entries()) {
      const [from, begun] = [this.#at, monotonicMs()];
      const { outcome, detail } = await this.#do(step);
      const result: StepResult = {
        number: i + 1,
        isCheck: 'expect' in step,
        text: stepText(step),
        outcome,
        detail,
        from,
        until: this.#at,
        wallMs: monotonicMs() - begun,
      };
      this.#steps.push(result);
      this.#options.onStep?.(result);
    }
  }

  get #at(): number {
    return this.#seconds.at(-1)?.at ?? 0;
  }

  async #do(step: Step): Promise<Done> {
    if ('expect' in step) return this.#expect(step);
    if ('wait' in step) {
      for (let left = step.wait; left > 0; left--) await this.#second();
      return done;
    }
    this.#isStale = true;
    if ('set' in step) return this.#set(step.set);
    if ('limit' in step || 'dispatch' in step) {
      this.#site.utility.order('limit' in step ? step.limit : step.dispatch);
      return done;
    }
    if ('storm' in step) {
      if (!isAllTwins(this.#bench)) return { outcome: 'skipped', detail: 'a real line makes its own faults' };
      this.#site.storm(step.storm);
      return step.storm ? done : { ...done, detail: `${this.#site.faults} faults were met` };
    }
    return 'pull' in step ? this.#plug('pull', step.pull) : this.#plug('restore', step.restore);
  }

  async #set(conditions: Conditions): Promise<Done> {
    const asked = conditionsToAskFor(this.#bench, conditions);
    this.#site.set(conditions);
    return Object.keys(asked).length === 0 ? done : this.#ask(`Set ${conditionsText(asked)}`);
  }

  async #plug(what: 'pull' | 'restore', name: string): Promise<Done> {
    // A neighbour is what the clamps are: it is on their line.
    const device = isDevice(name) ? name : 'clamps';
    const isBenchs = name === 'board' || name === 'server';
    if (isBenchs || isTwinned(this.#bench, device)) {
      await this.#site[what](name);
      return done;
    }
    return this.#ask(what === 'pull' ? `Pull the cable of ${name}` : `Plug ${name} in again`);
  }

  /** The board goes on being controlled while a person is busy. */
  async #ask(what: string): Promise<Done> {
    const { ask } = this.#options;
    if (ask === undefined) {
      this.#missed ??= what;
      return { outcome: 'skipped', detail: 'the device is real and nobody is there to do it: run it in a terminal' };
    }
    const state = { isDone: false };
    const answer = ask(what).finally(() => {
      state.isDone = true;
    });
    answer.catch(() => undefined);
    while (!state.isDone) await this.#second();
    await answer;
    return done;
  }

  async #expect({ expect, within = 0, for: lasting = 1 }: ExpectStep): Promise<Done> {
    if (this.#missed !== undefined) return { outcome: 'skipped', detail: `nobody did: ${this.#missed}` };
    this.#wantsGrid ||= gridQuantities.has(expect.quantity);
    if (this.#isStale) await this.#second();
    const begun = this.#at;
    // What was measured since it holds.
    let held: number[] = [];
    let newest = '';
    const heldText = (): string => (held.length === 1 || expect.of !== undefined ? newest : rangeText(expect, held));
    for (;;) {
      const elapsed = this.#at - begun;
      const verdict = judge(expect, this.#seconds.at(-1)!);
      if (verdict.is === 'unknown') return { outcome: 'skipped', detail: 'nothing but a twin knows what truly flows' };
      if (verdict.is === 'held') {
        held.push(verdict.value);
        newest = verdict.measured;
        if (held.length >= lasting) return heldFor(heldText(), held.length, elapsed - held.length + 1);
      } else if (verdict.is === 'broken' || expect.mayBeSilent !== true) {
        if (elapsed >= within) return broken(verdict, held.length, elapsed);
        held = [];
      }
      if (expect.mayBeSilent === true && elapsed >= within + lasting) {
        return held.length > 0 ? heldFor(heldText(), held.length) : broken({ is: 'silent' }, 0, elapsed);
      }
      await this.#second();
    }
  }

  async #second(): Promise<void> {
    const { signal } = this.#options;
    signal.throwIfAborted();
    const before = this.#site.now();
    let now = UnixSeconds(before + 1);
    if (!this.#site.isVirtual) {
      // A timer may fire a little before its second.
      do await delay(msToNextSecond(), signal);
      while (this.#site.now() === before);
      now = this.#site.now();
    }
    this.#seconds.push(await this.#site.second(now, this.#wantsGrid));
    if (this.#seconds.length > mostSeconds) this.#seconds.shift();
    this.#isStale = false;
    this.#options.onSecond?.(this.#steps.length + 1, this.#at);
  }
}

/** What is read of the devices' own state, which is not for every second. */
const gridQuantities: ReadonlySet<string> = new Set(['reactivePower', 'frequency', 'connected']);

const heldFor = (measured: string, held: number, after = 0): Done => ({
  outcome: 'passed',
  detail: [measured, ...(after > 0 ? [`after ${after} s`] : []), ...(held > 1 ? [`for ${held} s`] : [])].join(', '),
});

function broken(verdict: Verdict, held: number, after: number): Done {
  const measured = 'measured' in verdict ? verdict.measured : 'no answer';
  const how = [...(after > 0 ? [`after ${after} s`] : []), ...(held > 0 ? [`it had held for ${held} s`] : [])];
  return { outcome: 'failed', detail: [measured, ...how].join(', ') };
}
