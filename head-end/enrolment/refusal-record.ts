import { reasonOf } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { statusOf } from '../gateway/problem.ts';
import type { SecurityLog } from '../security-log.ts';

/** Refusals that are written down in a minute: whoever knocks at an open door must not fill the disk. */
const mostInPeriod = 60;
const periodSeconds = 60;

/** Writes refused enrolments into the security log; of a flood the first, and how many more there were. */
export class RefusalRecord {
  readonly #securityLog: SecurityLog;
  readonly #now: () => UnixSeconds;
  #period = { since: -Infinity, written: 0, left: 0 };

  constructor(securityLog: SecurityLog, now: () => UnixSeconds) {
    this.#securityLog = securityLog;
    this.#now = now;
  }

  /** What is no refusal, but a fault of ours, is not written down here. */
  async note(error: unknown, { from, serial }: { readonly from: string; readonly serial?: string | undefined }) {
    const status = statusOf(error);
    if (status === undefined || status >= 500) return;
    const now = this.#now();
    const { since, left } = this.#period;
    if (now - since >= periodSeconds) {
      this.#period = { since: now, written: 0, left: 0 };
      if (left > 0) await this.#write('head-end', undefined, `${left} more enrolments were refused before this`);
    }
    if (this.#period.written >= mostInPeriod) {
      this.#period.left++;
      return;
    }
    this.#period.written++;
    await this.#write(from, serial, reasonOf(error));
  }

  async #write(actor: string, serial: string | undefined, reason: string): Promise<void> {
    const subject = serial === undefined ? {} : { subject: serial };
    await this.#securityLog.record({ kind: 'refusal', actor, ...subject, detail: { what: 'enrolment', reason } });
  }
}
