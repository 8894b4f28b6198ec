import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { LogEvent } from '#ieee2030_5/types.generated.ts';
import type { Connection } from './connection.ts';

/** What happened; the time and the number are added. */
export type LoggedEvent = Omit<LogEvent, 'createdDateTime' | 'logEventID' | 'href'>;

/** LogEvents that wait for the server; the oldest are given up: their numbers are missing then. */
const limit = 64;

/**
 * Alarms and other LogEvents of one device on their way to its LogEventList, in order (IEEE 2030.5-2018 §9.5). They
 * do not survive the program: what still holds after a restart is told by the DERStatus.
 */
export class LogEvents {
  #waiting: LogEvent[] = [];
  #nextId = 0;

  /** `at` is server time. */
  add(event: LoggedEvent, at: UnixSeconds): void {
    this.#waiting.push({ ...event, createdDateTime: BigInt(at), logEventID: this.#nextId });
    this.#nextId = (this.#nextId + 1) % 65_536;
    if (this.#waiting.length > limit) this.#waiting.shift();
  }

  /** Sends what waits. Rejects with `GTX-SEP-001` when the server is not reached; what it refuses is given up. */
  async send(connection: Pick<Connection, 'post'>, listHref: string, log: Log): Promise<void> {
    for (let event = this.#waiting[0]; event !== undefined; event = this.#waiting[0]) {
      try {
        await connection.post(listHref, 'LogEvent', event);
      } catch (error) {
        if (!(error instanceof GridError) || error.code === 'GTX-SEP-001') throw error;
        log.warn({ reason: error.message }, 'the server does not take a LogEvent');
      }
      this.#waiting = this.#waiting.filter((each) => each !== event);
    }
  }
}
