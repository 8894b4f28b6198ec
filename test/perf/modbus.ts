import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ModbusTcpClient } from '#drivers/modbus/client.ts';
import { listenTcp, TcpPort } from '#hal/linux/tcp.ts';
import { delay, monotonicMs } from '#hal/wall.ts';
import { installLine, isInstalled } from '#test/debian-packages.ts';
import type { Figure } from './figure.ts';
import { median } from './statistics.ts';

const ourReads = 40_000;
const peerReads = 6_000;
const registers = 30;
/** Different reads side by side: none of them can be answered by another's answer. */
const places = 16;
const rounds = 3;
const unit = 1;

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const python = '/usr/bin/python3';

/** Reads a second by our client, as many requests under way as it allows. */
async function ourClient(port: number, reads: number): Promise<number> {
  await using client = new ModbusTcpClient(new TcpPort('127.0.0.1', port), { maxInFlight: places });
  await client.start();
  const started = monotonicMs();
  const lane = async (place: number): Promise<void> => {
    for (let i = 0; i < reads / places; i++) await client.readInput(unit, 2 * place, registers);
  };
  await Promise.all(Array.from({ length: places }, (_, place) => lane(place)));
  return (1000 * reads) / (monotonicMs() - started);
}

async function peerClient(port: number): Promise<number> {
  const args = [file('modbus_peer.py'), 'read', String(port), String(peerReads)];
  const { stdout } = await promisify(execFile)(python, args);
  return peerReads / Number(stdout);
}

/** Microseconds of CPU that a process has used (proc(5): user and system time in ticks of 10 ms). */
function cpuUs(child: ChildProcess): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** Microseconds of CPU that a server spends on a read of our client. */
async function serverCpu(server: ChildProcess, port: number, reads: number): Promise<number> {
  await ourClient(port, reads / 4);
  const before = cpuUs(server);
  await ourClient(port, reads);
  return (cpuUs(server) - before) / reads;
}

async function freePort(): Promise<number> {
  await using listener = await listenTcp(0, (stream) => stream.destroy());
  return listener.port;
}

async function untilListening(port: number): Promise<void> {
  const open = (): Promise<boolean> =>
    new TcpPort('127.0.0.1', port).open().then(
      (stream) => {
        stream.destroy();
        return true;
      },
      () => false,
    );
  while (!(await open())) await delay(50);
}

async function stop(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill();
  await exit;
}

/** Modbus TCP against python3-pymodbus: one client against the same server in turns, and the CPU of either server. */
export async function modbus(): Promise<Figure[]> {
  const needed = ['python3-pymodbus', 'python3-serial-asyncio'] as const;
  if (!needed.every(isInstalled)) throw new Error(`needs ${installLine(needed)}`);
  await using stack = new AsyncDisposableStack();
  const twin = spawn(process.execPath, [file('modbus-twin.ts')], { stdio: ['ignore', 'pipe', 'inherit'] });
  stack.defer(() => stop(twin));
  const [line] = (await once(createInterface({ input: twin.stdout }), 'line')) as [string];
  const twinPort = Number(line);
  const peerPort = await freePort();
  const peer = spawn(python, [file('modbus_peer.py'), 'serve', String(peerPort)], { stdio: 'ignore' });
  stack.defer(() => stop(peer));
  await untilListening(peerPort);
  await ourClient(twinPort, ourReads / 4);
  const rates: { ours: number; peers: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    rates.push({ ours: await ourClient(twinPort, ourReads), peers: await peerClient(twinPort) });
  }
  const twinUs = await serverCpu(twin, twinPort, ourReads);
  const peerUs = await serverCpu(peer, peerPort, ourReads / 2);
  const [ours, peers] = [median(rates.map((rate) => rate.ours)), median(rates.map((rate) => rate.peers))];
  return [
    {
      name: `Modbus TCP reads of one client, times python3-pymodbus's (${Math.round(ours)} against ${Math.round(peers)} a second)`,
      value: median(rates.map((rate) => rate.ours / rate.peers)),
      unit: '×',
      target: { atLeast: 5 },
    },
    {
      name: `server CPU a read of a twin, share of pymodbus's (${twinUs.toFixed(1)} against ${peerUs.toFixed(1)} µs)`,
      value: twinUs / peerUs,
      unit: '×',
      target: { atMost: 0.2 },
    },
  ];
}
