import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { delay, everyWall } from '../wall.ts';
import { GridError, systemCode } from '../errors.ts';
import type { GpioChip, GpioInputOptions, GpioLineOptions, InputLine, OutputLine } from '../ports.ts';
import { cannotOpen, notStarted, requestFailed } from './device-file.ts';

/** Documentation/ABI/obsolete/sysfs-gpio of the kernel. */
const sysfs = '/sys/class/gpio';
/** udev needs a moment to give the files of a line to the group gpio. */
const [exportTries, exportWaitMs] = [20, 50];
const pollMs = 20;
const missing = 'The kernel has no GPIO in sysfs: name the port `gpio: /dev/gpiochip0`.';
const wiring = 'Check the number of the line; on a Raspberry Pi with Linux 6.6 it is the BCM number plus 512.';

/**
 * The GPIO lines of a kernel before 5.10, as files. Numbers are the kernel's own. The bias is what the board's
 * configuration says (`gpio=17=ip,pu` in config.txt): sysfs cannot set it.
 */
export class GpioSysfs implements GpioChip {
  readonly name = 'gpio sysfs';
  readonly #folder: string;

  constructor(folder = sysfs) {
    this.#folder = folder;
  }

  output(options: GpioLineOptions): OutputLine {
    const line = new SysfsLine(this.#folder, options);
    return {
      name: line.name,
      // `low` sets direction and level in one: the line is never active by accident.
      start: () => line.start(options.isActiveLow === true ? 'high' : 'low'),
      set: async (isActive) => line.write('value', isActive ? '1' : '0'),
      [Symbol.asyncDispose]: async () => line.end(),
    };
  }

  input(options: GpioInputOptions): InputLine {
    const line = new SysfsLine(this.#folder, options);
    return {
      name: line.name,
      start: () => line.start('in'),
      read: async () => line.read(),
      onChange: (listener) => line.onChange(listener, options.debounceMs ?? 0),
      [Symbol.asyncDispose]: async () => line.end(),
    };
  }
}

class SysfsLine {
  readonly name: string;
  readonly #root: string;
  readonly #options: GpioLineOptions;
  readonly #watches = new DisposableStack();
  #isStarted = false;

  constructor(root: string, options: GpioLineOptions) {
    this.name = `gpio sysfs ${options.line}`;
    this.#root = root;
    this.#options = options;
  }

  async start(direction: 'in' | 'low' | 'high'): Promise<void> {
    if (this.#isStarted) return;
    const { line, isActiveLow = false } = this.#options;
    try {
      writeFileSync(join(this.#root, 'export'), String(line));
    } catch (error) {
      // The line is left over from a program that did not give it back.
      if (systemCode(error) !== 'EBUSY') throw cannotOpen(this.name, join(this.#root, 'export'), error, missing);
    }
    for (let tries = exportTries; ; tries--) {
      try {
        writeFileSync(this.#file('active_low'), isActiveLow ? '1' : '0');
        break;
      } catch (error) {
        if (tries === 0) throw cannotOpen(this.name, this.#file('active_low'), error, wiring);
        await delay(exportWaitMs);
      }
    }
    this.#isStarted = true;
    this.write('direction', direction);
  }

  write(file: 'direction' | 'value', text: string): void {
    if (!this.#isStarted) throw notStarted(this.name);
    try {
      writeFileSync(this.#file(file), text);
    } catch (error) {
      throw requestFailed(this.name, `writing ${text} to ${file}`, error, wiring);
    }
  }

  read(): boolean {
    if (!this.#isStarted) throw notStarted(this.name);
    try {
      return readFileSync(this.#file('value'), 'latin1').trim() === '1';
    } catch (error) {
      throw requestFailed(this.name, 'reading the line', error, wiring);
    }
  }

  /** Polled: a change that is shorter than two polls may be missed. */
  onChange(listener: (isActive: boolean) => void, debounceMs: number): Disposable {
    let told = this.read();
    let sameMs = 0;
    const watch = this.#watches.use(
      everyWall(pollMs, () => {
        let now: boolean;
        try {
          now = this.read();
        } catch (error) {
          // A chip that was pulled out: nobody waits here, and whoever reads the line is told.
          if (!(error instanceof GridError)) throw error;
          watch[Symbol.dispose]();
          return;
        }
        sameMs = now === told ? 0 : sameMs + pollMs;
        if (now === told || sameMs <= debounceMs) return;
        told = now;
        listener(now);
      }),
    );
    return watch;
  }

  end(): void {
    this.#watches.dispose();
    if (!this.#isStarted) return;
    this.#isStarted = false;
    try {
      writeFileSync(join(this.#root, 'unexport'), String(this.#options.line));
    } catch (error) {
      throw requestFailed(this.name, 'giving the line back', error, wiring);
    }
  }

  #file(name: string): string {
    return join(this.#root, `gpio${this.#options.line}`, name);
  }
}
