import { readFile } from 'node:fs/promises';

/** USER_HZ, in which the kernel tells CPU time (proc_pid_stat(5)). */
const ticksASecond = 100;

/** Two fields of a process's stat together, by their numbers in proc_pid_stat(5), microseconds. */
async function ticksUs(pid: number, fields: readonly [number, number]): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  // The name, in parentheses, may hold anything; what follows it begins with field 3.
  const values = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = fields.map((field) => Number(values[field - 3]));
  return ((user! + system!) * 1e6) / ticksASecond;
}

/** Microseconds of CPU, user and system, that a process with all its threads has taken. */
export const cpuUs = (pid: number): Promise<number> => ticksUs(pid, [14, 15]);

/** The same of all that it started, and that has ended. */
export const endedChildrensCpuUs = (pid: number): Promise<number> => ticksUs(pid, [16, 17]);

/** What all cores of this machine have done together since it started, microseconds (proc_stat(5)). */
export async function machineUs(): Promise<{
  /** At work for a program or the kernel. */
  readonly busy: number;
  /** Ready to work while a hypervisor let others work: steal. */
  readonly stolen: number;
}> {
  const [all = ''] = (await readFile('/proc/stat', 'latin1')).split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = all
    .trim()
    .split(/\s+/)
    .slice(1)
    .map((ticks) => (Number(ticks) * 1e6) / ticksASecond);
  return { busy: user + nice + system + irq + softirq, stolen: steal };
}

/** Resident memory of a process, megabytes of a million bytes; `most` is what it has ever been. */
export async function residentMb(pid: number): Promise<{ readonly now: number; readonly most: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1');
  const of = (name: string): number =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024) / 1e6;
  return { now: of('VmRSS'), most: of('VmHWM') };
}

/** The children of a process, with their command lines. */
export async function childrenOf(pid: number): Promise<readonly { readonly pid: number; readonly command: string }[]> {
  const pids = (await readFile(`/proc/${pid}/task/${pid}/children`, 'latin1')).trim().split(' ').map(Number);
  return Promise.all(
    pids.map(async (child) => ({
      pid: child,
      command: (await readFile(`/proc/${child}/cmdline`, 'utf8')).replaceAll('\0', ' '),
    })),
  );
}
