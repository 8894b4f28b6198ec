import { monotonicMs } from '#hal/wall.ts';
import { median } from './statistics.ts';

const rounds = 15;
const roundMs = 60;
const warmUpMs = 400;
const batch = 20;

/** Microseconds a call, over at least `ms`. */
function cost(task: () => void, ms: number): number {
  const started = monotonicMs();
  let count = 0;
  let elapsed: number;
  do {
    for (let i = 0; i < batch; i++) task();
    count += batch;
    elapsed = monotonicMs() - started;
  } while (elapsed < ms);
  return (elapsed * 1000) / count;
}

export interface Compared {
  /** Microseconds a call: the median of the rounds. */
  readonly us: Readonly<Record<string, number>>;
  /** How many times longer `slow` takes than `quick`: the median of the rounds' ratios. */
  readonly ratio: (slow: string, quick: string) => number;
}

/** Measures tasks in turns, so that what else the machine does falls on all of them alike. */
export function interleaved(tasks: Readonly<Record<string, () => void>>): Compared {
  const names = Object.keys(tasks);
  const measured: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (const name of names) cost(tasks[name] as () => void, warmUpMs);
  for (let round = 0; round < rounds; round++) {
    for (const name of names) measured[name]?.push(cost(tasks[name] as () => void, roundMs));
  }
  const of = (name: string): readonly number[] => measured[name] ?? [];
  return {
    us: Object.fromEntries(names.map((name) => [name, median(of(name))])),
    ratio: (slow, quick) => median(of(slow).map((value, i) => value / (of(quick)[i] ?? Number.NaN))),
  };
}
