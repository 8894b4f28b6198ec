/** For tests and the bench: bus time that moves only when it is told to. */
import type { BusTimer } from './bus-timer.ts';

interface Task {
  readonly at: number;
  readonly task: () => void;
}

export class StepTimer implements BusTimer {
  #now = 0;
  readonly #tasks = new Set<Task>();

  nowMs(): number {
    return this.#now;
  }

  after(ms: number, task: () => void): Disposable {
    // Whole milliseconds and never at once, as the timers of Node.js.
    const entry = { at: this.#now + Math.max(1, Math.ceil(ms)), task };
    this.#tasks.add(entry);
    return { [Symbol.dispose]: () => void this.#tasks.delete(entry) };
  }

  /** Lets so many milliseconds pass: what is due runs in order, and streams and promises come to rest in between. */
  async run(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await rest();
      const due = [...this.#tasks].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#tasks.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.task();
    }
    this.#now = end;
  }

  /** Lets time pass until `work` is done, at most so long. */
  async until<T>(work: Promise<T>, mostMs = 600_000): Promise<T> {
    const progress = { isDone: false };
    const settled = work.finally(() => {
      progress.isDone = true;
    });
    // Whoever waits for `work` itself learns of its failure.
    settled.catch(() => undefined);
    const end = this.#now + mostMs;
    await rest();
    while (!progress.isDone && this.#now < end) {
      const next = Math.min(end, ...[...this.#tasks].map(({ at }) => at));
      await this.run(Math.max(0, next - this.#now));
    }
    return work;
  }
}

/** Streams hand on by ticks and promises: a few turns of the event loop settle them. */
async function rest(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
}
