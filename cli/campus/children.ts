import { type ChildProcess, fork } from 'node:child_process';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Protocol } from '#hal/calls.ts';
import type { ChildLink } from '#hal/process-link.ts';
import { deadline } from '#hal/wall.ts';
import { hasCompiled } from '../begin-anew.ts';
import { boardsMemory, headEndMemory, memoryEnvironment } from './memory.ts';

/** Ctrl-C promises five seconds: the boards, which stop first, have this much of it, and the head-end what is left. */
const stopWithinMs = 4200;
const boardsStopWithinMs = 1000;
const childFlags = ['--disable-warning=ExperimentalWarning'];

/** A program that the campus runs in a process of its own. */
export interface ChildProgram {
  readonly name: string;
  readonly entry: string;
  /** Entries of its worker threads. */
  readonly threads: readonly string[];
  readonly stopsWithinMs: number;
  /** What Node is told. */
  readonly flags: readonly string[];
}

export const headEndProgram: ChildProgram = {
  name: 'the head-end',
  entry: '#head-end/main.ts',
  threads: [],
  stopsWithinMs: stopWithinMs,
  flags: headEndMemory,
};

export const boardsProgram = (boards: number): ChildProgram => ({
  name: 'the boards',
  entry: '#edge/fleet/main.ts',
  threads: ['#edge/fleet/thread.ts'],
  stopsWithinMs: boardsStopWithinMs,
  flags: boardsMemory(boards),
});

/**
 * Starts a program in a group of its own, so that Ctrl-C reaches only the leader, which stops its children in order.
 * `more` is told to Node beside its flags.
 */
export const forkChild = ({ entry, flags }: ChildProgram, more: readonly string[] = []): ChildProcess =>
  fork(fileURLToPath(import.meta.resolve(entry)), [], {
    serialization: 'advanced',
    env: { ...process.env, ...memoryEnvironment },
    execArgv: [...childFlags, ...flags, ...more],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });

/**
 * Has programs load their code and end, where this one had to compile its own: a thread that compiled its code itself
 * would hold some 10 MB that only the compiling took for as long as it runs. What cannot be compiled is told by the
 * start that follows. Ends early when the signal is aborted.
 */
export async function compileAhead(programs: readonly ChildProgram[], signal: AbortSignal): Promise<void> {
  if (module.getCompileCacheDir() === undefined || !hasCompiled()) return;
  await Promise.all(
    programs.map(async (program) => {
      const threads = program.threads.flatMap((entry) => ['--import', import.meta.resolve(entry)]);
      const child = forkChild(program, threads);
      const ended = endOf(child);
      const end = (): boolean => child.kill('SIGKILL');
      signal.addEventListener('abort', end, { once: true });
      // Without its leader a child ends, once it has loaded its code.
      child.disconnect();
      await ended;
      signal.removeEventListener('abort', end);
    }),
  );
}

const endOf = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });

/** Asks a child to end, and ends it when it does not. */
export async function endChild<P extends Protocol<P> & { readonly stop: (nothing: null) => unknown }>(
  link: ChildLink<P>,
  withinMs: number,
): Promise<void> {
  const { child } = link;
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  if (!isRunning()) return;
  const stop = (link as unknown as ChildLink<{ stop: (nothing: null) => void }>).call('stop', null);
  // Answered or not, the channel is closed: a child without its leader ends.
  const asked = stop.catch(() => undefined).finally(() => child.connected && child.disconnect());
  using _limit = deadline(withinMs, () => child.kill('SIGKILL'));
  await Promise.all([asked, link.ended]);
}
