import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CampusReport } from '#cli/campus/report.ts';
import { programEnvironment } from '../program-environment.ts';

/** The board files of the reference campus. */
export const stanford = fileURLToPath(new URL('../../boards/stanford', import.meta.url));
const launcher = fileURLToPath(new URL('../../cli/gridtokenx.js', import.meta.url));

/** A folder that is gone when the test is. */
export function temporaryFolder(t: TestContext, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `gtx-${name}-`));
  // As root the database runs as another user, which has to pass through to its folder.
  chmodSync(folder, 0o711);
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** The options of a campus of two boards, where a test is not about how many there are. */
export function twoBoards(t: TestContext): readonly string[] {
  const folder = temporaryFolder(t, 'boards');
  for (const name of ['eng-001.yaml', 'dorm-001.yaml']) copyFileSync(join(stanford, name), join(folder, name));
  return ['--boards', folder];
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running `gridtokenx campus`, as a user starts it. */
export class CampusProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], options: { readonly env?: NodeJS.ProcessEnv; readonly uid?: number } = {}) {
    this.child = spawn(process.execPath, [launcher, 'campus', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: programEnvironment(options.env),
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = once(this.child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  /** Resolves when stderr matches; rejects when the campus ends first. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stderr);
      if (match !== null) return match;
      const more = new Promise((resolve) => this.child.stderr?.once('data', resolve));
      const end = await Promise.race([more.then(() => undefined), this.ended]);
      if (end !== undefined && pattern.exec(this.stderr) === null) {
        throw new Error(`campus ended (${end.code ?? end.signal}) before it said ${pattern}:\n${end.stderr}`);
      }
    }
  }

  /** The processes of this campus, by what they run: `main.ts` of the head-end, the boards and the launcher's own child. */
  processes(): readonly { readonly pid: number; readonly command: string }[] {
    const found: { pid: number; command: string }[] = [];
    const parents = new Set([this.child.pid]);
    const all = runningProcesses();
    for (let size = -1; size !== parents.size; ) {
      size = parents.size;
      for (const process of all) {
        if (!parents.has(process.parent) || parents.has(process.pid)) continue;
        parents.add(process.pid);
        found.push({ pid: process.pid, command: process.command });
      }
    }
    return found;
  }
}

interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** All processes, from /proc. */
export function runningProcesses(): readonly RunningProcess[] {
  const processes: RunningProcess[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      processes.push({ pid: Number(name), parent, command });
    } catch (error) {
      // A process may end while it is looked at; any other failure is a fault of this test.
      if (!['ENOENT', 'ESRCH'].includes(String((error as NodeJS.ErrnoException).code))) throw error;
    }
  }
  return processes;
}

/** Options of a short campus on free ports with a fixed start. */
export const shortCampus = (data: string, more: readonly string[]): string[] => [
  '--data',
  data,
  '--sep-port',
  '0',
  '--http-port',
  '0',
  '--revocation-port',
  '0',
  ...more,
];

/** Runs a campus to its end and returns its report. */
export async function runToEnd(args: readonly string[]): Promise<CampusReport> {
  const campus = new CampusProcess([...args, '--json', '-']);
  const { code, stdout, stderr } = await campus.ended;
  if (code !== 0) throw new Error(`campus ended with ${code}:\n${stderr}`);
  return JSON.parse(stdout) as CampusReport;
}
