import type { UnixSeconds } from './units.ts';

/**
 * The order of work at one instant, the same in every process:
 * `open` the head-end's time moves on · `field` the physical world and its devices · `sample` boards read and
 * control · `exchange` boards talk to the head-end · `close` the head-end clears and settles.
 */
export const phases = ['open', 'field', 'sample', 'exchange', 'close'] as const;
export type Phase = (typeof phases)[number];

export type Task = (now: UnixSeconds) => Promise<void> | void;

export interface Schedule {
  /** Shown in logs when the task fails. */
  readonly name: string;
  /** Seconds, an integer of at least 1; the task runs when `(time - offset) % period === 0`. */
  readonly period: number;
  /** Seconds within the period; 0 unless told. */
  readonly offset?: number;
  readonly phase: Phase;
  /** The first instant at which it may run; the clock's present instant unless told. */
  readonly from?: UnixSeconds;
}

/**
 * The time that meters, markets and events live by. It is virtual in an emulated campus; a task's promise is
 * awaited before time moves on. TLS, transport time-outs and logs use `wall.ts` instead.
 */
export interface Clock {
  now(): UnixSeconds;
  /** Runs a task periodically; dispose the handle to stop it. */
  every(schedule: Schedule, task: Task): Disposable;
}
