import { GridError } from '../errors.ts';
import type { GpioChip, GpioInputOptions, GpioLineOptions, InputLine, OutputLine } from '../ports.ts';

/**
 * A GPIO chip in software: what the world does to a wire is said with `drive`, what a program does to it is seen with
 * `isHigh`. A wire that nobody drives is at its bias, low without one. Changes are told at once, however short.
 */
export class EmulatedGpio implements GpioChip {
  readonly name: string;
  readonly #driven = new Map<number, boolean>();
  readonly #bias = new Map<number, boolean>();
  readonly #taken = new Set<number>();
  readonly #watches = new Map<number, Set<() => void>>();

  constructor(name: string) {
    this.name = `gpio ${name} (emulated)`;
  }

  /** The level on the wire. */
  isHigh(line: number): boolean {
    return this.#driven.get(line) ?? this.#bias.get(line) ?? false;
  }

  /** Puts a level on the wire; `undefined` lets go of it. */
  drive(line: number, isHigh: boolean | undefined): void {
    const before = this.isHigh(line);
    if (isHigh === undefined) this.#driven.delete(line);
    else this.#driven.set(line, isHigh);
    if (this.isHigh(line) === before) return;
    for (const watch of this.#watches.get(line) ?? []) watch();
  }

  output({ line, isActiveLow = false }: GpioLineOptions): OutputLine {
    const use = this.#use(line);
    return {
      name: use.name,
      start: async () => {
        use.take();
        this.drive(line, isActiveLow);
      },
      set: async (isActive) => {
        use.check();
        this.drive(line, isActive !== isActiveLow);
      },
      [Symbol.asyncDispose]: async () => {
        if (use.give()) this.drive(line, undefined);
      },
    };
  }

  input({ line, isActiveLow = false, bias }: GpioInputOptions): InputLine {
    const use = this.#use(line);
    const isActive = (): boolean => this.isHigh(line) !== isActiveLow;
    return {
      name: use.name,
      start: async () => {
        use.take();
        if (bias !== undefined) this.#bias.set(line, bias === 'pullUp');
      },
      read: async () => {
        use.check();
        return isActive();
      },
      onChange: (listener) => {
        const watches = this.#watches.get(line) ?? new Set();
        const watch = (): void => listener(isActive());
        this.#watches.set(line, watches.add(watch));
        return { [Symbol.dispose]: () => watches.delete(watch) };
      },
      [Symbol.asyncDispose]: async () => {
        use.give();
      },
    };
  }

  /** One user of a line at a time, as the kernel has it. */
  #use(line: number): { readonly name: string; take(): void; check(): void; give(): boolean } {
    const name = `${this.name} ${line}`;
    let isMine = false;
    return {
      name,
      take: () => {
        if (isMine) return;
        if (this.#taken.has(line)) throw new GridError('GTX-HAL-009', `${name} cannot be taken: EBUSY`);
        this.#taken.add(line);
        isMine = true;
      },
      check: () => {
        if (!isMine) throw new GridError('GTX-HAL-006', `${name} is not started`);
      },
      give: () => {
        const wasMine = isMine;
        if (isMine) this.#taken.delete(line);
        isMine = false;
        return wasMine;
      },
    };
  }
}
