import { type Clock, phases, type Schedule, type Task } from './clock.ts';
import type { UnixSeconds } from './units.ts';
import { delay, wallMs, wallSeconds } from './wall.ts';

interface Timer {
  readonly schedule: Schedule;
  readonly task: Task;
  isRunning: boolean;
}

export interface RealClockOptions {
  /** A task is done, or has failed; it runs again when it is due. */
  readonly onEnd: (name: string, failure: unknown) => void;
  /** A task was due while it still ran, and was left out. */
  readonly onSkipped: (name: string) => void;
}

/**
 * The time of the wall. Tasks that are due in one second run phase by phase; a task that takes longer holds back no
 * other second, and itself only until it is done. A second that was missed, because the program stood still or the
 * clock was set forward, counts as one with the next; a clock that is set back goes on from there.
 */
export class RealClock implements Clock {
  readonly #options: RealClockOptions;
  readonly #timers = new Set<Timer>();
  readonly #ticks = new Set<Promise<void>>();
  #last: UnixSeconds | undefined;

  constructor(options: RealClockOptions) {
    this.#options = options;
  }

  now(): UnixSeconds {
    return wallSeconds();
  }

  every(schedule: Schedule, task: Task): Disposable {
    const { period } = schedule;
    if (!Number.isSafeInteger(period) || period < 1) throw new RangeError(`period of ${schedule.name}: ${period}`);
    const timer: Timer = { schedule, task, isRunning: false };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => this.#timers.delete(timer) };
  }

  /** Runs until the signal is aborted, and then until the work under way is done. */
  async run(signal: AbortSignal): Promise<void> {
    while (await nextSecond(this.#last, signal)) this.tick(this.now());
    await Promise.all(this.#ticks);
  }

  /** What `run` does once a second. */
  tick(now: UnixSeconds): void {
    // A timer may fire a little before its second.
    if (now === this.#last) return;
    const since = this.#last === undefined || now < this.#last ? now - 1 : this.#last;
    this.#last = now;
    const due = [...this.#timers].filter(({ schedule }) => isDue(schedule, since, now));
    if (due.length === 0) return;
    const tick = this.#runPhases(due, now);
    this.#ticks.add(tick);
    // It never rejects: failures are told one by one.
    tick.finally(() => this.#ticks.delete(tick)).catch(() => undefined);
  }

  async #runPhases(due: readonly Timer[], now: UnixSeconds): Promise<void> {
    for (const phase of phases) {
      await Promise.all(due.filter(({ schedule }) => schedule.phase === phase).map((timer) => this.#run(timer, now)));
    }
  }

  async #run(timer: Timer, now: UnixSeconds): Promise<void> {
    const { name } = timer.schedule;
    if (timer.isRunning) {
      this.#options.onSkipped(name);
      return;
    }
    // Stopped since the second began.
    if (!this.#timers.has(timer)) return;
    timer.isRunning = true;
    let failure: unknown;
    try {
      await timer.task(now);
    } catch (error) {
      failure = error;
    }
    timer.isRunning = false;
    this.#options.onEnd(name, failure);
  }
}

/** Whether one of the seconds after `since`, up to `now`, is the task's. */
function isDue({ period, offset = 0, from }: Schedule, since: number, now: UnixSeconds): boolean {
  if (from !== undefined && now < from) return false;
  return Math.floor((now - offset) / period) > Math.floor((since - offset) / period);
}

/** Waits for the second after `last`, or for the next one; `false` when the signal was aborted. */
function nextSecond(last: UnixSeconds | undefined, signal: AbortSignal): Promise<boolean> {
  // Asked once: a timer fires a little early at times, and the second that begins between two looks would be left out.
  const nowMs = wallMs();
  const isKnown = last !== undefined && nowMs >= last * 1000;
  const waitMs = isKnown ? Math.max(0, (last + 1) * 1000 - nowMs) : 1000 - (nowMs % 1000);
  return delay(waitMs, signal).then(
    () => true,
    () => false,
  );
}
