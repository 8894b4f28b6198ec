import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { delay, monotonicMs } from '#hal/wall.ts';
import type { CampusReport } from '#cli/campus/report.ts';
import { programEnvironment } from '../program-environment.ts';
import type { Figure } from './figure.ts';
import { childrenOf, cpuUs, residentMb } from './process-figures.ts';

const program = fileURLToPath(import.meta.resolve('#cli/gridtokenx.js'));
const campusFolder = fileURLToPath(import.meta.resolve('#boards/stanford'));
const boards = 1000;
const sampleSeconds = 5;
const runSeconds = 120;
/** Until all are connected and have posted: starting is another matter. */
const settleSeconds = 30;
/** How many virtual seconds may be told after the wall's: a tick is told when it is over. */
const mostLateSeconds = 5;

/** The campus's buildings again and again, each with a meter of its own. */
async function writeBoards(folder: string): Promise<void> {
  await mkdir(folder);
  const files = readdirSync(campusFolder).filter((name) => name.endsWith('.yaml'));
  for (let i = 0; i < boards; i++) {
    const name = files[i % files.length] ?? '';
    const text = readFileSync(join(campusFolder, name), 'utf8');
    const copy = String(Math.floor(i / files.length) + 1).padStart(3, '0');
    writeFileSync(
      join(folder, `${basename(name, '.yaml')}-${copy}.yaml`),
      text.replace(/^meterId: (\w+)$/m, `meterId: $1_${copy}`),
    );
  }
}

/** A campus of 1,000 boards, all with their twins on the wire, in real time. */
export async function thousand(): Promise<Figure[]> {
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'gtx-perf-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  // As root the database runs as another user, which has to pass through.
  await chmod(folder, 0o711);
  await writeBoards(join(folder, 'boards'));
  const json = join(folder, 'report.json');
  const options = {
    boards: join(folder, 'boards'),
    data: join(folder, 'data'),
    sample: sampleSeconds,
    speed: 1,
    hours: (runSeconds + settleSeconds) / 3600,
    json,
    'sep-port': 0,
    'http-port': 0,
    'revocation-port': 0,
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const campus = spawn(process.execPath, [program, 'campus', ...args], {
    env: programEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let told = '';
  let [startedMs, finishedMs] = [0, 0];
  const watch = Promise.withResolvers<void>();
  campus.stderr.setEncoding('utf8').on('data', (text: string) => {
    told = (told + text).slice(-4096);
    if (startedMs === 0 && told.includes('dashboard')) {
      startedMs = monotonicMs();
      watch.resolve();
    }
    if (told.includes('finished at')) finishedMs ||= monotonicMs();
  });
  const ended = once(campus, 'close') as Promise<[number | null]>;
  await Promise.race([watch.promise, ended]);
  const pid = campus.pid ?? 0;
  const children = await childrenOf(pid);
  const fleet = children.find(({ command }) => command.includes('edge/fleet/main.ts'))?.pid;
  const headEnd = children.find(({ command }) => command.includes('head-end/main.ts'))?.pid;
  if (fleet === undefined || headEnd === undefined) throw new Error(`the campus did not start:\n${told}`);
  await delay(settleSeconds * 1000);
  const before = { fleet: await cpuUs(fleet), headEnd: await cpuUs(headEnd), at: monotonicMs() };
  // A little before the end, when both are still there.
  await delay((runSeconds - mostLateSeconds) * 1000);
  const wallUs = (monotonicMs() - before.at) * 1000;
  const cores = {
    fleet: ((await cpuUs(fleet)) - before.fleet) / wallUs,
    headEnd: ((await cpuUs(headEnd)) - before.headEnd) / wallUs,
  };
  const [fleetMb, headEndMb] = [await residentMb(fleet), await residentMb(headEnd)];
  const [code] = await ended;
  if (code !== 0) throw new Error(`campus ended with ${code}:\n${told}`);
  const lateSeconds = (finishedMs - startedMs) / 1000 - runSeconds - settleSeconds;
  const { readings, latencyMs } = JSON.parse(readFileSync(json, 'utf8')) as CampusReport;
  const name = `${boards} boards with twins, ${sampleSeconds} s sampling`;
  return [
    { name: `${name}: memory of all boards, most ever`, value: fleetMb.most, unit: 'MB', target: { atMost: 1500 } },
    { name: `${name}: cores that the boards take`, value: cores.fleet, unit: '', target: { atMost: 2 } },
    {
      name: `${name}: seconds behind at the end, reports included`,
      value: lateSeconds,
      unit: 's',
      target: { atMost: mostLateSeconds },
    },
    { name: `${name}: readings posted`, value: readings.posted, unit: '' },
    { name: `${name}: readings lost`, value: readings.lost, unit: '', target: { atMost: 0 } },
    {
      name: `${name}: readings not acknowledged at the end`,
      value: readings.posted - readings.acknowledged,
      unit: '',
      target: { atMost: 0 },
    },
    { name: `${name}: post to acknowledgement, p99`, value: latencyMs.postP99, unit: 'ms' },
    { name: `${name}: memory of the head-end`, value: headEndMb.most, unit: 'MB' },
    { name: `${name}: cores that the head-end takes`, value: cores.headEnd, unit: '' },
  ];
}
