import { readFileSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { systemCode } from '../errors.ts';
import type { Watchdog } from '../ports.ts';
import { OpenFile, openDeviceFile, requestFailed } from './device-file.ts';

const missing = 'Turn the watchdog on (`dtparam=watchdog=on` in config.txt, then restart).';
const taken = 'systemd may hold it: leave `RuntimeWatchdogSec` out of system.conf, or let systemd alone keep it.';
/** The Raspberry Pi's own, and what the kernel takes for a device that does not tell. */
const usualTimeoutSeconds = 15;

export interface WatchdogFiles {
  readonly device: string;
  /** Where sysfs tells of watchdogs; /sys/class/watchdog unless told. */
  readonly sysfs?: string;
}

const usualSysfs = '/sys/class/watchdog';

/**
 * The board's hardware watchdog (Documentation/watchdog/watchdog-api.rst): opening starts it, every write is a beat,
 * and a `V` before the end stops it, so that only a program that ended in order leaves the board running.
 */
export class HardwareWatchdog implements Watchdog {
  readonly name: string;
  readonly #files: WatchdogFiles;
  readonly #file: OpenFile;

  constructor(files: WatchdogFiles) {
    this.name = `watchdog ${files.device}`;
    this.#files = files;
    this.#file = new OpenFile(this.name);
  }

  get timeoutSeconds(): number {
    const path = join(this.#files.sysfs ?? usualSysfs, basename(this.#files.device), 'timeout');
    try {
      return Number(readFileSync(path, 'latin1').trim());
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
      return usualTimeoutSeconds;
    }
  }

  async start(): Promise<void> {
    if (!this.#file.isOpen) this.#file.hold(openDeviceFile(this.name, this.#files.device, missing));
  }

  async beat(): Promise<void> {
    this.#write('\0');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#file.isOpen) return;
    try {
      this.#write('V');
    } finally {
      this.#file[Symbol.dispose]();
    }
  }

  #write(text: string): void {
    const { fd } = this.#file;
    try {
      writeSync(fd, text, null, 'latin1');
    } catch (error) {
      throw requestFailed(this.name, 'a beat', error, taken);
    }
  }
}
