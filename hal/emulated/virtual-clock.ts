import { type Clock, type Phase, phases, type Schedule, type Task } from '../clock.ts';
import { UnixSeconds } from '../units.ts';

/** A point in virtual time: an instant and a phase within it, ordered. `Infinity` means never. */
export interface Moment {
  readonly time: number;
  readonly phase: number;
}

export const never: Moment = { time: Number.POSITIVE_INFINITY, phase: 0 };
export const before = (a: Moment, b: Moment): boolean => a.time < b.time || (a.time === b.time && a.phase < b.phase);
/** The first of them, at least one. */
export const earliest = (moments: readonly Moment[]): Moment =>
  moments.reduce((least, moment) => (before(moment, least) ? moment : least));
export const phaseIndex = (phase: Phase): number => phases.indexOf(phase);

interface Timer extends Moment {
  readonly sequence: number;
  readonly schedule: Schedule;
  readonly task: Task;
}

/** Time that moves only when it is told to, and only after the work of the present moment is done. */
export class VirtualClock implements Clock {
  #now: UnixSeconds;
  #sequence = 0;
  /** Few timers (a handful a board), so a sorted array is the simplest heap. */
  readonly #timers: Timer[] = [];

  constructor(start: UnixSeconds) {
    this.#now = start;
  }

  now(): UnixSeconds {
    return this.#now;
  }

  every(schedule: Schedule, task: Task): Disposable {
    const { period, offset = 0, phase } = schedule;
    if (!Number.isSafeInteger(period) || period < 1) throw new RangeError(`period of ${schedule.name}: ${period}`);
    const from = schedule.from ?? this.#now;
    const time = from + ((((offset - from) % period) + period) % period);
    const timer: Timer = { time, phase: phaseIndex(phase), sequence: this.#sequence++, schedule, task };
    this.#insert(timer);
    const sequence = timer.sequence;
    return {
      [Symbol.dispose]: () => {
        const at = this.#timers.findIndex((t) => t.sequence === sequence);
        if (at >= 0) this.#timers.splice(at, 1);
      },
    };
  }

  /** The moment of the earliest timer. */
  next(): Moment {
    const [first] = this.#timers;
    return first === undefined ? never : { time: first.time, phase: first.phase };
  }

  /**
   * Runs every timer due before `bound`, moment by moment: those of one moment run side by side and are all
   * awaited before the next. Rejects with the first failure.
   */
  async runUntil(bound: Moment): Promise<void> {
    for (;;) {
      const moment = this.next();
      if (!before(moment, bound)) break;
      this.#now = UnixSeconds(moment.time);
      const due: Timer[] = [];
      while (this.#timers[0] !== undefined && !before(moment, this.#timers[0])) due.push(this.#timers.shift() as Timer);
      // Rescheduled first, so that a task may dispose its own handle.
      for (const timer of due) this.#insert({ ...timer, time: timer.time + timer.schedule.period });
      await Promise.all(due.map(async (timer) => timer.task(this.#now)));
    }
  }

  /** Moves time on without running anything, never back. */
  setNow(time: UnixSeconds): void {
    if (time > this.#now) this.#now = time;
  }

  #insert(timer: Timer): void {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#timers[middle] as Timer;
      const isBefore = before(other, timer) || (!before(timer, other) && other.sequence < timer.sequence);
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
  }
}
