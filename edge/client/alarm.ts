import type { Clock, Phase } from '#hal/clock.ts';
import { UnixSeconds } from '#hal/units.ts';

/** Longer than any program runs, seconds: a timer that is disposed when it fires. */
const once = 1 << 30;

/** One instant at which a task runs on the clock; setting it again moves it. */
export class Alarm implements Disposable {
  readonly #clock: Clock;
  readonly #name: string;
  readonly #phase: Phase;
  readonly #task: (now: UnixSeconds) => Promise<void>;
  #timer: Disposable | undefined;
  #at: UnixSeconds | undefined;

  constructor(clock: Clock, name: string, phase: Phase, task: (now: UnixSeconds) => Promise<void>) {
    this.#clock = clock;
    this.#name = name;
    this.#phase = phase;
    this.#task = task;
  }

  /** When it is set for, if it is. */
  get at(): UnixSeconds | undefined {
    return this.#at;
  }

  /** Sets it for an instant, now at the earliest; `undefined` clears it. */
  set(at: number | undefined): void {
    const instant = at === undefined ? undefined : UnixSeconds(Math.max(at, this.#clock.now()));
    if (instant === this.#at) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#at = instant;
    if (instant === undefined) return;
    const offset = instant % once;
    this.#timer = this.#clock.every(
      { name: this.#name, period: once, offset, phase: this.#phase, from: instant },
      (now) => {
        this.set(undefined);
        return this.#task(now);
      },
    );
  }

  /** Moves it to an earlier instant, or sets it where it is not set. */
  hasten(at: number): void {
    if (this.#at === undefined || at < this.#at) this.set(at);
  }

  [Symbol.dispose](): void {
    this.set(undefined);
  }
}
