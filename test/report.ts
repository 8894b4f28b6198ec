import { relative } from 'node:path';
import type { EventData, TestsStream } from 'node:test';
import { inspect, stripVTControlCharacters, styleText } from 'node:util';

type Complete = EventData.TestComplete;
type Colour = 'green' | 'red' | 'gray' | 'bold';

interface Told {
  /** The file and the names down to the test. */
  readonly where: string;
  readonly text: string;
}

/** The most of a file's output that is kept for the case that it fails, in characters. */
const keptOutput = 20_000;
/** The most that is printed of one error, in characters. */
const toldError = 10_000;

/**
 * Follows a test run and prints it for a person: a block a file as it ends, then what failed and why, what was
 * skipped and why, what tests measured, and the runner's counts.
 */
export class Report {
  readonly #root: string;
  readonly #write: (text: string) => void;
  readonly #colours: boolean;
  readonly #byFile = new Map<string, Complete[]>();
  readonly #output = new Map<string, string>();
  readonly #failed: (Told & { readonly file: string })[] = [];
  readonly #skipped: Told[] = [];
  readonly #notes: Told[] = [];
  readonly #counts: string[] = [];
  coverage: EventData.TestCoverage['summary'] | undefined;
  /** Whether every test passed; false until the run has ended. */
  success = false;

  constructor(root: string, write: (text: string) => void, colours: boolean) {
    this.#root = root;
    this.#write = write;
    this.#colours = colours;
  }

  /** Resolves when the run has ended. */
  async follow(stream: TestsStream): Promise<void> {
    stream.on('test:complete', (event) => this.#completed(event));
    stream.on('test:stderr', ({ file, message }) => this.#keep(file, message));
    stream.on('test:stdout', ({ file, message }) => this.#keep(file, message));
    stream.on('test:coverage', ({ summary }) => {
      this.coverage = summary;
    });
    stream.on('test:diagnostic', ({ file, message }) => {
      if (file === undefined) this.#counts.push(message);
      else this.#notes.push({ where: this.#name(file), text: message });
    });
    stream.on('test:summary', ({ file, success }) => {
      if (file === undefined) this.success = success;
    });
    stream.resume();
    await new Promise<void>((resolve, reject) => stream.once('end', resolve).once('error', reject));
  }

  /** Prints what only the end of the run shows. */
  finish(): void {
    for (const { where, text, file } of this.#failed) {
      this.#line(`\n${this.#paint('red', '✖')} ${this.#paint('bold', where)}`);
      this.#line(indent(text));
      const output = this.#output.get(file);
      if (output !== undefined) this.#line(indent(`output of ${this.#name(file)}:\n${output.trimEnd()}`));
    }
    this.#list('Measured', this.#notes);
    this.#list('Skipped', this.#skipped);
    this.#line('');
    for (const count of this.#counts) this.#line(`# ${count}`);
  }

  #completed(event: Complete): void {
    const file = event.file ?? '';
    // The runner names a file's own test by its path.
    if (event.nesting === 0 && event.name === file) {
      this.#fileEnded(file, event);
      return;
    }
    const events = this.#byFile.get(file);
    if (events === undefined) this.#byFile.set(file, [event]);
    else events.push(event);
  }

  #fileEnded(file: string, own: Complete): void {
    const events = this.#byFile.get(file) ?? [];
    this.#byFile.delete(file);
    const mark = own.details.passed ? this.#paint('green', '✔') : this.#paint('red', '✖');
    this.#line(`${mark} ${this.#paint('bold', this.#name(file))} ${this.#took(own)}`);
    const below = Map.groupBy(events, (event) => (event.nesting === 0 ? 0 : event.parentId));
    const tell = (parent: number, path: readonly string[]): void => {
      const children = (below.get(parent) ?? []).toSorted((a, b) => a.testId - b.testId);
      for (const event of children) {
        const names = [...path, event.name];
        this.#line(`${'  '.repeat(names.length)}${this.#resultOf(event)}`);
        this.#record(event, file, `${this.#name(file)} › ${names.join(' › ')}`);
        tell(event.testId, names);
      }
    };
    tell(0, []);
    this.#record(own, file, this.#name(file));
  }

  #resultOf(event: Complete): string {
    if (event.skip !== undefined)
      return `${this.#paint('gray', '﹣')} ${event.name} ${this.#paint('gray', '(skipped)')}`;
    const mark = event.details.passed ? this.#paint('green', '✔') : this.#paint('red', '✖');
    return `${mark} ${event.name} ${this.#took(event)}`;
  }

  #record(event: Complete, file: string, where: string): void {
    if (event.skip !== undefined) {
      this.#skipped.push({ where, text: typeof event.skip === 'string' ? event.skip : 'gives no reason' });
    } else if (!event.details.passed && !failedWithin(event)) {
      const error: unknown = event.details.error?.cause ?? event.details.error;
      this.#failed.push({ where, file, text: inspect(error, { colors: this.#colours, depth: 5 }).slice(0, toldError) });
    }
  }

  #list(title: string, items: readonly Told[]): void {
    if (items.length === 0) return;
    this.#line(`\n${title} (${items.length}):`);
    for (const { where, text } of items) this.#line(`  ${where}: ${text}`);
  }

  #keep(file: string, message: string): void {
    this.#output.set(file, ((this.#output.get(file) ?? '') + message).slice(-keptOutput));
  }

  #took(event: Complete): string {
    const ms = event.details.duration_ms;
    return this.#paint('gray', ms < 1000 ? `(${ms.toFixed(1)} ms)` : `(${(ms / 1000).toFixed(1)} s)`);
  }

  #name(file: string): string {
    return relative(this.#root, file);
  }

  #paint(colour: Colour, text: string): string {
    return this.#colours ? styleText(colour, text, { validateStream: false }) : text;
  }

  #line(text: string): void {
    this.#write(`${this.#colours ? text : stripVTControlCharacters(text)}\n`);
  }
}

/** A group that failed only because something in it did: that is told by itself. */
const failedWithin = (event: Complete): boolean => {
  const error: unknown = event.details.error;
  return error instanceof Error && 'failureType' in error && error.failureType === 'subtestsFailed';
};

const indent = (text: string): string => text.replace(/^/gm, '    ');
