import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import { test } from 'node:test';
import { EmulatedGpio } from '../emulated/gpio.ts';
import { EmulatedBroker } from '../emulated/mqtt.ts';
import { EmulatedSpi } from '../emulated/spi.ts';
import { VirtualWall } from '../emulated/virtual-wall.ts';
import { GridError } from '../errors.ts';
import type { BytePort, GpioChip, I2cBus, MqttLink, SpiDevice } from '../ports.ts';
import { delay, monotonicMs, replaceWallTime } from '../wall.ts';
import type { FrameKind, RecordedFrame } from './frame.ts';
import type { RecordedPort } from './header.ts';
import { recordedPort } from './recorded-ports.ts';
import { ReplayedLine } from './replayed-bytes.ts';
import { replayedGpio, replayedI2c, replayedMqtt, replayedSpi } from './replayed-calls.ts';

const port = (wire: RecordedPort['wire']): RecordedPort => ({ name: 'port', wire });

/** Runs `work` in virtual time for ten seconds. */
async function inTime<T>(work: (wall: VirtualWall) => Promise<T>): Promise<T> {
  const wall = new VirtualWall({ unixMs: 0 });
  using _time = replaceWallTime(wall);
  const done = work(wall);
  done.catch(() => undefined);
  await wall.runTo(10_000);
  return done;
}

/** What `use` makes of a port, and of the same port replayed; with the times of the steps. */
async function alike<Port, T>(
  record: (sink: (kind: FrameKind, body: Buffer) => void) => Port,
  replay: (frames: readonly RecordedFrame[], wall: VirtualWall) => Port,
  use: (port: Port) => Promise<T>,
): Promise<readonly [recorded: T, replayed: T]> {
  const frames: RecordedFrame[] = [];
  const sink = (kind: FrameKind, body: Buffer): void =>
    void frames.push({ us: Math.round(monotonicMs() * 1000), kind, port: 0, body, place: frames.length + 1 });
  const recorded = await inTime(() => use(record(sink)));
  const replayed = await inTime((wall) => use(replay(frames, wall)));
  return [recorded, replayed];
}

const codeOf = (error: unknown): string =>
  error instanceof GridError ? `${error.code} ${error.message}` : String(error);

test('a chip on SPI answers as it did, after the same time, and fails as it did', async () => {
  let asked = 0;
  const chip = (): SpiDevice => {
    const inner = new EmulatedSpi('0.0', (sent) => Buffer.from(sent.map((byte) => byte + asked)));
    return {
      name: inner.name,
      start: () => inner.start(),
      transfer: async (sent) => {
        await delay(10 * ++asked);
        if (asked === 3) throw new GridError('GTX-HAL-005', 'a transfer failed');
        return inner.transfer(sent);
      },
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    };
  };
  const use = async (device: SpiDevice): Promise<readonly string[]> => {
    const seen: string[] = [];
    await device.start();
    for (let i = 0; i < 5; i++) {
      const answer = await device.transfer(Buffer.from([1, 2])).then((bytes) => bytes.toString('hex'), codeOf);
      seen.push(`${monotonicMs()} ${answer}`);
      await delay(1000);
    }
    await device[Symbol.asyncDispose]();
    return seen;
  };
  const [recorded, replayed] = await alike(
    (sink) => recordedPort('spi', chip(), sink),
    (frames, wall) => replayedSpi(port('spi'), frames, wall),
    use,
  );
  assert.deepEqual(replayed, recorded);
  assert.match(recorded[2] ?? '', /GTX-HAL-005/);
  assert.equal(new Set(recorded).size, 5);
});

test('what was asked at another time is answered as it was last, and what was never asked is refused', async () => {
  const bus: I2cBus = {
    name: 'i2c',
    start: () => Promise.resolve(),
    transfer: (address, sent, length) => Promise.resolve(Buffer.alloc(length, address + sent.length)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const late = async (again: I2cBus): Promise<readonly string[]> => {
    await again.start();
    const seen = [await again.transfer(0x40, Buffer.from([1]), 2)];
    await delay(5000);
    if (again !== bus) seen.push(await again.transfer(0x40, Buffer.from([1]), 2));
    const other = await again.transfer(0x41, Buffer.alloc(0), 1).catch(codeOf);
    return [...seen.map((bytes) => bytes.toString('hex')), typeof other === 'string' ? other : other.toString('hex')];
  };
  const frames: RecordedFrame[] = [];
  await inTime(async () => {
    const recorded = recordedPort('i2c', bus, (kind, body) => {
      frames.push({ us: monotonicMs() * 1000, kind, port: 0, body, place: frames.length + 1 });
    });
    await recorded.start();
    await recorded.transfer(0x40, Buffer.from([1]), 2);
  });
  const seen = await inTime((wall) => late(replayedI2c(port('i2c'), frames, wall)));
  assert.deepEqual(seen.slice(0, 2), ['4141', '4141']);
  assert.match(seen[2] ?? '', /GTX-REC-007/);
});

test('lines of a GPIO chip are read, set and change as they did', async () => {
  const record = (sink: (kind: FrameKind, body: Buffer) => void): GpioChip => {
    const chip = new EmulatedGpio('0');
    delay(2500).then(() => chip.drive(5, true), assert.fail);
    return recordedPort('gpio', chip, sink);
  };
  const use = async (chip: GpioChip): Promise<readonly string[]> => {
    const seen: string[] = [];
    const [input, output] = [chip.input({ line: 5 }), chip.output({ line: 6 })];
    await input.start();
    await output.start();
    using _watch = input.onChange((isActive) => seen.push(`${monotonicMs()} ${isActive}`));
    for (let i = 0; i < 5; i++) {
      await output.set(i % 2 === 0);
      seen.push(String(await input.read()));
      await delay(1000);
    }
    return seen;
  };
  const [recorded, replayed] = await alike(record, (frames, wall) => replayedGpio(port('gpio'), frames, wall), use);
  assert.deepEqual(replayed, recorded);
  assert.deepEqual(recorded, ['false', 'false', 'false', '2500 true', 'true', 'true']);
});

test('messages of a broker come as they came, to who subscribed to them', async () => {
  const record = (sink: (kind: FrameKind, body: Buffer) => void): MqttLink => {
    const broker = new EmulatedBroker();
    broker.publish('meter/energy', '42', true);
    delay(2000).then(() => broker.publish('meter/power', '230.5'), assert.fail);
    return recordedPort('mqtt', broker.link('broker'), sink);
  };
  const use = async (link: MqttLink): Promise<readonly string[]> => {
    const seen: string[] = [];
    link.onConnect(() => seen.push('connected'));
    await link.start();
    assert.ok(link.isConnected);
    await link.subscribe('meter/#', (topic, payload, isRetained) => {
      seen.push(`${monotonicMs()} ${topic} ${payload.toString()} ${isRetained}`);
    });
    await delay(1000);
    await link.publish('board/state', 'well');
    await delay(3000);
    await link[Symbol.asyncDispose]();
    return seen;
  };
  const [recorded, replayed] = await alike(record, (frames, wall) => replayedMqtt(port('mqtt'), frames, wall), use);
  assert.deepEqual(recorded, ['connected', '0 meter/energy 42 true', '2000 meter/power 230.5 false']);
  assert.deepEqual(replayed, recorded);
});

test('a line says what it said when it said it, is refused when it was, and ends when it did', async () => {
  let opened = 0;
  const line: BytePort = {
    name: 'line',
    async open(): Promise<Duplex> {
      await delay(20);
      if (opened++ === 0) throw new GridError('GTX-HAL-007', 'Cannot open line', { hint: 'Plug it in.' });
      const [near, far] = duplexPair();
      delay(100).then(() => far.write('first\r\n'), assert.fail);
      delay(1500).then(() => far.destroy(), assert.fail);
      return near;
    },
  };
  const use = async (again: BytePort): Promise<readonly string[]> => {
    const seen: string[] = [];
    for (let i = 0; i < 2; i++) {
      try {
        const stream = await again.open();
        seen.push(`${monotonicMs()} open`);
        stream.on('data', (chunk: Buffer) => seen.push(`${monotonicMs()} ${chunk.toString()}`));
        stream.on('close', () => seen.push(`${monotonicMs()} closed`));
      } catch (error) {
        seen.push(`${monotonicMs()} ${codeOf(error)}`);
      }
      await delay(2000);
    }
    return seen;
  };
  const [recorded, replayed] = await alike(
    (sink) => recordedPort('serial', line, sink),
    (frames, wall) => new ReplayedLine(port('bytes'), frames, wall),
    use,
  );
  assert.deepEqual(recorded, ['20 GTX-HAL-007 Cannot open line', '2040 open', '2140 first\r\n', '3540 closed']);
  assert.deepEqual(replayed, recorded);
});
