import { deadline, monotonicMs } from '#hal/wall.ts';

/** The time that a bus runs by: wall time, or a test's own. */
export interface BusTimer {
  /** Milliseconds of a clock that never steps back. */
  nowMs(): number;
  /** Calls `task` once after `ms` unless disposed first. */
  after(ms: number, task: () => void): Disposable;
}

export const wallTimer: BusTimer = { nowMs: monotonicMs, after: deadline };
