import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { GridError } from '#hal/errors.ts';
import { TcpPort } from '#hal/linux/tcp.ts';
import type { BytePort } from '#hal/ports.ts';
import { UnixSeconds, W, Wh } from '#hal/units.ts';
import { EmonMeter } from './emon-meter.ts';
import { EmonTwin } from './emon-twin.ts';

class TestClock {
  time = 1000;
  now(): UnixSeconds {
    return UnixSeconds(this.time);
  }
}

class FakePort implements BytePort {
  readonly name = 'test line';
  opened = 0;
  isThere = true;
  far: Duplex | undefined;

  open(): Promise<Duplex> {
    if (!this.isThere) return Promise.reject(new GridError('GTX-HAL-001', 'Cannot open test line'));
    this.opened++;
    const [near, far] = duplexPair();
    this.far = far.on('error', () => undefined);
    return Promise.resolve(near);
  }
}

const line = (message: number, power: number): string =>
  `MSG:${message},V1:277.00,P1:${power},E1:${message},pulse:0\r\n`;
const code = (expected: string) => (error: unknown) => {
  assert.ok(error instanceof GridError, String(error));
  assert.equal(error.code, expected, error.message);
  return true;
};
const at = (time: number): UnixSeconds => UnixSeconds(time);

test('a frame is the one received after the time given: at once when it is there, else the next', async () => {
  const clock = new TestClock();
  const port = new FakePort();
  await using meter = new EmonMeter(port, clock);
  await meter.start();
  const first = meter.frameAfter(at(999), 5000);
  port.far!.write(line(1, 10));
  assert.deepEqual(await first, {
    receivedAt: 1000,
    message: 1,
    voltsRms: 277,
    channels: [{ powerW: 10, energyWh: 1 }],
  });
  assert.equal((await meter.frameAfter(at(999), 5000)).message, 1);
  const second = meter.frameAfter(at(1000), 5000);
  port.far!.write(line(2, 20));
  await meter.frameAfter(at(999), 5000);
  clock.time = 1001;
  port.far!.write(line(3, 30));
  assert.equal((await second).message, 3, 'a frame of the same second is not later');
});

test('noise and half lines are counted and skipped', async () => {
  const port = new FakePort();
  await using meter = new EmonMeter(port, new TestClock());
  await meter.start();
  const frame = meter.frameAfter(at(0), 5000);
  port.far!.write('0,E6:0,pulse:0\r\nemonTx4 ready\r\n');
  port.far!.write('\xff\x00'.repeat(2000));
  port.far!.write(`\r\n${line(7, 1)}`);
  assert.equal((await frame).message, 7);
  assert.equal(meter.refusedLines, 3);
});

test('a silent or babbling line is an error after the time-out, with what was wrong', async () => {
  const port = new FakePort();
  await using meter = new EmonMeter(port, new TestClock());
  await meter.start();
  await assert.rejects(meter.frameAfter(at(0), 50), code('GTX-EMO-002'));
  port.far!.write('MSG:1\r\n');
  await assert.rejects(meter.frameAfter(at(0), 50), /within 50 ms; 1 lines made no sense, the last: without MSG or V1/);
});

test('a line that ended is opened when a frame is next asked for; half a line from before is forgotten', async () => {
  const port = new FakePort();
  await using meter = new EmonMeter(port, new TestClock());
  await meter.start();
  port.far!.write('MSG:1,V1:2');
  await new Promise(setImmediate);
  port.far!.end();
  await new Promise(setImmediate);
  const frame = meter.frameAfter(at(0), 5000);
  await new Promise(setImmediate);
  port.far!.write(line(5, 1));
  assert.equal((await frame).message, 5);
  assert.equal(port.opened, 2);
  assert.equal(meter.refusedLines, 0);
});

test('a line that cannot be opened is an error at once, and is tried again', async () => {
  const port = new FakePort();
  port.isThere = false;
  await using meter = new EmonMeter(port, new TestClock());
  await assert.rejects(meter.start(), code('GTX-EMO-001'));
  await assert.rejects(meter.frameAfter(at(0), 5000), code('GTX-EMO-001'));
  port.isThere = true;
  const frame = meter.frameAfter(at(0), 5000);
  await new Promise(setImmediate);
  port.far!.write(line(1, 1));
  assert.equal((await frame).message, 1);
});

test('a closed meter fails those that wait, and waiting has a bound', async () => {
  const port = new FakePort();
  const meter = new EmonMeter(port, new TestClock());
  await meter.start();
  const outcomes = Promise.allSettled(Array.from({ length: 16 }, () => meter.frameAfter(at(0), 5000)));
  await assert.rejects(meter.frameAfter(at(0), 5000), code('GTX-EMO-004'));
  await meter[Symbol.asyncDispose]();
  for (const outcome of await outcomes) assert.ok(outcome.status === 'rejected' && code('GTX-EMO-003')(outcome.reason));
  await assert.rejects(meter.frameAfter(at(0), 5000), code('GTX-EMO-003'));
  await assert.rejects(meter.start(), code('GTX-EMO-003'));
});

test('any bytes leave the meter able to read the next line', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 4 }), async (chunks) => {
      const port = new FakePort();
      await using meter = new EmonMeter(port, new TestClock());
      await meter.start();
      for (const chunk of chunks) port.far!.write(chunk);
      port.far!.write(`\r\n${line(9, 9)}`);
      assert.equal((await meter.frameAfter(at(0), 5000)).message, 9);
    }),
    { numRuns: 50 },
  );
});

const reading = (powerW: number, energyWh: number) => ({
  voltsRms: 277,
  channels: [
    { powerW: W(powerW), energyWh: Wh(energyWh) },
    { powerW: W(2), energyWh: Wh(-3) },
  ],
});

test('the twin sends what it is given to every client, and the present message to one that comes late', async () => {
  const clock = new TestClock();
  await using twin = new EmonTwin(clock);
  assert.throws(() => twin.port, code('GTX-EMO-005'));
  await twin.start();
  await using meter = new EmonMeter(new TcpPort('127.0.0.1', twin.port), clock);
  await meter.start();
  // The twin learns of its client a moment after the client.
  await new Promise(setImmediate);
  twin.emit(reading(-1500, 7));
  const frame = await meter.frameAfter(at(999), 5000);
  assert.deepEqual(frame, { receivedAt: 1000, message: 1, ...reading(-1500, 7) });
  await using late = new EmonMeter(new TcpPort('127.0.0.1', twin.port), clock);
  assert.deepEqual(await late.frameAfter(at(999), 5000), frame);
  clock.time = 1001;
  await using later = new EmonMeter(new TcpPort('127.0.0.1', twin.port), clock);
  await assert.rejects(later.frameAfter(at(999), 50), code('GTX-EMO-002'), 'a message of the past is not repeated');
  twin.emit(reading(1, 8));
  assert.equal((await later.frameAfter(at(1000), 5000)).message, 2);
});

test('a client that does not read loses messages and costs the twin a bounded buffer', async () => {
  await using twin = new EmonTwin(new TestClock());
  await twin.start();
  const client = await new TcpPort('127.0.0.1', twin.port).open();
  twin.emit(reading(0, 0));
  await new Promise((resolve) => {
    client.once('data', resolve);
  });
  client.pause();
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
  for (let i = 0; i < 100_000; i++) twin.emit(reading(i, i));
  const grown = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before;
  assert.ok(grown < 50_000_000, `${grown} bytes more`);
  client.destroy();
});
