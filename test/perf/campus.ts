import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { delay, monotonicMs } from '#hal/wall.ts';
import type { CampusReport } from '#cli/campus/report.ts';
import type { CampusSnapshot } from '#head-end/gateway/snapshot.ts';
import type { Figure } from './figure.ts';
import { endedChildrensCpuUs, machineUs } from './process-figures.ts';
import { bareDay } from './bare-day.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pollMs = 20;

async function temporary<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'gtx-perf-'));
  await chmod(folder, 0o711);
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const npmStart = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  spawn('npm', ['start', '--silent', '--', ...args, '--sep-port', '0', '--http-port', '0', '--revocation-port', '0'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });

/** Seconds from `npm start` until the page is there and the first reading is acknowledged. */
async function startSeconds(folder: string): Promise<number> {
  const started = monotonicMs();
  // The first start of all compiles its code, too.
  const campus = npmStart(['--data', join(folder, 'data')], { NODE_COMPILE_CACHE: join(folder, 'cache') });
  let text = '';
  campus.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const ended = once(campus, 'close');
  let url: string | undefined;
  while (url === undefined) {
    await Promise.race([once(campus.stderr, 'data'), ended]);
    if (campus.exitCode !== null) throw new Error(`campus ended:\n${text}`);
    url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
  }
  for (;;) {
    const page = await fetch(`${url}/`);
    const snapshot = (await (await fetch(`${url}/api/v1/snapshot`)).json()) as CampusSnapshot;
    if (page.ok && snapshot.meters.some((meter) => meter.lastReadingAt !== null)) break;
    await delay(pollMs);
  }
  const seconds = (monotonicMs() - started) / 1000;
  campus.kill('SIGTERM');
  await ended;
  return seconds;
}

export async function starts(): Promise<Figure[]> {
  return temporary(async (folder) => {
    const first = await startSeconds(folder);
    const second = await startSeconds(folder);
    return [
      { name: 'first start of all: first reading and page', value: first, unit: 's', target: { atMost: 15 } },
      { name: 'second start: first reading and page', value: second, unit: 's', target: { atMost: 5 } },
    ];
  });
}

async function day(sampleSeconds: number, targetSeconds: number): Promise<Figure[]> {
  return temporary(async (folder) => {
    const json = join(folder, 'report.json');
    const times = [
      '--speed',
      'max',
      '--hours',
      '24',
      '--start',
      '2026-06-22T00:00:00-07:00',
      '--sample',
      String(sampleSeconds),
    ];
    const cpuBeforeUs = await endedChildrensCpuUs(process.pid);
    const machineBefore = await machineUs();
    const started = monotonicMs();
    const campus = npmStart(['--data', join(folder, 'data'), '--json', json, ...times]);
    campus.stderr.pipe(process.stderr);
    const [code] = (await once(campus, 'close')) as [number | null];
    if (code !== 0) throw new Error(`campus ended with ${code}`);
    const seconds = (monotonicMs() - started) / 1000;
    const cpuUs = (await endedChildrensCpuUs(process.pid)) - cpuBeforeUs;
    const stolenUs = (await machineUs()).stolen - machineBefore.stolen;
    const cores = availableParallelism();
    const report = JSON.parse(await readFile(json, 'utf8')) as CampusReport;
    const bare = await bareDay(folder);
    const name = `24 h of campus, ${sampleSeconds} s sampling`;
    return [
      { name, value: seconds, unit: 's', target: { atMost: targetSeconds } },
      {
        name: `${name}: times as long as only its exchanges and commits at 15 s, by bare programs (${bare.seconds.toFixed(1)} s)`,
        value: seconds / bare.seconds,
        unit: '×',
      },
      {
        name: `${name}: cores kept busy, of ${cores}; those programs keep ${bare.busyCores.toFixed(2)} busy`,
        value: cpuUs / 1e6 / seconds,
        unit: 'cores',
      },
      {
        name: `${name}: what its CPU time takes with as many cores busy as those programs have`,
        value: cpuUs / 1e6 / bare.busyCores,
        unit: 's',
      },
      {
        name: `${name}: core time that other machines on the same hardware took, of ${(cores * seconds).toFixed(0)} s`,
        value: stolenUs / 1e6,
        unit: 's',
      },
      {
        name: `${name}: TLS handshakes, of ${report.meters} boards`,
        value: report.tls.handshakes,
        unit: '',
        target: { atMost: report.meters },
      },
      { name: `${name}: readings lost`, value: report.readings.lost, unit: '', target: { atMost: 0 } },
      { name: `${name}: head-end memory`, value: report.rssMb.headEnd, unit: 'MB', target: { atMost: 200 } },
      {
        name: `${name}: memory of all boards (the plan's 50 MB a service)`,
        value: report.rssMb.boards,
        unit: 'MB',
        target: { atMost: 200 },
      },
    ];
  });
}

export const day15 = (): Promise<Figure[]> => day(15, 90);
export const day1 = (): Promise<Figure[]> => day(1, 360);
