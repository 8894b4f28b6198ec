import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '#hal/atomic-file.ts';
import { GridError } from '#hal/errors.ts';
import { createLog } from '#hal/log.ts';
import { isoTime } from '#hal/units.ts';
import { monotonicMs, wallSeconds } from '#hal/wall.ts';
import type { BenchOptions } from '../bench.ts';
import { untilStopped } from '../stop-signals.ts';
import { type BenchCase, loadCases, planName } from './case.ts';
import { htmlReport } from './html.ts';
import { junitReport } from './junit.ts';
import { type CaseResult, outcomeOf } from './result.ts';
import { runCase } from './runner.ts';
import { caseHead, caseTail, stepLine } from './terminal.ts';

const shippedFolder = relative('', fileURLToPath(new URL('../../boards/bench', import.meta.url)));

/** The plans that come with the program, in the order of their names. */
export const shippedPlans = (): readonly string[] =>
  readdirSync(shippedFolder)
    .filter((name) => name.endsWith('.yaml'))
    .toSorted()
    .map((name) => join(shippedFolder, name));

/**
 * Runs plans one after the other and tells of each step.
 * Rejects with an input `GridError` for a plan or board file that is wrong, before anything is run, and with GTX-BEN-003
 * when a plan failed.
 */
export async function runBench(plans: readonly string[], options: BenchOptions): Promise<void> {
  if (options.list === true) {
    for (const path of shippedPlans()) process.stdout.write(`${listLine(path)}\n`);
    return;
  }
  const paths = [...(options.all === true ? shippedPlans() : []), ...plans.map(pathOf)];
  if (paths.length === 0) {
    throw new GridError('GTX-BEN-004', 'No plan was named', {
      kind: 'input',
      hint: '`gridtokenx bench --list` names those that are there; --all runs them.',
    });
  }
  const cases = paths.flatMap((path) => loadCases(path, options.board));
  const results = await runCases(cases, options);
  await writeReports(results, options);
  const failed = results.filter((result) => outcomeOf(result) !== 'passed');
  const line = `${results.length - failed.length} of ${results.length} passed`;
  process.stdout.write(`${line}\n`);
  if (failed.length === 0) return;
  const names = failed.map(({ name }) => name);
  throw new GridError('GTX-BEN-003', `${failed.length} of ${results.length} did not pass: ${names.join(', ')}`, {
    hint: 'A step with ✗ says what was measured; one with – was not done, and why.',
  });
}

function listLine(path: string): string {
  const cases = loadCases(path);
  const [first] = cases as readonly [BenchCase];
  const boards = cases.length === 1 ? '' : ` (${cases.length} boards)`;
  return `${planName(path).padEnd(22)}${first.plan.title}${boards}`;
}

/** A plan by its path, or one of those that come with the program by its name. */
function pathOf(plan: string): string {
  if (/\.ya?ml$/.test(plan)) return plan;
  const path = join(shippedFolder, `${plan}.yaml`);
  if (/^[a-z0-9-]+$/.test(plan) && existsSync(path)) return path;
  throw new GridError('GTX-BEN-004', `No plan is called ${plan}`, {
    kind: 'input',
    hint: '`gridtokenx bench --list` names those that are there; a plan of your own is a path that ends in .yaml.',
  });
}

async function runCases(cases: readonly BenchCase[], { seed }: BenchOptions): Promise<readonly CaseResult[]> {
  using stopping = untilStopped();
  const log = createLog('bench', process.env['GRIDTOKENX_LOG'] ?? 'silent');
  const results: CaseResult[] = [];
  for (const bench of cases) {
    if (stopping.signal.aborted) throw stopped(results.length, cases.length);
    const say = new Screen(bench.steps.length);
    say.line(caseHead(bench));
    const result = await runCase(bench, {
      seed,
      log,
      signal: stopping.signal,
      ask: process.stdin.isTTY ? (what) => askPerson(what, stopping.signal) : undefined,
      onStep: (step) => say.line(stepLine(step)),
      onSecond: (step, at) => say.progress(step, at),
    }).catch((error: unknown) => {
      throw stopping.signal.aborted ? stopped(results.length, cases.length) : error;
    });
    say.line(caseTail(result));
    results.push(result);
  }
  return results;
}

/** Lines on stdout, and below them how far a plan is where stderr is a terminal. */
class Screen {
  readonly #steps: number;
  #shownAtMs = 0;

  constructor(steps: number) {
    this.#steps = steps;
  }

  line(text: string): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K');
    process.stdout.write(`${text}\n`);
  }

  /** Five times a second at the most: a plan on twins has a thousand seconds in one. */
  progress(step: number, at: number): void {
    if (!process.stderr.isTTY || monotonicMs() - this.#shownAtMs < 200) return;
    this.#shownAtMs = monotonicMs();
    process.stderr.write(`\r\u001b[2K  step ${step} of ${this.#steps}, ${at} s`);
  }
}

const stopped = (done: number, all: number): GridError =>
  new GridError('GTX-BEN-005', `Stopped after ${done} of ${all}`, {
    hint: 'Devices that were told something fall back by themselves within a minute.',
  });

async function askPerson(what: string, signal: AbortSignal): Promise<void> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    await terminal.question(`${what}, then press Enter: `, { signal });
  } finally {
    terminal.close();
  }
}

async function writeReports(results: readonly CaseResult[], { junit, html }: BenchOptions): Promise<void> {
  if (junit !== undefined) await writeFileAtomic(junit, junitReport(results));
  if (html !== undefined) await writeFileAtomic(html, htmlReport(results, isoTime(wallSeconds())));
}
