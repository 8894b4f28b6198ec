import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualWall } from '#hal/emulated/virtual-wall.ts';
import { reasonOf } from '#hal/errors.ts';
import type { RecordedFrame } from '#hal/recording/frame.ts';
import { recordedPort } from '#hal/recording/recorded-ports.ts';
import type { Recording } from '#hal/recording/recording.ts';
import { TcpPort } from '#hal/linux/tcp.ts';
import { delay, monotonicMs, replaceWallTime } from '#hal/wall.ts';
import { ModbusTcpClient } from '../modbus/client.ts';
import { CountingBank, TestLine } from '../modbus/line-bench.ts';
import { ModbusRtuClient } from '../modbus/rtu-client.ts';
import { serveRtuStream } from '../modbus/rtu-server.ts';
import { serveModbusStream } from '../modbus/server.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { exchangesOf, outcomeOf } from './modbus-exchanges.ts';
import { RecordedTwin } from './recorded-twin.ts';
import { ReplayedBus } from './replayed-bus.ts';

const baud = 19_200;

/** What a master does in five seconds; device 7 is not there. */
async function useOf(bus: RegisterTransport): Promise<readonly string[]> {
  const seen: string[] = [];
  for (let i = 0; i < 5; i++) {
    const answers = await Promise.all([
      bus.readHolding(1, 100, 2).then((registers) => registers.toString('hex'), reasonOf),
      bus.readInput(1, 10, 1).then((registers) => registers.toString('hex'), reasonOf),
      bus.readHolding(1, 2000, 1).then((registers) => registers.toString('hex'), reasonOf),
      bus.writeHolding(1, 100, Buffer.from([0, i, 0, 7])).then(() => 'written', reasonOf),
      ...(i === 2 ? [bus.readHolding(7, 0, 1).then((registers) => registers.toString('hex'), reasonOf)] : []),
    ]);
    seen.push(...answers);
    await delay(1000);
  }
  return seen;
}

interface Recorded {
  readonly frames: readonly RecordedFrame[];
  readonly seen: readonly string[];
}

async function record(framing: 'rtu' | 'tcp'): Promise<Recorded> {
  const wall = new VirtualWall({ unixMs: 0 });
  using _time = replaceWallTime(wall);
  const units = new Map([[1, new CountingBank()]]);
  const line = new TestLine((far) => (framing === 'rtu' ? serveRtuStream(far, units) : serveModbusStream(far, units)));
  const frames: RecordedFrame[] = [];
  const port = recordedPort('serial', line, (kind, body) => {
    frames.push({ us: Math.round(monotonicMs() * 1000), kind, port: 0, body, place: frames.length + 1 });
  });
  await using client = clientOf(port, framing);
  const using = useOf(client);
  await wall.runTo(10_000);
  return { frames, seen: await using };
}

const clientOf = (port: TestLine | ReplayedBus | ReturnType<typeof recordedPort<'serial'>>, framing: 'rtu' | 'tcp') =>
  framing === 'rtu' ? new ModbusRtuClient(port, { baud }) : new ModbusTcpClient(port, { maxInFlight: 4 });

const portOf = (framing: 'rtu' | 'tcp') =>
  ({ name: 'line', wire: 'modbus', ...(framing === 'rtu' && { baud }) }) as const;

for (const framing of ['rtu', 'tcp'] as const) {
  test(`a bus answers each request as it did, with exceptions and silence (${framing})`, async () => {
    const { frames, seen } = await record(framing);
    const wall = new VirtualWall({ unixMs: 0 });
    using _time = replaceWallTime(wall);
    const bus = new ReplayedBus(portOf(framing), frames, wall);
    await using client = clientOf(bus, framing);
    const using = useOf(client);
    await wall.runTo(10_000);
    assert.deepEqual(
      (await using).map((text) => text.replace('line', 'test line')),
      seen.map((text) => text.replace('test line', 'line').replace('line', 'test line')),
    );
    assert.equal(bus.unrecorded, 0);
    assert.ok(seen.some((text) => text.startsWith('GTX-MOD-102')));
    assert.ok(seen.some((text) => text.startsWith(framing === 'rtu' ? 'GTX-MOD-003' : 'GTX-MOD-111')));
  });

  test(`what was not asked then is answered by the registers as they were at that time (${framing})`, async () => {
    const { frames } = await record(framing);
    const wall = new VirtualWall({ unixMs: 0 });
    using _time = replaceWallTime(wall);
    const bus = new ReplayedBus(portOf(framing), frames, wall);
    await using client = clientOf(bus, framing);
    const ask = async (): Promise<readonly string[]> => {
      const seen: string[] = [];
      const one = async (address: number): Promise<void> => {
        const answer = await client.readHolding(1, address, 1).then((registers) => registers.toString('hex'), reasonOf);
        seen.push(answer.slice(0, 11));
      };
      await delay(1900);
      await one(100);
      await delay(2000);
      await one(100);
      await one(500);
      await client.writeHolding(1, 101, Buffer.from([0x12, 0x34]));
      await one(101);
      return seen;
    };
    const asking = ask();
    await wall.runTo(10_000);
    assert.deepEqual(await asking, ['0001', '0003', 'GTX-MOD-102', '1234']);
    assert.equal(bus.unrecorded, 5);
  });

  test(`a recorded exchange tells what came of it (${framing})`, async () => {
    const { frames } = await record(framing);
    const outcomes = exchangesOf(frames, framing).map((exchange) => outcomeOf(exchange, framing));
    const counts = Object.groupBy(outcomes, ({ is }) => is);
    assert.equal(counts.answer?.length, 15);
    assert.equal(counts.exception?.length, framing === 'rtu' ? 5 : 6);
    assert.equal(counts.silence?.length ?? 0, framing === 'rtu' ? 1 : 0);
  });
}

test('a damaged answer is told apart from silence, and a second answer from the first', () => {
  const frame = (ms: number, kind: 'sent' | 'received' | 'closed', hex: string): RecordedFrame => ({
    us: 1000 * ms,
    kind,
    port: 0,
    body: Buffer.from(hex, 'hex'),
    place: ms,
  });
  const frames = [
    frame(1, 'sent', '010300000001840a'),
    frame(20, 'received', '0103020007f986'),
    frame(100, 'sent', '010300000001840a'),
    frame(120, 'received', 'ff'),
    frame(121, 'received', '010302'),
    frame(122, 'received', '0007f986'),
    frame(200, 'sent', '010300000001840a'),
    frame(300, 'sent', '010300000001840a'),
    frame(310, 'received', '0103020007f987'),
    frame(400, 'sent', '010300000001840a'),
    frame(410, 'closed', ''),
  ];
  const outcomes = exchangesOf(frames, 'rtu').map((exchange) => outcomeOf(exchange, 'rtu'));
  assert.deepEqual(
    outcomes.map((outcome) => ('afterMs' in outcome ? `${outcome.is} ${outcome.afterMs}` : outcome.is)),
    ['answer 19', 'answer 22', 'silence', 'damaged', 'closed'],
  );
});

const recordingOf = (frames: readonly RecordedFrame[]): Recording => ({
  path: 'site.gtxr',
  header: {
    software: 'test',
    startedAtMs: 0,
    board: { meterId: 'TEST_001', name: 'Test' },
    ports: [portOf('rtu')],
    devices: {},
  },
  frames,
  end: { at: 'end', offset: 0 },
});

test('a recording as a twin shows the registers as they were at that time, and then as they were last', async () => {
  const { frames } = await record('rtu');
  const wall = new VirtualWall({ unixMs: 0 });
  using _time = replaceWallTime(wall);
  await using twin = new RecordedTwin({ recording: recordingOf(frames), place: { tcp: 0 } });
  const { units, at } = await twin.start();
  assert.deepEqual(units, [1]);
  await using client = new ModbusTcpClient(new TcpPort('127.0.0.1', Number(at.split(':')[1])));
  const at100 = async (): Promise<string> => (await client.readHolding(1, 100, 1)).toString('hex');
  assert.equal(await at100(), '0064');
  await wall.runTo(1_500);
  assert.equal(await at100(), '0001');
  await wall.runTo(100_000);
  assert.equal(await at100(), '0004');
  await assert.rejects(client.readHolding(1, 500, 1), { code: 'GTX-MOD-102' });
});

test('a port that the recording does not have is refused, with those that it has', async () => {
  await using twin = new RecordedTwin({ recording: recordingOf([]), port: 'serial /dev/ttyS9', place: { tcp: 0 } });
  await assert.rejects(twin.start(), { code: 'GTX-REC-010', hint: 'Say --port "line".' });
});
