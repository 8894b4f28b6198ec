import { relative } from 'node:path';
import type { EventData, TestsStream } from 'node:test';
import { inspect, stripVTControlCharacters, styleText } from 'node:util';

type Complete = EventData.TestComplete;
type Colour = 'green' | 'red' | 'gray' | 'bold';

/** The modules that run several files each (groups.ts), and their files. */
export type Groups = ReadonlyMap<string, readonly string[]>;

interface Told {
  /** The file, or the files of a group, and the names down to the test. */
  readonly where: string;
  readonly text: string;
}

interface Failed extends Told {
  /** The file, or its group's module, whose output belongs to it. */
  readonly process: string;
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
  readonly #groups: Groups;
  readonly #told = new Set<string>();
  readonly #byFile = new Map<string, Complete[]>();
  readonly #output = new Map<string, string>();
  readonly #failed: Failed[] = [];
  readonly #skipped: Told[] = [];
  readonly #notes: Told[] = [];
  /** Of all runs, by name. */
  readonly #counts = new Map<string, number>();
  coverage: EventData.TestCoverage['summary'] | undefined;
  /** Whether every test passed; false until all runs have ended. */
  success = false;

  constructor(root: string, write: (text: string) => void, colours: boolean, groups: Groups = new Map()) {
    this.#root = root;
    this.#groups = groups;
    this.#write = write;
    this.#colours = colours;
  }

  /** Resolves when all of these runs, which go side by side, have ended. */
  async follow(...streams: readonly TestsStream[]): Promise<void> {
    const succeeded = await Promise.all(streams.map((stream) => this.#follow(stream)));
    this.success = succeeded.every(Boolean);
  }

  async #follow(stream: TestsStream): Promise<boolean> {
    let hasSucceeded = false;
    stream.on('test:complete', (event) => this.#completed(event));
    stream.on('test:stderr', ({ file, message }) => this.#keep(file, message));
    stream.on('test:stdout', ({ file, message }) => this.#keep(file, message));
    stream.on('test:coverage', ({ summary }) => {
      this.coverage = summary;
    });
    stream.on('test:diagnostic', ({ file, message }) => {
      if (file === undefined) this.#count(message);
      else this.#notes.push({ where: this.#name(file), text: message });
    });
    stream.on('test:summary', ({ file, success }) => {
      if (file === undefined) hasSucceeded = success;
    });
    stream.resume();
    await new Promise<void>((resolve, reject) => stream.once('end', resolve).once('error', reject));
    return hasSucceeded;
  }

  /** A line of the runner's: what it counts, and how many; the time is told elsewhere. */
  #count(line: string): void {
    const [name = '', value] = line.split(' ');
    if (name !== 'duration_ms') this.#counts.set(name, (this.#counts.get(name) ?? 0) + Number(value));
  }

  /** Prints what only the end of the run shows. */
  finish(): void {
    for (const { where, text, process } of this.#failed) {
      this.#line(`\n${this.#paint('red', '✖')} ${this.#paint('bold', where)}`);
      this.#line(indent(text));
      const output = this.#output.get(process);
      const files = (this.#groups.get(process) ?? [process]).map((file) => this.#name(file)).join(', ');
      if (output !== undefined) this.#line(indent(`output of ${files}:\n${output.trimEnd()}`));
    }
    this.#list('Measured', this.#notes);
    this.#list('Skipped', this.#skipped);
    this.#line('');
    for (const [name, count] of this.#counts) this.#line(`# ${name} ${count}`);
    // Once more in short, where whoever sees only the end looks.
    this.#list(
      'Failed',
      this.#failed.map(({ where, text }) => ({ where, text: text.split('\n', 1)[0] ?? '' })),
    );
  }

  #completed(event: Complete): void {
    const { file = '', name, nesting } = event;
    const group = this.#groups.get(file);
    // The runner names a file's own test by its path, and a group names its files' suites so.
    if (nesting === 0 && name === file && group !== undefined) {
      this.#groupEnded(file, event, group);
    } else if (nesting === 0 && (name === file || group?.includes(name) === true)) {
      this.#tellFile(name, event, file);
      this.#record(event, file, this.#name(name));
    } else {
      const events = this.#byFile.get(file);
      if (events === undefined) this.#byFile.set(file, [event]);
      else events.push(event);
    }
  }

  /** The process of a group may end before its files, or fail beside them. */
  #groupEnded(module: string, own: Complete, files: readonly string[]): void {
    if (own.details.passed || failedWithin(own)) return;
    const unfinished = files.filter((file) => !this.#told.has(file));
    for (const file of unfinished) this.#tellFile(file, own, module);
    const named = unfinished.length > 0 ? unfinished : files;
    this.#record(own, module, named.map((file) => this.#name(file)).join(', '));
  }

  /** @param process the file, or its group's module, that was run */
  #tellFile(file: string, own: Complete, process: string): void {
    this.#told.add(file);
    const events = this.#byFile.get(file) ?? [];
    this.#byFile.delete(file);
    const mark = own.details.passed ? this.#paint('green', '✔') : this.#paint('red', '✖');
    this.#line(`${mark} ${this.#paint('bold', this.#name(file))} ${this.#took(own)}`);
    const tests = new Set<number | undefined>(events.map(({ testId }) => testId));
    const below = Map.groupBy(events, ({ parentId }) => (tests.has(parentId) ? parentId : undefined));
    const tell = (parent: number | undefined, path: readonly string[]): void => {
      const children = (below.get(parent) ?? []).toSorted((a, b) => a.testId - b.testId);
      for (const event of children) {
        const names = [...path, event.name];
        this.#line(`${'  '.repeat(names.length)}${this.#resultOf(event)}`);
        this.#record(event, process, `${this.#name(file)} › ${names.join(' › ')}`);
        tell(event.testId, names);
      }
    };
    tell(undefined, []);
  }

  #resultOf(event: Complete): string {
    if (event.skip !== undefined)
      return `${this.#paint('gray', '﹣')} ${event.name} ${this.#paint('gray', '(skipped)')}`;
    const mark = event.details.passed ? this.#paint('green', '✔') : this.#paint('red', '✖');
    return `${mark} ${event.name} ${this.#took(event)}`;
  }

  #record(event: Complete, process: string, where: string): void {
    if (event.skip !== undefined) {
      this.#skipped.push({ where, text: typeof event.skip === 'string' ? event.skip : 'gives no reason' });
    } else if (!event.details.passed && !failedWithin(event)) {
      const { error } = event.details;
      const cause = error?.cause instanceof Error ? error.cause : error;
      this.#failed.push({
        where,
        process,
        text: inspect(cause, { colors: this.#colours, depth: 5 }).slice(0, toldError),
      });
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
