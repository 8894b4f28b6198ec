import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, type RunOptions, type TestsStream } from 'node:test';
import { followLauncher } from '#cli/launcher-guard.ts';
import { reasonOf } from '#hal/errors.ts';
import { monotonicMs } from '#hal/wall.ts';
import { coverageTable, measured, pureRules, uncoveredRules } from './coverage.ts';
import { strictVariable } from './debian-packages.ts';
import { processesFor, writeGroup } from './groups.ts';
import { missingPackages, provide } from './install-packages.ts';
import { parseOptions, selectFiles, type TestOptions } from './options.ts';
import { programEnvironment } from './program-environment.ts';
import { Report } from './report.ts';

const usage = 'usage: npm test -- [--full] [--strict] [--coverage] [PART-OF-PATH | GLOB …]';
const root = join(import.meta.dirname, '..');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/**
 * How many processes run at once: twice as many as the smallest machine has cores, for much of a file is waiting.
 * Beside those whose coverage is measured, which wait for nothing, one fewer.
 */
const concurrency = { usual: 4, measured: 2, besideMeasured: 3 };
/** The usual tier tries the same examples every time. */
const repeatable = new URL('repeatable.ts', import.meta.url).href;
/** The runner's own bookkeeping of promises costs more than many a test. */
const untracked = new URL('untracked-promises.ts', import.meta.url).href;
/** Measured code comes without the compile cache, and its types would be stripped anew in each process. */
const stripped = new URL('stripped.js', import.meta.url).href;
/**
 * The longest that one test, and one file, may take unless it says otherwise, in milliseconds: a test that starts
 * four campuses one after the other needs two minutes on a busy machine, and is not to fail for that.
 */
const testTimeout = { usual: 300_000, full: 1_800_000 };
const fileTimeout = { usual: 900_000, full: 7_200_000 };

function refuse(message: string): never {
  process.stderr.write(`${message}\n${usage}\n`);
  process.exit(2);
}

function optionsOf(args: readonly string[]): TestOptions {
  try {
    return parseOptions(args);
  } catch (error) {
    return refuse(`GTX-TST-001 ${reasonOf(error)}`);
  }
}

function filesOf(options: TestOptions): string[] {
  const folders = [...measured, 'test'].map((folder) => `${folder}/**/*.test.ts`);
  const files = selectFiles(globSync(folders, { cwd: root }), options);
  return files.length > 0 ? files : refuse(`GTX-TST-002 No test file matches ${options.filters.join(', ')}`);
}

/** Prints the coverage; false where a pure rule has a branch that no test takes. */
function coverageHolds(report: Report, options: TestOptions): boolean {
  if (report.coverage === undefined) {
    if (options.coverage) say('None of these files is one whose coverage is measured: each has a process of its own.');
    return !options.coverage;
  }
  say(`\nBy the tests beside the code; programs that tests start are not measured.\n`);
  say(coverageTable(report.coverage, root));
  // A part of the tests cannot be asked to cover all rules.
  if (options.filters.length > 0) return true;
  const problems = uncoveredRules(
    report.coverage,
    root,
    pureRules.filter((rule) => existsSync(join(root, rule))),
  );
  for (const problem of problems) say(`✖ pure rules need 100 % of their branches: ${problem}`);
  return problems.length === 0;
}

const started = monotonicMs();
followLauncher();
const options = optionsOf(process.argv.slice(2));
const files = filesOf(options);
const missing = await missingPackages(files.map((file) => join(root, file)));
provide(missing, say);
if (options.strict) process.env[strictVariable] = '1';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());

const tier = options.full ? 'full' : 'usual';
const preloads = [untracked, ...(tier === 'usual' ? [repeatable] : [])];
const modules = mkdtempSync(join(tmpdir(), 'gridtokenx-tests-'));
process.on('exit', () => rmSync(modules, { recursive: true, force: true }));
const sources = files.map((path) => ({ path, source: readFileSync(join(root, path), 'utf8') }));
const { alone, together, simulations } = processesFor(sources);
const written = (name: string, groups: readonly (readonly string[])[]): Map<string, readonly string[]> =>
  new Map(
    groups.map((group, index) => {
      const paths = group.map((file) => join(root, file));
      return [writeGroup(join(modules, `${name}-${index}.mjs`), paths, fileTimeout[tier]), paths] as const;
    }),
  );
const covering = written('group', together);
const unmeasured = written('simulations', simulations);
const groups = new Map([...covering, ...unmeasured]);
const report = new Report(root, (text) => void process.stdout.write(text), process.stdout.isTTY, groups);
const whole = [...alone.map((file) => join(root, file)), ...unmeasured.keys()];
const runOf = (paths: readonly string[], imported: readonly string[], more: RunOptions): TestsStream =>
  run({
    cwd: root,
    files: [...paths],
    timeout: fileTimeout[tier],
    execArgv: [`--test-timeout=${testTimeout[tier]}`, ...imported.flatMap((module) => ['--import', module])],
    signal: stop.signal,
    ...more,
  });
if (options.coverage && covering.size > 0) {
  // What is not grouped, and the programs that it starts, are run as users run them: measuring would slow them down.
  await report.follow(
    runOf(whole, preloads, { concurrency: concurrency.besideMeasured, env: programEnvironment() }),
    runOf([...covering.keys()], [...preloads, stripped], {
      concurrency: concurrency.measured,
      coverage: true,
      coverageIncludeGlobs: measured.map((folder) => `${folder}/**/*.ts`),
      coverageExcludeGlobs: ['**/*.test.ts', '**/*.generated.ts'],
      // Code from the compile cache has no exact coverage.
      env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
    }),
  );
} else {
  await report.follow(runOf([...whole, ...covering.keys()], preloads, { concurrency: concurrency.usual }));
}
const covered = coverageHolds(report, options);
report.finish();
say(`Total time ${((monotonicMs() - started) / 1000).toFixed(1)} s, ${files.length} files`);
process.exitCode = report.success && covered && !stop.signal.aborted ? 0 : 1;
