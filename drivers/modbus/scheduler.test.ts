import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { exceptionError } from './protocol.ts';
import { BusScheduler, type SchedulerOptions } from './scheduler.ts';
import { StepTimer } from './step-timer.ts';
import type { RegisterTransport } from './transport.ts';
import { exchangeMs, utilisation } from './utilisation.ts';

const code = (expected: string) => (error: unknown) => error instanceof GridError && error.code === expected;
const silence = (unit: number) => new GridError('GTX-MOD-003', `No answer from unit ${unit}`);

/** A link that takes 10 ms a request, 100 ms for a unit that is dead; it notes what it was asked. */
class TestLink implements RegisterTransport, AsyncDisposable {
  readonly name = 'test link';
  readonly asked: string[] = [];
  readonly dead = new Set<number>();
  refuse: (unit: number, start: number, count: number) => boolean = () => false;
  isLost = false;
  readonly #timer: StepTimer;

  constructor(timer: StepTimer) {
    this.#timer = timer;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  readHolding(unit: number, start: number, count: number): Promise<Buffer> {
    return this.#do(`read ${unit} ${start} ${count}`, unit, start, count);
  }

  readInput(unit: number, start: number, count: number): Promise<Buffer> {
    return this.#do(`input ${unit} ${start} ${count}`, unit, start, count);
  }

  async writeHolding(unit: number, start: number, registers: Buffer): Promise<void> {
    await this.#do(`write ${unit} ${start} ${registers.length / 2}`, unit, start, registers.length / 2);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #do(what: string, unit: number, start: number, count: number): Promise<Buffer> {
    this.asked.push(what);
    const ms = this.dead.has(unit) ? 100 : 10;
    return new Promise((resolve, reject) => {
      this.#timer.after(ms, () => {
        if (this.isLost) reject(new GridError('GTX-MOD-001', 'No connection'));
        else if (this.dead.has(unit)) reject(silence(unit));
        else if (this.refuse(unit, start, count)) reject(exceptionError(2, 'test'));
        else resolve(Buffer.from(Uint16Array.from({ length: count }, (_, i) => start + i).buffer).swap16());
      });
    });
  }
}

function bench(options: SchedulerOptions = {}) {
  const timer = new StepTimer();
  const link = new TestLink(timer);
  return { timer, link, bus: new BusScheduler(link, { timer, ...options }) };
}

test('a write goes before the reads that wait, and what looks at it right after', async () => {
  const { timer, link, bus } = bench();
  const reads = [1, 2, 3].map((unit) => bus.readHolding(unit, 0, 2));
  await timer.run(1);
  const write = bus.writeHolding(3, 40, Buffer.alloc(4));
  const back = bus.readHolding(3, 41, 1);
  await timer.until(Promise.all([...reads, write, back]));
  assert.deepEqual(link.asked, ['read 1 0 2', 'write 3 40 2', 'read 3 41 1', 'read 2 0 2', 'read 3 0 2']);
});

test('reads go by their deadline, those asked first before others', async () => {
  const { timer, link, bus } = bench();
  const hasty = bus.within(500);
  const all = [bus.readHolding(1, 0, 1), bus.readHolding(2, 0, 1), hasty.readHolding(3, 0, 1), bus.readInput(2, 0, 1)];
  await timer.until(Promise.all(all));
  assert.deepEqual(link.asked, ['read 3 0 1', 'read 1 0 1', 'read 2 0 1', 'input 2 0 1']);
});

test('reads of one unit that stand together are one request, and each gets its own registers', async () => {
  const { timer, link, bus } = bench();
  const values = await timer.until(
    Promise.all([
      bus.readHolding(1, 0, 2),
      bus.readHolding(1, 8, 2),
      bus.readHolding(1, 1, 3),
      bus.readHolding(1, 30, 1),
      bus.readHolding(2, 2, 1),
    ]),
  );
  assert.deepEqual(link.asked, ['read 1 0 10', 'read 1 30 1', 'read 2 2 1']);
  assert.deepEqual(
    values.map((each) => each.toString('hex')),
    ['00000001', '00080009', '000100020003', '001e', '0002'],
  );
});

test('no request asks for more than 125 registers', async () => {
  const { timer, link, bus } = bench();
  const all = Array.from({ length: 40 }, (_, i) => bus.readHolding(1, 10 * i, 10));
  await timer.until(Promise.all(all));
  assert.deepEqual(link.asked, ['read 1 0 120', 'read 1 120 120', 'read 1 240 120', 'read 1 360 40']);
});

test('a unit that refuses a joined read is asked one by one from then on', async () => {
  const { timer, link, bus } = bench();
  link.refuse = (_unit, start, count) => start <= 4 && start + count > 4;
  const read = () => Promise.all([bus.readHolding(1, 0, 2), bus.readHolding(1, 8, 2)]);
  assert.deepEqual(
    (await timer.until(read())).map((each) => each.toString('hex')),
    ['00000001', '00080009'],
  );
  assert.deepEqual(link.asked, ['read 1 0 10', 'read 1 0 2', 'read 1 8 2']);
  await timer.until(read());
  assert.deepEqual(link.asked.slice(3), ['read 1 0 2', 'read 1 8 2']);
  await assert.rejects(timer.until(bus.readHolding(1, 4, 1)), code('GTX-MOD-102'));
});

test('a dead unit costs the others one time-out in ever longer times, and is back within 30 s of its return', async () => {
  const { timer, link, bus } = bench();
  link.dead.add(9);
  let [missed, served] = [0, 0];
  let lateMs = 0;
  for (let second = 0; second < 120; second++) {
    const asked = timer.nowMs();
    const dead = bus.readHolding(9, 0, 1).catch(() => missed++);
    for (const unit of [1, 2, 3]) {
      await timer.until(bus.readHolding(unit, 0, 1));
      served++;
    }
    lateMs = Math.max(lateMs, timer.nowMs() - asked);
    await timer.until(dead);
    await timer.run(1000 - ((timer.nowMs() - asked) % 1000));
  }
  assert.equal(served, 360);
  assert.equal(missed, 120);
  const tries = link.asked.filter((what) => what.startsWith('read 9')).length;
  assert.ok(tries >= 5 && tries <= 12, `${tries} tries in 120 s`);
  assert.ok(lateMs <= 140, `the others waited ${lateMs} ms at most`);
  link.dead.delete(9);
  const back = timer.nowMs();
  for (let answered = false; !answered; ) {
    answered = await timer.until(bus.readHolding(9, 0, 1)).then(
      () => true,
      (error: unknown) => code('GTX-MOD-008')(error) && false,
    );
    if (!answered) await timer.run(500);
  }
  assert.ok(timer.nowMs() - back <= 30_500, `${timer.nowMs() - back} ms`);
});

test('an exception is an answer: the unit is not left alone for it', async () => {
  const { timer, link, bus } = bench();
  link.refuse = () => true;
  for (let i = 0; i < 6; i++) await assert.rejects(timer.until(bus.readHolding(1, 0, 1)), code('GTX-MOD-102'));
  assert.equal(link.asked.length, 6);
});

test('a bus without a connection is tried again at growing intervals, not for every request', async () => {
  const { timer, link, bus } = bench();
  link.isLost = true;
  for (let i = 0; i < 100; i++) {
    await assert.rejects(timer.until(bus.readHolding(1 + (i % 5), 0, 1)));
    await timer.run(200);
  }
  assert.ok(link.asked.length <= 10, `${link.asked.length} tries in 20 s`);
  link.isLost = false;
  await timer.run(30_000);
  await timer.until(bus.readHolding(1, 0, 1));
  await timer.until(Promise.all([2, 3, 4].map((unit) => bus.readHolding(unit, 0, 1))));
});

test('a request that was not served by its deadline is given up, and a full queue refuses', async () => {
  const { timer, bus } = bench({ maxPending: 12, deadlineMs: 55 });
  const all = Array.from({ length: 12 }, (_, i) => bus.readHolding(i + 1, 0, 1));
  await assert.rejects(bus.readHolding(1, 0, 1), code('GTX-MOD-005'));
  const outcomes = await timer.until(Promise.allSettled(all));
  const late = outcomes.filter(({ status }) => status === 'rejected');
  assert.equal(outcomes.length - late.length, 6);
  for (const outcome of late) assert.ok(outcome.status === 'rejected' && code('GTX-MOD-009')(outcome.reason));
});

test('a closed bus answers nobody', async () => {
  const { timer, bus } = bench();
  const all = [bus.readHolding(1, 0, 1), bus.readHolding(2, 0, 1)];
  await timer.run(1);
  const outcomes = Promise.allSettled(all);
  await bus[Symbol.asyncDispose]();
  await timer.run(100);
  assert.deepEqual(
    (await outcomes).map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
});

test('the forecast of a line is the time that its frames take', () => {
  // 9,600 baud, 11 bits: 8 + 5 + 4 bytes are 19.48 ms, two gaps 8.02 ms, 40 ms for the device.
  assert.equal(Math.round(exchangeMs({ kind: 'read', registers: 2 }, 9600)), 68);
  const meter = { kind: 'read', registers: 76, periodSeconds: 1 } as const;
  const eight = Array.from({ length: 8 }, (_, i) => ({ ...meter, unit: i + 1 }));
  assert.ok(utilisation(eight, 9600) > 1.4, `${utilisation(eight, 9600)}`);
  assert.ok(utilisation(eight, 115_200) < 0.6, `${utilisation(eight, 115_200)}`);
  assert.equal(utilisation([], 9600), 0);
});
