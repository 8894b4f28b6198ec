import { seedOf, uniform } from '#hal/random.ts';

/** A source of choices: a whole number below `count`. */
export type Choose = (count: number) => number;

/** Choices that a seed determines. */
export function choicesOf(seed: number): Choose {
  let index = 0;
  const own = seedOf(seed, 'choices');
  return (count) => Math.floor(uniform(own, index++) * Math.max(count, 1));
}
