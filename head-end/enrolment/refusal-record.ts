import { reasonOf } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { BoundedRefusals } from '../bounded-refusals.ts';
import { statusOf } from '../gateway/problem.ts';
import type { SecurityLog } from '../security-log.ts';

/** Writes refused enrolments into the security log, bounded by the network that they come from. */
export class RefusalRecord {
  readonly #refusals: BoundedRefusals;

  constructor(securityLog: SecurityLog, now: () => UnixSeconds) {
    this.#refusals = new BoundedRefusals(securityLog, now);
  }

  /** What is no refusal, but a fault of ours, is not written down here. */
  async note(error: unknown, { from, serial }: { readonly from: string; readonly serial?: string | undefined }) {
    const status = statusOf(error);
    if (status === undefined || status >= 500) return;
    await this.#refusals.write({ what: 'enrolment', actor: from, subject: serial, reason: reasonOf(error), from });
  }
}
