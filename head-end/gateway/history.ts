import type { UnixSeconds } from '#hal/units.ts';
import type { HistoryPoint } from './snapshot.ts';

/** The finest distance of two points, virtual seconds: the boards' posting interval. */
const finestStep = 15;
/** The coarsest: 360 points of 240 s are a day. */
const coarsestStep = 240;
const capacity = 360;

/**
 * The power curve of the run so far, at most its last 24 h, in at most 360 points: when they are used up, every
 * second one goes and the step doubles; at the coarsest step the oldest go.
 */
export class History {
  #points: HistoryPoint[] = [];
  #step = finestStep;

  get stepSeconds(): number {
    return this.#step;
  }

  get points(): readonly HistoryPoint[] {
    return this.#points;
  }

  /** Whether a point of this time would be kept: the first of its step is, and never one of the past. */
  wants(time: UnixSeconds): boolean {
    const newest = this.#points.at(-1);
    return newest === undefined || this.#slot(time) > this.#slot(newest.time);
  }

  /** Keeps the point if it is wanted. */
  add({ time, generationW, loadW, gridW }: HistoryPoint): void {
    if (!this.wants(time)) return;
    this.#points.push({ time, generationW, loadW, gridW });
    while (this.#points.length > capacity) this.#shrink();
  }

  #slot(time: number): number {
    return Math.floor(time / this.#step);
  }

  #shrink(): void {
    if (this.#step === coarsestStep) {
      this.#points.shift();
      return;
    }
    this.#step *= 2;
    this.#points = this.#points.filter((point, i, all) => {
      const previous = all[i - 1];
      return previous === undefined || this.#slot(previous.time) !== this.#slot(point.time);
    });
  }
}
