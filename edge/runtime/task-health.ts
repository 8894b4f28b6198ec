import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { Health, type PartHealth } from '../health.ts';

const tooSlow = (task: string): GridError =>
  new GridError('GTX-EDG-031', `The task ${task} takes longer than its period`, {
    hint: 'A device or the head-end is slow to answer, or the board has too much to do.',
  });

/** How the tasks of a board do, as its clock runs them. A change is told in the log, once. */
export class TaskHealth {
  readonly #health = new Health();
  readonly #failing = new Set<string>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  get parts(): readonly PartHealth[] {
    return this.#health.parts;
  }

  ended(task: string, at: UnixSeconds, failure: unknown): void {
    this.#health.set(`task ${task}`, at, failure);
    if (failure === undefined) {
      if (this.#failing.delete(task)) this.#log.info({ task }, 'a task runs again');
      return;
    }
    const reason = failure instanceof GridError ? failure.describe() : failure;
    if (!this.#failing.has(task)) this.#log.error({ task, reason }, 'a task failed; it is tried again when it is due');
    this.#failing.add(task);
  }

  /** It was due while it still ran. */
  skipped(task: string, at: UnixSeconds): void {
    this.#health.set(`task ${task}`, at, tooSlow(task));
  }
}
