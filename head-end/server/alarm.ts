import type { Clock, Phase, Task } from '#hal/clock.ts';
import type { UnixSeconds } from '#hal/units.ts';

export interface AlarmOptions {
  /** Shown in logs when the task fails. */
  readonly name: string;
  readonly phase: Phase;
}

/** Runs a task once, at an instant that may be moved; time waits for the task's promise. */
export class Alarm implements Disposable {
  readonly #clock: Clock;
  readonly #options: AlarmOptions;
  readonly #task: Task;
  #armed: { readonly at: UnixSeconds; readonly handle: Disposable } | undefined;

  constructor(clock: Clock, options: AlarmOptions, task: Task) {
    this.#clock = clock;
    this.#options = options;
    this.#task = task;
  }

  /** Sets the instant, which lies ahead; undefined: none. */
  set(at: UnixSeconds | undefined): void {
    if (at === this.#armed?.at) return;
    this.#armed?.handle[Symbol.dispose]();
    this.#armed = undefined;
    if (at === undefined) return;
    const schedule = { ...this.#options, period: 1, from: at };
    const handle = this.#clock.every(schedule, (now) => {
      this.set(undefined);
      return this.#task(now);
    });
    this.#armed = { at, handle };
  }

  [Symbol.dispose](): void {
    this.set(undefined);
  }
}
