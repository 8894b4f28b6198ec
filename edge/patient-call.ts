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
  within(ms: number, call: () => Promise<T>): Promise<T> {
    const calling = this.#underWay ?? this.#begin(call);
    return new Promise((resolve, reject) => {
      // In two halves, so that a program that stood still finds the answer before it gives it up.
      let half = deadline(ms / 2, () => {
        half = deadline(ms / 2, () => reject(this.#lateError(ms)));
      });
      const inTime =
        <Answer>(settle: (answer: Answer) => void) =>
        (answer: Answer): void => {
          half[Symbol.dispose]();
          settle(answer);
        };
      // What comes too late is the next call's.
      calling.then(inTime(resolve), inTime(reject));
    });
  }

  #begin(call: () => Promise<T>): Promise<T> {
    const calling = call();
    const over = (): void => {
      this.#underWay = undefined;
    };
    this.#underWay = calling;
    calling.then(over, over);
    return calling;
  }

  #lateError(ms: number): GridError {
    return new GridError('GTX-EDG-040', `No answer from the ${this.#what} within ${ms} ms`, {
      hint: 'Check its cable and its supply.',
    });
  }
}
