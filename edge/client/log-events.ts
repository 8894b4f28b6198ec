import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { LogEvent } from '#ieee2030_5/types.generated.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import type { ClientFile } from './client-file.ts';
import type { Connection } from './connection.ts';
import { isHopeless } from './refused-error.ts';

/** What happened; the time and the number are added. */
export type LoggedEvent = Omit<LogEvent, 'createdDateTime' | 'logEventID' | 'href'>;

/** LogEvents that wait for the server; the oldest are given up: their numbers are missing then. */
const limit = 64;

/** What is kept of one device's LogEvents: JSON. */
interface Kept {
  readonly nextId: number;
  /** XML, oldest first. */
  readonly waiting: readonly string[];
  /** Conditions that were told and whose return to normal was not. */
  readonly standing: readonly string[];
}

const nothingKept: Kept = { nextId: 0, waiting: [], standing: [] };

const nameOf = (device: string): string => `log-events/${device}`;

const conditionOf = ({ functionSet, logEventCode, logEventPEN, profileID }: LoggedEvent): string =>
  `${functionSet}/${profileID}/${logEventPEN}/${logEventCode}`;

/**
 * Alarms and other LogEvents of one device on their way to its LogEventList, in order and each once (IEEE 2030.5-2018
 * §9.5). They lie in the board's file before they are sent, and leave it with the server's answer. What was told of
 * conditions is kept with them, so that a board that starts again knows which of them the server takes to hold.
 */
export class LogEvents {
  readonly #file: Pick<ClientFile, 'remember'>;
  #name: string;
  #kept: Kept;
  #isSaved = true;

  /** `device` names its LogEvents in the file; `memory` is what was kept there. */
  constructor(file: Pick<ClientFile, 'remember'>, device: string, memory: ReadonlyMap<string, string>) {
    this.#file = file;
    this.#name = nameOf(device);
    const kept = memory.get(this.#name);
    this.#kept = kept === undefined ? nothingKept : (JSON.parse(kept) as Kept);
  }

  /** The device has another certificate, and what was kept in the file is under the new name. */
  rename(device: string): void {
    this.#name = nameOf(device);
  }

  /** `at` is server time. Codes come in pairs: an even one says that something holds, the next one that it is over. */
  add(event: LoggedEvent, at: UnixSeconds): void {
    const { nextId, waiting, standing } = this.#kept;
    const document: LogEvent = { ...event, createdDateTime: BigInt(at), logEventID: nextId };
    const isReturn = event.logEventCode % 2 === 1;
    const condition = conditionOf(isReturn ? { ...event, logEventCode: event.logEventCode - 1 } : event);
    const others = standing.filter((each) => each !== condition);
    this.#kept = {
      nextId: (nextId + 1) % 65_536,
      waiting: [...waiting, writeDocument('LogEvent', document)].slice(-limit),
      standing: isReturn ? others : [...others, condition].slice(-limit),
    };
    this.#isSaved = false;
  }

  /** Whether the event was told, and its return to normal was not. */
  isStanding(event: LoggedEvent): boolean {
    return this.#kept.standing.includes(conditionOf(event));
  }

  /** Resolves when everything that was added is safe; rejects with `GTX-OUT-002`. */
  async save(): Promise<void> {
    if (this.#isSaved) return;
    const saving = this.#kept;
    await this.#file.remember(new Map([[this.#name, JSON.stringify(saving)]]), []);
    // What was added meanwhile is not in it.
    this.#isSaved = this.#kept === saving;
  }

  /**
   * Sends what waits. Rejects with `GTX-SEP-001` when the server is not reached, and with `GTX-OUT-002`; what it does
   * not take now waits for the next time, and what it will never take is given up.
   */
  async send(connection: Pick<Connection, 'postKept'>, listHref: string, log: Log): Promise<void> {
    await this.save();
    for (let [text] = this.#kept.waiting; text !== undefined; [text] = this.#kept.waiting) {
      try {
        await connection.postKept(listHref, text);
      } catch (error) {
        if (!(error instanceof GridError) || error.code === 'GTX-SEP-001') throw error;
        const isLost = isHopeless(error);
        log[isLost ? 'warn' : 'info']({ reason: error.message }, 'the server does not take a LogEvent');
        if (!isLost) return;
      }
      const sent = text;
      this.#kept = { ...this.#kept, waiting: this.#kept.waiting.filter((each) => each !== sent) };
      this.#isSaved = false;
      await this.save();
    }
  }
}
