/** The published lists whose tests stand here. */
export type ListName = 'CSIP-AUS' | 'SunSpec CSIP v1.2';
/** Which end of the wire a test is about. */
export type SideName = 'server' | 'client';

/**
 * One test of a list. It either runs, and rejects where what it asks for does not hold; or it does not apply, and
 * names the clause that says so.
 */
export type ConformanceTest<Stand> = {
  readonly list: ListName;
  /** As the list has it: `S-ALL-01`, `CORE-012`. */
  readonly id: string;
  readonly title: string;
} & ({ readonly run: (stand: Stand) => Promise<void> } | { readonly notApplicable: string });

/** The tests of one end, and what they all stand on: it is opened once, before the first test that runs. */
export interface ConformanceSide<Stand extends AsyncDisposable = AsyncDisposable> {
  readonly side: SideName;
  readonly open: () => Promise<Stand>;
  readonly tests: readonly ConformanceTest<Stand>[];
}

export type Result = 'pass' | 'fail' | 'not applicable';

/** A row of the results. */
export interface Outcome {
  readonly side: SideName;
  readonly list: ListName;
  readonly id: string;
  readonly title: string;
  readonly result: Result;
  /** The clause for what is not applicable; why it failed for a failure. */
  readonly note: string;
}

/** What is told of a run while it goes on. */
export interface Progress {
  readonly started: (name: string) => void;
  readonly ended: (name: string, outcome: Outcome) => void;
}

/** How a test is called on the command line and in progress: `S-ALL-01 · server`. */
export const nameOf = (side: SideName, test: { readonly id: string }): string => `${test.id} · ${side}`;

/**
 * Runs the tests of one end one after the other; a test that rejects is a failure, and the next one runs. After
 * `stop` no further one begins, and what the tests stand on is closed.
 */
export async function runSide<Stand extends AsyncDisposable>(
  { side, open, tests }: ConformanceSide<Stand>,
  progress: Progress,
  stop?: AbortSignal,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const isRun = tests.some((test) => 'run' in test);
  await using cleanup = new AsyncDisposableStack();
  const stand = isRun ? cleanup.use(await open()) : undefined;
  for (const test of tests) {
    if (stop?.aborted === true) break;
    const name = nameOf(side, test);
    const row = { side, list: test.list, id: test.id, title: test.title };
    progress.started(name);
    const outcome: Outcome =
      'notApplicable' in test || stand === undefined
        ? { ...row, result: 'not applicable', note: 'notApplicable' in test ? test.notApplicable : '' }
        : await test.run(stand).then(
            () => ({ ...row, result: 'pass' as const, note: '' }),
            (error: unknown) => ({ ...row, result: 'fail' as const, note: reasonFor(error) }),
          );
    outcomes.push(outcome);
    progress.ended(name, outcome);
  }
  return outcomes;
}

const reasonFor = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
