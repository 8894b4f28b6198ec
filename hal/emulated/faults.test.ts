import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type Duplex, duplexPair } from 'node:stream';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { BytePort } from '../ports.ts';
import { type FaultPlan, Faults, FaultyPort, FaultySpi } from './faults.ts';
import { EmulatedSpi } from './spi.ts';

/** A port in memory; `far` is what its device holds, of the newest opening. */
class PairPort implements BytePort {
  readonly name = 'pair';
  far: Duplex | undefined;

  async open(): Promise<Duplex> {
    const [near, far] = duplexPair();
    this.far = far;
    return near;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What comes out of a port when these chunks go in at the far end. */
async function through(plan: FaultPlan, chunks: readonly Buffer[]): Promise<{ out: string; done: string }> {
  const inner = new PairPort();
  const port = new FaultyPort(inner, plan);
  const stream = await port.open();
  const got: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => got.push(chunk));
  stream.on('error', () => undefined);
  for (const chunk of chunks) {
    if (inner.far?.destroyed === false) inner.far.write(chunk);
    for (let n = 0; n < 4; n++) await turn();
  }
  stream.destroy();
  return { out: Buffer.concat(got).toString('hex'), done: JSON.stringify(port.faults.done) };
}

const bytes = Buffer.from(Array.from({ length: 400 }, (_, n) => n & 0xff));
const cut = (at: readonly number[]): Buffer[] => {
  const places = [0, ...at.toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
};

test('without chances a faulty port is a port', async () => {
  const { out, done } = await through({ seed: 1, chances: {} }, cut([7, 100]));
  assert.equal(out, bytes.toString('hex'));
  assert.equal(done, '[]');
});

test('a seed replays its faults byte by byte, however the bytes are cut', async () => {
  const chances = { bitFlip: 0.02, drop: 0.01, short: 0.005, close: 0.001, halfOpen: 0.001 };
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.array(fc.nat(bytes.length), { maxLength: 8 }),
      fc.array(fc.nat(bytes.length), { maxLength: 8 }),
      async (seed, one, other) => {
        const plan = { seed, chances };
        const [a, b] = [await through(plan, cut(one)), await through(plan, cut(other))];
        assert.equal(a.out, b.out);
        assert.equal(a.done, b.done);
      },
    ),
    { numRuns: 30 },
  );
});

test('each kind of fault does to the bytes what it says', async () => {
  const flipped = await through({ seed: 5, chances: { bitFlip: 1 } }, [Buffer.of(0, 0, 0)]);
  for (const byte of Buffer.from(flipped.out, 'hex')) assert.match(byte.toString(2), /^10*$/);
  assert.equal((await through({ seed: 5, chances: { drop: 1 } }, [bytes])).out, '');
  const short = Buffer.from((await through({ seed: 3, chances: { short: 0.01 }, shortBytes: 50 }, [bytes])).out, 'hex');
  assert.ok(short.length > 0 && short.length < bytes.length - 1);
});

test('bytes that are late come whole and in order', async () => {
  const inner = new PairPort();
  const port = new FaultyPort(inner, { seed: 2, chances: { late: 0.02 }, lateMs: 5 });
  const stream = await port.open();
  inner.far?.end(bytes);
  const got: Buffer[] = [];
  for await (const chunk of stream) got.push(chunk as Buffer);
  assert.deepEqual(Buffer.concat(got), bytes);
  assert.ok(port.faults.done.length > 0 && port.faults.done.every(({ kind }) => kind === 'late'));
});

test('a half-open stream carries nothing either way and does not end; a new one may', async () => {
  const inner = new PairPort();
  const port = new FaultyPort(inner, { seed: 1, chances: { halfOpen: 1 } });
  const stream = await port.open();
  stream.on('data', () => assert.fail('nothing comes in'));
  stream.write(Buffer.of(1));
  inner.far?.on('data', () => assert.fail('nothing goes out'));
  for (let n = 0; n < 3; n++) await turn();
  inner.far?.destroy();
  for (let n = 0; n < 3; n++) await turn();
  assert.equal(stream.destroyed, false);
  port.faults.isActive = false;
  const next = await port.open();
  next.write(Buffer.of(9));
  const [chunk] = (await once(inner.far as Duplex, 'data')) as [Buffer];
  assert.deepEqual(chunk, Buffer.of(9));
  next.destroy();
  stream.destroy();
});

test('a stream that is closed ends for its user, after what came before', async () => {
  const inner = new PairPort();
  const stream = await new FaultyPort(inner, { seed: 4, chances: { close: 0.02 } }).open();
  const got: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => got.push(chunk));
  const closed = once(stream, 'close');
  inner.far?.write(bytes);
  await closed;
  assert.ok(bytes.toString('hex').startsWith(Buffer.concat(got).toString('hex')));
});

test('a chip’s transfers meet faults: flipped bits, a line that nobody drives, and transfers that fail', async () => {
  const chip = (): EmulatedSpi => new EmulatedSpi('0.0', (sent) => Buffer.from(sent));
  const make = async (chances: FaultPlan['chances']): Promise<FaultySpi> => {
    const device = new FaultySpi(chip(), { seed: 1, chances });
    await device.start();
    return device;
  };
  assert.deepEqual(await (await make({})).transfer(bytes), bytes);
  assert.deepEqual(await (await make({ drop: 1 })).transfer(Buffer.of(1, 2)), Buffer.of(0xff, 0xff));
  const flipping = await make({ bitFlip: 0.05 });
  assert.notDeepEqual(await flipping.transfer(bytes), bytes);
  const failing = await make({ close: 1 });
  await assert.rejects(failing.transfer(Buffer.of(1)), { code: 'GTX-HAL-005' });
  failing.faults.isActive = false;
  assert.deepEqual(await failing.transfer(Buffer.of(1)), Buffer.of(1));
});

test('what is remembered of faults is bounded, and counted on', () => {
  const faults = new Faults({ seed: 1, chances: { drop: 1 } });
  for (let n = 0; n < 1500; n++) faults.next('in');
  assert.deepEqual([faults.count, faults.done.length, faults.done.at(-1)?.at], [1500, 1000, 1499]);
});
