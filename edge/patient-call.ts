import { GridError } from '#hal/errors.ts';
import { deadline } from '#hal/wall.ts';

/**
 * Calls a device for someone who cannot wait for long. A call that takes longer goes on, and its answer is that of the
 * next one; no second call is begun beside it.
 */
export class PatientCall<T> {
  readonly #what: string;
  #underWay: Promise<T> | undefined;

  /** @param what is called, for messages */
  constructor(what: string) {
    this.#what = what;
  }

  get isUnderWay(): boolean {
    return this.#underWay !== undefined;
  }

  /** Rejects as `call` does, and with `GTX-EDG-040` when it takes longer than `ms` of wall time. */
  async within(ms: number, call: () => Promise<T>): Promise<T> {
    const calling = (this.#underWay ??= call().finally(() => {
      this.#underWay = undefined;
    }));
    // Whoever waits learns of its failure; of one that nobody waits for the next call will have its own.
    calling.catch(() => undefined);
    const late = Promise.withResolvers<never>();
    using timers = new DisposableStack();
    // In two halves, so that a program that stood still finds the answer before it gives it up.
    const secondHalf = (): void => void timers.use(deadline(ms / 2, () => late.reject(this.#lateError(ms))));
    timers.use(deadline(ms / 2, secondHalf));
    return await Promise.race([calling, late.promise]);
  }

  #lateError(ms: number): GridError {
    return new GridError('GTX-EDG-040', `No answer from the ${this.#what} within ${ms} ms`, {
      hint: 'Check its cable and its supply.',
    });
  }
}
