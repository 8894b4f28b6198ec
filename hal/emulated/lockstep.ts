import type { UnixSeconds } from '../units.ts';
import { delay, monotonicMs } from '../wall.ts';
import { before, earliest, type Moment } from './virtual-clock.ts';

/** Whoever has timers on the common virtual clock: the boards, the head-end. */
export interface Participant {
  readonly name: string;
  /** Runs its timers due before `bound`, awaits their I/O, and answers with the moment of its next timer. */
  runUntil(bound: Moment): Promise<Moment>;
}

export interface LeaderOptions {
  readonly start: UnixSeconds;
  /** The last instant that is still run; open-ended unless told. */
  readonly end?: UnixSeconds;
  /** Virtual seconds a wall second, or as fast as the participants' work allows. */
  readonly speed: number | 'max';
}

/**
 * Leads several processes through one virtual time. Whoever is due first runs alone up to the moment at which
 * another is due, so that nobody sees an effect of the future; those due at one moment run side by side.
 */
export class LockstepLeader {
  readonly #options: LeaderOptions;
  readonly #next: { participant: Participant; moment: Moment }[];
  #now: UnixSeconds;

  constructor(participants: readonly { participant: Participant; next: Moment }[], options: LeaderOptions) {
    this.#options = options;
    this.#now = options.start;
    this.#next = participants.map(({ participant, next }) => ({ participant, moment: next }));
  }

  now(): UnixSeconds {
    return this.#now;
  }

  /** Runs to the end, or until the signal is aborted (it then returns after the work under way). */
  async run(signal: AbortSignal): Promise<void> {
    const { start, end = Number.POSITIVE_INFINITY, speed } = this.#options;
    const startedMs = monotonicMs();
    while (!signal.aborted) {
      const moment = earliest(this.#next.map((entry) => entry.moment));
      if (moment.time > end) return;
      if (speed !== 'max' && !(await until(startedMs + ((moment.time - start) * 1000) / speed, signal))) return;
      this.#now = moment.time as UnixSeconds;
      await this.#runMoment(moment, speed === 'max' ? end + 1 : moment.time + 1);
    }
  }

  async #runMoment(moment: Moment, horizon: number): Promise<void> {
    const due = this.#next.filter((entry) => !before(moment, entry.moment));
    const others = this.#next.filter((entry) => before(moment, entry.moment)).map((entry) => entry.moment);
    const after: Moment = { time: moment.time, phase: moment.phase + 1 };
    const limit = due.length > 1 ? after : earliest([...others, { time: horizon, phase: 0 }]);
    await Promise.all(
      due.map(async (entry) => {
        entry.moment = await entry.participant.runUntil(limit);
      }),
    );
  }
}

/** Waits for an instant of the machine's time; false when the signal was aborted meanwhile. */
async function until(instantMs: number, signal: AbortSignal): Promise<boolean> {
  // A timer counts from when its turn of the event loop began, and so may come too early.
  for (let waitMs = instantMs - monotonicMs(); waitMs > 0; waitMs = instantMs - monotonicMs()) {
    const isAborted = await delay(waitMs, signal).then(
      () => false,
      () => true,
    );
    if (isAborted) return false;
  }
  return true;
}
