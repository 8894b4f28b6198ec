import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { followLauncher } from '#cli/launcher-guard.ts';
import { reasonOf } from '#hal/errors.ts';
import { monotonicMs } from '#hal/wall.ts';
import { clientSide } from './client/side.ts';
import { resultsText } from './results.ts';
import { serverSide } from './server/side.ts';
import { type ConformanceSide, nameOf, type Outcome, type Progress, runSide } from './table.ts';

const usage = 'usage: npm run conformance -- [--list] [--check] [PART-OF-ID | server | client …]';
const resultsFile = new URL('RESULTS.md', import.meta.url);

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const tell = (line: string): void => void process.stderr.write(`${line}\n`);

function refuse(message: string): never {
  tell(`${message}\n${usage}`);
  process.exit(2);
}

function argumentsOf(args: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { list: flag, check: flag } });
  } catch (error) {
    return refuse(`GTX-CNF-001 ${reasonOf(error)}`);
  }
}

/** The tests that one of the filters names: by a part of the id, or all of one end. */
const filtered = <Stand extends AsyncDisposable>(
  side: ConformanceSide<Stand>,
  filters: readonly string[],
): ConformanceSide<Stand> => ({
  ...side,
  tests: side.tests.filter(
    ({ id }) => filters.length === 0 || filters.some((filter) => filter === side.side || id.includes(filter)),
  ),
});

/** One line a test as it ends, on stderr: what goes on is not part of the answer. Each end has a progress of its own. */
function progressOf(total: number): () => Progress {
  let done = 0;
  return () => {
    let startedMs = monotonicMs();
    return {
      started: () => {
        startedMs = monotonicMs();
      },
      ended: (name, { result, title, note }) => {
        const took = ((monotonicMs() - startedMs) / 1000).toFixed(1);
        tell(`[${++done}/${total}] ${result.padEnd(14)} ${name} · ${title} (${took} s)`);
        if (result === 'fail') tell(note.replace(/^/gm, '    '));
      },
    };
  };
}

/** What the run found against what is committed; false where they differ. */
function isFresh(text: string): boolean {
  const committed = readFileSync(resultsFile, 'utf8');
  if (committed === text) return true;
  const had = new Set(committed.split('\n'));
  const differing = text.split('\n').filter((line) => !had.has(line));
  tell(`GTX-CNF-003 test/conformance/RESULTS.md is not what the run found; run \`npm run conformance\`:`);
  for (const line of differing) tell(`  ${line}`);
  return false;
}

async function main(): Promise<number> {
  const { values, positionals: filters } = argumentsOf(process.argv.slice(2));
  if (values.check && filters.length > 0) refuse('GTX-CNF-001 --check is about all tests');
  const server = filtered(serverSide, filters);
  const client = filtered(clientSide, filters);
  const names = [server, client].flatMap(({ side, tests }) =>
    tests.map((test) => `${nameOf(side, test)} · ${test.title}`),
  );
  if (names.length === 0) refuse(`GTX-CNF-002 No test has ${filters.join(' or ')} in its id`);
  if (values.list) {
    for (const name of names) say(name);
    return 0;
  }
  const progress = progressOf(names.length);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  // The ends know nothing of each other, so that they may run at once.
  const ends: readonly (readonly Outcome[])[] = await Promise.all([
    runSide(server, progress(), stop.signal),
    runSide(client, progress(), stop.signal),
  ]);
  const outcomes = ends.flat();
  if (stop.signal.aborted) return 1;
  const text = resultsText(outcomes);
  say(text);
  // A part of the tests cannot tell the results of all.
  if (filters.length === 0 && !values.check) writeFileSync(resultsFile, text);
  const fresh = !values.check || isFresh(text);
  return fresh && outcomes.every(({ result }) => result !== 'fail') ? 0 : 1;
}

followLauncher();
process.exitCode = await main();
