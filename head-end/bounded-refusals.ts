import type { UnixSeconds } from '#hal/units.ts';
import { networkOf } from './network.ts';
import type { SecurityLog } from './security-log.ts';

/** Who was refused what, and why. */
export interface Refusal {
  /** What was asked for: `enrolment`, `handshake`, `rest`. */
  readonly what: string;
  readonly actor: string;
  readonly subject?: string | undefined;
  readonly reason: string;
  /** The address that it came from. */
  readonly from: string | undefined;
}

/** Refusals that are written down in a minute: whoever knocks at an open door must not fill the disk. */
const mostOfNetwork = 60;
const mostOfAll = 600;
const periodSeconds = 60;

interface Period {
  readonly since: number;
  readonly byNetwork: Map<string, number>;
  written: number;
  left: number;
}

/**
 * Writes refusals into the security log; of a flood the first, and how many more there were. Each network has its own
 * share, so that a flood from one does not hide what comes from another.
 */
export class BoundedRefusals {
  readonly #securityLog: SecurityLog;
  readonly #now: () => UnixSeconds;
  #period: Period = { since: -Infinity, byNetwork: new Map(), written: 0, left: 0 };

  constructor(securityLog: SecurityLog, now: () => UnixSeconds) {
    this.#securityLog = securityLog;
    this.#now = now;
  }

  async write({ what, actor, subject, reason, from }: Refusal): Promise<void> {
    const now = this.#now();
    const { since, left } = this.#period;
    if (now - since >= periodSeconds) {
      this.#period = { since: now, byNetwork: new Map(), written: 0, left: 0 };
      if (left > 0) await this.#record('head-end', undefined, { reason: `${left} more were refused before this` });
    }
    const period = this.#period;
    const network = networkOf(from);
    const ofNetwork = period.byNetwork.get(network) ?? 0;
    if (ofNetwork >= mostOfNetwork || period.written >= mostOfAll) {
      period.left++;
      return;
    }
    period.byNetwork.set(network, ofNetwork + 1);
    period.written++;
    await this.#record(actor, subject, { what, reason, ...(from !== undefined && from !== actor && { from }) });
  }

  #record(actor: string, subject: string | undefined, detail: Readonly<Record<string, string>>): Promise<void> {
    return this.#securityLog.record({ kind: 'refusal', actor, ...(subject !== undefined && { subject }), detail });
  }
}
