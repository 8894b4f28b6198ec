import { machineTime, type WallTime } from '../wall.ts';

interface Task {
  /** Milliseconds since the start. */
  readonly at: number;
  readonly rank: number;
  readonly run: () => void;
}

export interface VirtualWallOptions {
  /** What the wall shows at the start, Unix milliseconds. */
  readonly unixMs: number;
  /** Virtual seconds a second of the machine, or as fast as the work allows; `max` unless told. */
  readonly speed?: number | 'max';
}

/**
 * A time of the wall that moves only when it is told to, and only when everything that is under way in this process
 * waits for it. Work that waits for something else, a disk or a network, is not waited for.
 */
export class VirtualWall implements WallTime {
  /** By time; those of one time by rank, and of one rank in the order in which they were asked for. */
  readonly #tasks: Task[] = [];
  readonly #speed: number | 'max';
  readonly #startedMs = machineTime.monotonicMs();
  #now = 0;
  #unixAhead: number;

  constructor({ unixMs, speed = 'max' }: VirtualWallOptions) {
    this.#unixAhead = unixMs;
    this.#speed = speed;
  }

  monotonicMs(): number {
    return this.#now;
  }

  unixMs(): number {
    return Math.floor(this.#unixAhead + this.#now);
  }

  /** Sets the wall's clock, as somebody may do; timers take no notice. */
  setUnixMs(unixMs: number): void {
    this.#unixAhead = unixMs - this.#now;
  }

  after(ms: number, run: () => void): Disposable {
    // Never at once, as the timers of Node.js.
    return this.at(this.#now + Math.max(1, ms), run);
  }

  every(ms: number, task: () => void): Disposable {
    let next: Disposable;
    const run = (): void => {
      next = this.after(ms, run);
      task();
    };
    next = this.after(ms, run);
    return { [Symbol.dispose]: () => next[Symbol.dispose]() };
  }

  /**
   * Calls `run` at so many milliseconds since the start, or at once where they have passed. What is due at one time goes
   * by `rank`, the least first; timers have 0.
   */
  at(ms: number, run: () => void, rank = 0): Disposable {
    const task: Task = { at: Math.max(this.#now, ms), rank, run };
    let low = 0;
    let high = this.#tasks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#tasks[middle] as Task;
      if (other.at < task.at || (other.at === task.at && other.rank <= task.rank)) low = middle + 1;
      else high = middle;
    }
    this.#tasks.splice(low, 0, task);
    return {
      [Symbol.dispose]: () => {
        const place = this.#tasks.indexOf(task);
        if (place >= 0) this.#tasks.splice(place, 1);
      },
    };
  }

  /** Lets time pass up to so many milliseconds since the start, or until the signal is aborted. */
  async runTo(endMs: number, signal?: AbortSignal): Promise<void> {
    for (;;) {
      await rest();
      if (signal?.aborted === true) return;
      const next = this.#tasks[0];
      const to = next === undefined || next.at > endMs ? endMs : next.at;
      await this.#waitUntil(to);
      // What came while the machine waited may be due earlier.
      if (this.#tasks[0] !== next) continue;
      this.#now = Math.max(this.#now, to);
      if (next === undefined || next.at > endMs) return;
      this.#tasks.shift();
      next.run();
    }
  }

  async #waitUntil(ms: number): Promise<void> {
    if (this.#speed === 'max') return;
    const waitMs = this.#startedMs + ms / this.#speed - machineTime.monotonicMs();
    if (waitMs > 0) await new Promise<void>((resolve) => void machineTime.after(waitMs, resolve, true));
  }
}

/** Streams hand on by ticks and promises: a few turns of the event loop settle them. */
async function rest(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
}
