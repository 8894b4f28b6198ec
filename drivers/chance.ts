/** For tests: draws of one run, the same for the same seed. */
import { uniform } from '#hal/random.ts';

export class Chance {
  readonly #seed: number;
  #index = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** In [0, 1). */
  draw(): number {
    return uniform(this.#seed, this.#index++);
  }

  /** An integer from 0 on, less than `n`. */
  below(n: number): number {
    return Math.floor(this.draw() * n);
  }
}
