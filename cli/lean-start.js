// Plain JavaScript, as launch.js: has Node 24 begin anew for a command that has to do with little memory.
/**
 * What Node is told for a command that runs on a board. A board's work is small and even: a
 * young generation of 2 MB will do, and what the optimising compilers would save in time they cost in memory, their own
 * code and that which they make. One arena is enough for a program of one thread, and takes what is freed back.
 */
const leanCommands = {
  edge: {
    flags: ['--max-semi-space-size=1', '--memory-saver-mode', '--no-opt', '--no-maglev', '--no-sparkplug'],
    environment: { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '65536' },
  },
};

/** Tells the command that its process may begin anew once more (begin-anew.ts). */
const mayBeginAnew = 'GRIDTOKENX_MAY_BEGIN_ANEW';

/** What the command that is asked for wants of Node; nothing for one that may take what it gets. */
export function leanFor(args) {
  const isHelp = args.some((arg) => arg === '--help' || arg === '-h');
  return isHelp ? undefined : leanCommands[args.find((arg) => !arg.startsWith('-')) ?? ''];
}

/**
 * Begins this process anew, before it has done anything, where the command wants more of Node than it was told: its id,
 * its terminal and its parent stay.
 */
export function startLean(args) {
  const { flags = [], environment } = leanFor(args) ?? {};
  const more = flags.filter((flag) => !process.execArgv.includes(flag));
  // Windows and old versions have no execve; all works there, in more memory.
  if (more.length === 0 || process.execve === undefined) return;
  const [node, program] = process.argv;
  process.execve(node, [node, ...process.execArgv, ...more, program, ...args], {
    ...process.env,
    ...environment,
    [mayBeginAnew]: '1',
  });
}
