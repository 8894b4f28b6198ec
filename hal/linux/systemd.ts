import { GridError, reasonOf } from '../errors.ts';
import type { Watchdog } from '../ports.ts';
import { type Libc, libc } from './libc.ts';

/** What systemd gives a service in its environment (sd_notify(3), sd_watchdog_enabled(3)). */
export interface SystemdEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  readonly WATCHDOG_USEC?: string | undefined;
}

const noWatchdog = Number.POSITIVE_INFINITY;

/**
 * The service manager: it is told when the program is ready and when it stops, and restarts it when beats stay away
 * for `WatchdogSec` of the unit.
 */
export class SystemdNotify implements Watchdog {
  readonly name = 'systemd';
  /** `Infinity` where the unit has no `WatchdogSec`. */
  readonly timeoutSeconds: number;
  readonly #socket: string;
  readonly #calls: () => Promise<Libc>;
  #isStarted = false;

  private constructor(socket: string, timeoutSeconds: number, calls: () => Promise<Libc>) {
    this.#socket = socket;
    this.timeoutSeconds = timeoutSeconds;
    this.#calls = calls;
  }

  /** `undefined` where no systemd has started this program, or it does not want to be told (`Type=` is not `notify`). */
  static from(environment: SystemdEnvironment, calls: () => Promise<Libc> = libc): SystemdNotify | undefined {
    const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: microseconds } = environment;
    if (socket === undefined || !/^[/@]/.test(socket)) return undefined;
    const seconds = Number(microseconds) / 1_000_000;
    return new SystemdNotify(socket, seconds > 0 ? seconds : noWatchdog, calls);
  }

  /** The program is ready. */
  async start(): Promise<void> {
    if (this.#isStarted) return;
    await this.#tell('READY=1');
    this.#isStarted = true;
  }

  async beat(): Promise<void> {
    await this.#tell('WATCHDOG=1');
  }

  /** A line for `systemctl status`. */
  async status(text: string): Promise<void> {
    await this.#tell(`STATUS=${text.replaceAll('\n', ' ')}`);
  }

  /** The program is about to stop. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isStarted) return;
    this.#isStarted = false;
    await this.#tell('STOPPING=1');
  }

  async #tell(state: string): Promise<void> {
    const calls = await this.#calls();
    try {
      calls.sendDatagram(this.#socket, Buffer.from(`${state}\n`));
    } catch (error) {
      throw new GridError('GTX-HAL-010', `systemd cannot be told ${state}: ${reasonOf(error)}`, {
        hint: 'The unit needs `Type=notify` and `NotifyAccess=main`.',
        cause: error,
      });
    }
  }
}
