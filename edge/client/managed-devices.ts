import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import type { EndDevice } from '#ieee2030_5/types.generated.ts';
import type { Connection } from './connection.ts';
import type { Managed } from './managed.ts';
import { wrongPin } from './registration.ts';

/** A full disk is tried again this often, seconds. */
const stepRetrySeconds = 10;

/** The devices that a client stands for, one after another: what fails with one of them does not keep the others. */
export class ManagedDevices {
  readonly #devices: ReadonlyMap<Lfdi, Managed>;
  readonly #log: Log;

  constructor(devices: ReadonlyMap<Lfdi, Managed>, log: Log) {
    this.#devices = devices;
    this.#log = log;
  }

  /** Moves events on. Whether one of them has begun, ended or changed. */
  async step(serverNow: () => UnixSeconds): Promise<boolean> {
    let isMoved = false;
    for (const managed of this.#devices.values()) {
      try {
        isMoved = (await managed.step(serverNow())) || isMoved;
      } catch (error) {
        if (!(error instanceof GridError)) throw error;
        // What cannot be kept has not happened: the same step is taken again.
        this.#log.error({ reason: error.describe() }, 'events cannot be kept');
        managed.nextStep = serverNow() + stepRetrySeconds;
      }
    }
    return isMoved;
  }

  /** Reports and LogEvents. Rejects with `GTX-SEP-001` when the server is not reached. */
  async tell(connection: Connection, now: UnixSeconds): Promise<void> {
    for (const managed of this.#devices.values()) await managed.tell(connection, now, this.#log);
  }

  /**
   * A server with another PIN than ours is left alone (IEEE 2030.5-2018 §8.4). Answers why nothing goes on, when it has
   * none of the devices.
   */
  async leaveWrongPins(
    connection: Connection,
    server: { endDevice(lfdi: Lfdi): EndDevice | undefined },
    serverNow: UnixSeconds,
  ): Promise<GridError | undefined> {
    const wrong = [...this.#devices.values()].filter(({ state }) => state === 'wrong pin');
    for (const managed of wrong) {
      await managed.tellWrongPin(connection, server.endDevice(managed.device.lfdi), serverNow, this.#log);
    }
    const [first] = wrong;
    return first === undefined || wrong.length < this.#devices.size ? undefined : wrongPin(first.device.lfdi);
  }
}
