// Plain JavaScript for any Node >= 18: finds Node 24 and hands over to it. The rest of the project is TypeScript
// that Node 24 runs from source.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const neededMajor = 24;
const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'];
const guardFd = 3;

/** The folder of V8's compile cache, which all runs of one user share. */
export const compileCache = () =>
  process.env.NODE_COMPILE_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'gridtokenx', 'node');

export const isNode24 = () => Number(process.versions.node.split('.')[0]) >= neededMajor;

/** This process's own binary, or the one of the registry's platform package; undefined where there is neither. */
export function findNode24() {
  if (isNode24()) return process.execPath;
  const require = createRequire(import.meta.url);
  try {
    return join(dirname(require.resolve(`node-${process.platform}-${process.arch}/package.json`)), 'bin', 'node');
  } catch {
    return undefined;
  }
}

function refuse(reason) {
  const remedy =
    process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)
      ? 'run `npm ci` without --omit=optional, which brings it along, or install Node 24'
      : 'install Node 24 or later (https://nodejs.org)';
  process.stderr.write(`GTX-CLI-001 GridTokenX needs Node ${neededMajor}: ${reason}; ${remedy}.\n`);
  process.exit(1);
}

/**
 * Runs Node 24 with these arguments in place of this process: its terminal, signals and exit code are ours, and its
 * environment but for what is changed.
 */
export function launch(args, environment = {}) {
  const node = findNode24();
  if (node === undefined) {
    refuse(`this is Node ${process.versions.node} and the package node-${process.platform}-${process.arch} is missing`);
  }
  const child = spawn(node, args, {
    // The pipe carries nothing: its end tells the child that this process is gone (cli/launcher-guard.ts).
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: {
      ...process.env,
      ...environment,
      NODE_COMPILE_CACHE: compileCache(),
      GRIDTOKENX_LAUNCHER_FD: String(guardFd),
    },
  });
  const forward = (signal) => {
    // A terminal sends its keys' signals to the whole group: the child has them already.
    const typed = process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT');
    if (!typed) child.kill(signal);
  };
  for (const signal of passedOn) process.on(signal, forward);
  const guard = child.stdio[guardFd];
  guard?.unref();
  // The child's sudden end resets the pipe; its exit event tells all there is to tell.
  guard?.on('error', () => undefined);
  child.on('error', (error) => refuse(`${node} does not start (${error.message})`));
  child.on('exit', (code, signal) => {
    for (const name of passedOn) process.off(name, forward);
    if (signal === null) process.exit(code);
    process.kill(process.pid, signal);
  });
}
