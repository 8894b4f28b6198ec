/** Where progress is drawn: stderr, where that is a terminal. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): boolean;
}

const barCells = 24;
const usualColumns = 80;

/** One line that is drawn anew while something goes on; nothing at all where nobody looks. */
export class ProgressLine implements Disposable {
  readonly #out: ProgressStream;
  #isDrawn = false;

  constructor(out: ProgressStream = process.stderr) {
    this.#out = out;
  }

  show(what: string, done: number, all: number): void {
    if (this.#out.isTTY !== true) return;
    const cells = all === 0 ? 0 : Math.round((barCells * done) / all);
    const bar = `${'█'.repeat(cells)}${'░'.repeat(barCells - cells)}`;
    const text = `${bar} ${done}/${all}  ${what}`.slice(0, (this.#out.columns ?? usualColumns) - 1);
    this.#out.write(`\r\u001b[2K${text}`);
    this.#isDrawn = true;
  }

  /** Wipes it, so that something else can be written. */
  clear(): void {
    if (this.#isDrawn) this.#out.write('\r\u001b[2K');
    this.#isDrawn = false;
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}
