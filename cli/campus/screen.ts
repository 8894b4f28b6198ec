import { isoTime } from '#hal/units.ts';
import { everyWall, monotonicMs } from '#hal/wall.ts';
import type { HeadEndStatus } from '#head-end/protocol.ts';

/** What a person at a terminal, or a log, sees of a running campus. */
export interface Screen extends Disposable {
  /** A step of the start. */
  progress(text: string): void;
  /** The campus runs. */
  running(facts: readonly string[]): void;
  /** Something to be read once, in full: it stays above what is drawn anew. */
  notice(text: string): void;
  status(status: HeadEndStatus): void;
  /** A closing word. */
  done(text: string): void;
}

export interface TextStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): boolean;
}

/** Log lines of a running campus come this often at most. */
const logEveryMs = 60_000;

const kilowatts = (watts: number): string => `${(watts / 1000).toFixed(1)} kW`;
const price = (micro: number | null): string => (micro === null ? '–' : `${(micro / 1_000_000).toFixed(3)}/kWh`);

const lastWindow = ({ lastWindow: last }: HeadEndStatus): string =>
  last === undefined
    ? 'none cleared yet'
    : `${isoTime(last.window).slice(11, 16)} UTC  ${(last.volumeWh / 1000).toFixed(1)} kWh at ${price(last.priceMicroPerKWh)}`;

/** Plain lines for pipes and journals. */
export class LogScreen implements Screen {
  readonly #out: TextStream;
  #lastLogged = Number.NEGATIVE_INFINITY;

  constructor(out: TextStream) {
    this.#out = out;
  }

  progress(text: string): void {
    this.#line(text);
  }

  running(facts: readonly string[]): void {
    for (const fact of facts) this.#line(fact);
  }

  notice(text: string): void {
    this.#line(text);
  }

  status(status: HeadEndStatus): void {
    if (monotonicMs() - this.#lastLogged < logEveryMs) return;
    this.#lastLogged = monotonicMs();
    const { generationW, loadW, gridW, readingsStored, windowsSettled } = status;
    this.#line(
      `${isoTime(status.time)} generation ${kilowatts(generationW)}, load ${kilowatts(loadW)}, grid ${kilowatts(gridW)}, ` +
        `${readingsStored} readings, ${windowsSettled} windows settled`,
    );
  }

  done(text: string): void {
    this.#line(text);
  }

  [Symbol.dispose](): void {
    // Nothing is held.
  }

  #line(text: string): void {
    this.#out.write(`campus: ${text}\n`);
  }
}

/** One screen on a terminal, drawn anew in place. */
export class TerminalScreen implements Screen {
  readonly #out: TextStream;
  readonly #spinner: Disposable;
  #step = '';
  #frame = 0;
  #facts: readonly string[] = [];
  #drawn = 0;

  constructor(out: TextStream) {
    this.#out = out;
    this.#spinner = everyWall(100, () => this.#spin());
  }

  progress(text: string): void {
    if (this.#step !== '') this.#out.write(`\r\x1b[K  ✓ ${this.#step}\n`);
    this.#step = text;
    this.#spin();
  }

  running(facts: readonly string[]): void {
    this.#spinner[Symbol.dispose]();
    if (this.#step !== '') this.#out.write(`\r\x1b[K  ✓ ${this.#step}\n\n`);
    this.#step = '';
    this.#facts = facts;
  }

  notice(text: string): void {
    this.#out.write(`  ${text}\n\n`);
  }

  status(status: HeadEndStatus): void {
    const rows: [string, string][] = [
      ['time', isoTime(status.time).replace('T', '  ').replace('Z', ' UTC')],
      ['boards', `${status.metersOnline} online`],
      ['generation', kilowatts(status.generationW)],
      ['load', kilowatts(status.loadW)],
      ['grid', `${kilowatts(Math.abs(status.gridW))} ${status.gridW < 0 ? 'export' : 'import'}`],
      ['storage', `${kilowatts(Math.abs(status.storageW))} ${status.storageW < 0 ? 'charging' : 'discharging'}`],
      ['last window', lastWindow(status)],
      ['settled', `${status.windowsSettled} windows`],
      ['readings', `${status.readingsStored} stored`],
    ];
    const lines = [
      ...this.#facts.map((fact) => `  ${fact}`),
      '',
      ...rows.map(([name, value]) => `  ${name.padEnd(12)} ${value}`),
      '',
      '  Ctrl-C ends it; the next start goes on.',
    ];
    // A terminal that does not say how wide it is says 0.
    const { columns = 0 } = this.#out;
    const width = (columns > 0 ? columns : 80) - 1;
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : '';
    this.#out.write(up + lines.map((line) => `\r\x1b[K${line.slice(0, width)}\n`).join(''));
    this.#drawn = lines.length;
  }

  done(text: string): void {
    this.#spinner[Symbol.dispose]();
    this.#out.write(`\r\x1b[K  ${text}\n`);
  }

  [Symbol.dispose](): void {
    this.#spinner[Symbol.dispose]();
  }

  #spin(): void {
    if (this.#step === '') return;
    const frames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
    this.#out.write(`\r\x1b[K  ${frames[this.#frame++ % frames.length]} ${this.#step}`);
  }
}

export const screenFor = (out: TextStream): Screen =>
  out.isTTY === true ? new TerminalScreen(out) : new LogScreen(out);
