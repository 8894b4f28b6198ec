import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UnixSeconds } from '#hal/units.ts';
import { delay, wallSeconds } from '#hal/wall.ts';
import { loadBoardFile } from '#edge/board-file.ts';
import { Outbox } from '#edge/outbox.ts';
import { OutboxFile } from '#edge/outbox-file.ts';
import { channelNames } from '#ieee2030_5/ext/channels.ts';
import { programEnvironment } from '../program-environment.ts';
import type { BareProtocol } from './bare-exchanges.ts';
import type { ProbeFile } from './edge-probe.ts';
import { plant, type SiteProtocol } from './edge-site.ts';
import type { Figure } from './figure.ts';
import { Gate, startLiveHeadEnd } from './live-head-end.ts';
import { forked } from './forked.ts';
import { cpuUs, residentMb } from './process-figures.ts';
import { median, percentile } from './statistics.ts';

const program = fileURLToPath(import.meta.resolve('#cli/gridtokenx.js'));
const meterId = 'AMI_METER_PERF_001';
const [awaySeconds, backSeconds] = [125, 120];
/** Of a start, and of the head-end's return: not measured. */
const settleSeconds = 5;
const postSeconds = 15;
const daySeconds = 86_400;

export const boardFile = (clamps: number, modbus: number): string => `
meterId: ${meterId}
name: Perf
building: academic
zone: campus
location: { latitude: 37.4275, longitude: -122.1697, timeZone: America/Los_Angeles }
connection: { importLimitW: 40000, exportLimitW: 10000 }
hal: real
ports:
  front: { tcp: "127.0.0.1:${clamps}" }
  gateway: { tcp: "127.0.0.1:${modbus}" }
devices:
  clamps: { driver: emontx, gridChannel: 1, loadChannel: 2, port: front }
  inverter: { driver: sunspec-inverter, unit: 1, ratedW: ${plant.pvRatedW}, port: gateway }
  battery: { driver: sunspec-battery, unit: 2, capacityWh: ${plant.battery.capacityWh}, ratedW: ${plant.battery.ratedW}, reservePercent: 20, port: gateway }
`;

/** A day of postings that nobody took. */
async function fillOutbox(file: string): Promise<void> {
  using outboxFile = new OutboxFile(file);
  const outbox = new Outbox(outboxFile, meterId, channelNames);
  const now = wallSeconds();
  for (let start = now - daySeconds; start < now - postSeconds; start += postSeconds) {
    const wh = Math.floor((start - now + daySeconds) / 10);
    const values = Object.fromEntries(channelNames.map((name) => [name, wh])) as Record<
      (typeof channelNames)[number],
      number
    >;
    await outbox.append({ start: UnixSeconds(start), duration: postSeconds, values }, {});
  }
}

/** By how much each of these differs from the usual one. */
const jitterOf = (afterMs: readonly number[]): readonly number[] => {
  const usual = median(afterMs);
  return afterMs.map((ms) => Math.abs(ms - usual));
};

/**
 * `gridtokenx edge` for one board with inverter, battery and six clamps in another process, at 1 s: with its head-end
 * away, then with the head-end back and a day of postings waiting.
 */
export async function edge(): Promise<Figure[]> {
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'gtx-perf-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  // As root the database runs as another user, which has to pass through.
  await chmod(folder, 0o711);
  const bare = forked<BareProtocol>(resources, 'the bare exchanges', import.meta.resolve('./bare-exchanges.ts'));
  const site = forked<SiteProtocol>(resources, 'the site', import.meta.resolve('./edge-site.ts'));
  const ports = await site.call('open', null);
  const path = join(folder, 'board.yaml');
  writeFileSync(path, boardFile(ports.clamps, ports.modbus));
  const headEnd = await startLiveHeadEnd(resources, folder, [loadBoardFile(path)]);
  const gate = resources.use(new Gate(headEnd.sepPort));
  const gatePort = await gate.open();
  const data = join(folder, 'edge');
  const run = (probe: string) => {
    const importing = fileURLToPath(new URL('edge-probe.ts', import.meta.url));
    const identity = join(headEnd.boardsFolder, meterId);
    const server = `https://127.0.0.1:${gatePort}/dcap`;
    const board = spawn(
      process.execPath,
      [program, 'edge', '--board', path, '--server', server, '--data', data, '--identity', identity],
      {
        env: programEnvironment({
          GRIDTOKENX_LOG: 'silent',
          GRIDTOKENX_PROBE: probe,
          NODE_OPTIONS: `--import ${importing}`,
          NODE_COMPILE_CACHE: join(folder, 'cache'),
        }),
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    let told = '';
    board.stderr.setEncoding('utf8').on('data', (text: string) => (told += text));
    const stop = async (): Promise<void> => {
      if (board.exitCode === null && board.signalCode === null) {
        board.kill('SIGTERM');
        await once(board, 'exit');
      }
      if (board.exitCode !== 0) throw new Error(`edge ended with ${board.exitCode}:\n${told}`);
    };
    return { pid: board.pid ?? 0, stop };
  };
  // The first start of all fills the compile cache; the head-end is there, so that all is loaded.
  const first = run(join(folder, 'first.json'));
  await delay((settleSeconds + postSeconds) * 1000);
  const coldMb = (await residentMb(first.pid)).now;
  await first.stop();
  await gate.close();
  await mkdir(join(data, 'boards'), { recursive: true });
  await rm(join(data, 'boards', 'outbox.db'), { force: true });
  await fillOutbox(join(data, 'boards', 'outbox.db'));

  const probe = join(folder, 'probe.json');
  const { pid, stop } = run(probe);
  await delay(settleSeconds * 1000);
  const phases: { readonly name: string; readonly cpuPercent: number; readonly mb: number }[] = [];
  const measure = async (name: string, seconds: number): Promise<void> => {
    const before = await cpuUs(pid);
    await delay(seconds * 1000);
    const cpuPercent = ((await cpuUs(pid)) - before) / (seconds * 1e4);
    phases.push({ name, cpuPercent, mb: (await residentMb(pid)).now });
  };
  await bare.call('open', ports.echo);
  await measure('head-end away', awaySeconds - settleSeconds);
  await gate.open();
  await measure('a day drains', backSeconds);
  const { most } = await residentMb(pid);
  const bareMs = await bare.call('stop', null);
  await stop();
  const { seconds } = JSON.parse(readFileSync(probe, 'utf8')) as ProbeFile;
  const measured = seconds.slice(settleSeconds).map(([, afterMs]) => afterMs);
  return [
    ...phases.flatMap(({ name, cpuPercent, mb }) => [
      { name: `edge, ${name}: memory`, value: mb, unit: 'MB', target: { atMost: 80 } },
      { name: `edge, ${name}: CPU of one core at 1 s control`, value: cpuPercent, unit: '%', target: { atMost: 5 } },
    ]),
    { name: 'edge: most memory ever', value: most, unit: 'MB' },
    { name: 'edge: memory at the first start of all, which compiles', value: coldMb, unit: 'MB' },
    {
      name: `edge: control loop's jitter, p99 of ${measured.length} s`,
      value: percentile(jitterOf(measured), 0.99),
      unit: 'ms',
      target: { atMost: 20 },
    },
    {
      name: `a program that only exchanges as much: jitter, p99 of ${bareMs.length} s`,
      value: percentile(jitterOf(bareMs), 0.99),
      unit: 'ms',
    },
    {
      name: 'edge: control loop, usual time from the second to what the devices are told',
      value: median(measured),
      unit: 'ms',
    },
    { name: 'edge: seconds without control', value: missing(seconds), unit: '', target: { atMost: 0 } },
  ];
}

/** Of the time from the first to the last second. */
function missing(seconds: ProbeFile['seconds']): number {
  const [first, last] = [seconds[0]?.[0] ?? 0, seconds.at(-1)?.[0] ?? 0];
  return last - first + 1 - new Set(seconds.map(([second]) => second)).size;
}
