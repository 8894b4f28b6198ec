import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { CountingBank, TestLine } from './line-bench.ts';
import { ModbusRtuClient } from './rtu-client.ts';
import { crc16, frameGapMs, isIntact, lineMs, rtuFrame } from './rtu-frame.ts';
import { serveRtuStream } from './rtu-server.ts';
import { StepTimer } from './step-timer.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const code = (expected: string) => (error: unknown) => error instanceof GridError && error.code === expected;

test('frames carry the checksum of the specification', () => {
  // MODBUS over Serial Line V1.02 and the usual examples of data sheets.
  assert.equal(crc16(hex('02 07')), 0x1241);
  assert.equal(rtuFrame(hex('01 03 0000 000a')).toString('hex'), '01030000000ac5cd');
  assert.equal(rtuFrame(hex('11 03 006b 0003')).toString('hex'), '1103006b00037687');
  // Eastron SDM630's own example: read 0x0000, two registers, of unit 1.
  assert.equal(rtuFrame(hex('01 04 0000 0002')).toString('hex'), '01040000000271cb');
  assert.ok(isIntact(hex('01 04 04 43 66 33 34 1b 38')));
  assert.ok(!isIntact(hex('01 04 04 43 66 33 35 1b 38')));
  assert.equal(Math.round(lineMs(8, 9600) * 100) / 100, 9.17);
  assert.equal(frameGapMs(115_200), 1.75);
});

/** A line to one bank as unit 7, with a timer of the test's own; `serve` takes the bank's place. */
function bench(serve?: (far: Duplex) => void) {
  const bank = new CountingBank();
  const timer = new StepTimer();
  const line = new TestLine(serve ?? ((far) => serveRtuStream(far, new Map([[7, bank]]))));
  const client = new ModbusRtuClient(line, { baud: 9600, answerTimeoutMs: 100, timer });
  return { bank, timer, line, client };
}

test('registers are read and written over a line', async () => {
  const { bank, timer, client } = bench();
  await client.start();
  assert.equal((await timer.until(client.readHolding(7, 258, 2))).toString('hex'), '01020103');
  assert.equal((await timer.until(client.readInput(7, 0, 1))).readUInt16BE(0), 1000);
  await timer.until(client.writeHolding(7, 10, hex('beef cafe')));
  assert.equal((await timer.until(client.readHolding(7, 10, 2))).toString('hex'), 'beefcafe');
  await assert.rejects(timer.until(client.readHolding(7, 999, 2)), code('GTX-MOD-102'));
  assert.equal(bank.asked.length, 5);
});

test('what is no request is refused before it is sent', async () => {
  const { timer, client, line } = bench();
  for (const [unit, address, count] of [
    [0, 0, 1],
    [248, 0, 1],
    [7, 0, 0],
    [7, 0, 126],
    [7, 65_535, 2],
  ] as const) {
    await assert.rejects(timer.until(client.readHolding(unit, address, count)), code('GTX-MOD-004'));
  }
  assert.equal(line.opened, 0);
});

test('a silent unit is given up after its time, and the port stays open', async () => {
  const { timer, client, line } = bench();
  await assert.rejects(timer.until(client.readHolding(8, 0, 1)), code('GTX-MOD-003'));
  assert.ok(timer.nowMs() >= 100 && timer.nowMs() < 130, `${timer.nowMs()} ms`);
  assert.equal((await timer.until(client.readHolding(7, 5, 1))).readUInt16BE(0), 5);
  assert.equal(line.opened, 1);
});

/** A device that answers each request as the list says: bytes, and how many ms later. */
function scripted(answers: readonly (readonly [answer: Buffer, afterMs: number])[]) {
  const timer = new StepTimer();
  let next = 0;
  const line = new TestLine((far) => {
    far.on('data', () => {
      const [bytes, afterMs] = answers[next++] ?? [Buffer.alloc(0), 0];
      timer.after(afterMs, () => void (bytes.length > 0 && far.write(bytes)));
    });
  });
  const client = new ModbusRtuClient(line, { baud: 9600, answerTimeoutMs: 100, timer });
  return { timer, line, client };
}

const answerOf = (value: number): Buffer => rtuFrame(Buffer.from([7, 3, 2, value >> 8, value]));

test('a late answer is not taken for that to the next request', async () => {
  const { timer, client } = scripted([
    [answerOf(1), 180],
    [answerOf(2), 10],
  ]);
  const first = client.readHolding(7, 0, 1);
  const second = client.readHolding(7, 0, 1);
  await assert.rejects(timer.until(first), code('GTX-MOD-003'));
  assert.equal((await timer.until(second)).readUInt16BE(0), 2);
  assert.ok(timer.nowMs() < 230, 'the line is free as soon as the late answer has come');
});

test('a damaged, short or strange answer is refused, and the next one is read', async () => {
  const flipped = Buffer.from(answerOf(1));
  flipped[4]! ^= 0x10;
  const answers: readonly Buffer[] = [
    flipped,
    answerOf(1).subarray(0, 4),
    hex('00'),
    rtuFrame(hex('07 03 04 00010002')),
    rtuFrame(hex('07 04 02 0001')),
    hex('a5 5a a5 5a a5 5a a5 5a a5'),
  ];
  for (const bad of answers) {
    const { timer, client, line } = scripted([
      [bad, 5],
      [answerOf(9), 5],
    ]);
    await assert.rejects(
      timer.until(client.readHolding(7, 0, 1)),
      (error) => code('GTX-MOD-007')(error) || code('GTX-MOD-003')(error),
      bad.toString('hex'),
    );
    assert.equal((await timer.until(client.readHolding(7, 0, 1))).readUInt16BE(0), 9, bad.toString('hex'));
    assert.equal(line.opened, 1);
  }
});

test('noise before an answer and a frame of another unit are passed over', async () => {
  const other = rtuFrame(hex('09 03 02 0001'));
  for (const before of [hex('00'), hex('ff 00'), other]) {
    const { timer, client } = scripted([[Buffer.concat([before, answerOf(4)]), 5]]);
    assert.equal((await timer.until(client.readHolding(7, 0, 1))).readUInt16BE(0), 4);
  }
});

test('an answer in pieces is one answer', async () => {
  const timer = new StepTimer();
  const whole = answerOf(513);
  const line = new TestLine((far) => {
    far.on('data', () =>
      whole.forEach((byte, i) => void timer.after(2 * i, () => void far.write(Buffer.from([byte])))),
    );
  });
  const client = new ModbusRtuClient(line, { baud: 9600, answerTimeoutMs: 100, timer });
  assert.equal((await timer.until(client.readHolding(7, 0, 1))).readUInt16BE(0), 513);
});

test('between two frames the line is silent for 3.5 characters', async () => {
  const { timer, client } = bench();
  await timer.until(client.readHolding(7, 0, 1));
  const before = timer.nowMs();
  await timer.until(client.readHolding(7, 0, 1));
  assert.ok(timer.nowMs() - before >= lineMs(3.5, 9600));
});

test('a port that was lost fails what was under way and is opened again for the next request', async () => {
  const { timer, client, line } = bench();
  await timer.until(client.readHolding(7, 0, 1));
  const broken = client.readHolding(8, 0, 1);
  await timer.run(20);
  line.far!.destroy();
  await assert.rejects(timer.until(broken), code('GTX-MOD-001'));
  assert.equal((await timer.until(client.readHolding(7, 3, 1))).readUInt16BE(0), 3);
  assert.equal(line.opened, 2);
});

test('a closed client refuses, and a full queue as well', async () => {
  const { timer, line } = bench();
  const client = new ModbusRtuClient(line, { baud: 9600, maxPending: 2, timer });
  await client.start();
  const asked = Array.from({ length: 4 }, () => client.readHolding(7, 0, 1));
  await assert.rejects(asked[3]!, code('GTX-MOD-005'));
  await timer.until(Promise.all(asked.slice(0, 3)));
  const refused = assert.rejects(client.readHolding(8, 0, 1), code('GTX-MOD-006'));
  await client[Symbol.asyncDispose]();
  await refused;
  await assert.rejects(client.readHolding(7, 0, 1), code('GTX-MOD-006'));
});

test('a server answers whole requests for its units and nothing else', async () => {
  const bank = new CountingBank();
  const line = new TestLine((far) => serveRtuStream(far, new Map([[7, bank]])));
  const near = await line.open();
  let answered = '';
  near.on('data', (chunk: Buffer) => (answered += chunk.toString('hex')));
  const say = async (bytes: Buffer): Promise<string> => {
    answered = '';
    near.write(bytes);
    for (let i = 0; i < 3; i++) await new Promise(setImmediate);
    return answered;
  };
  const request = rtuFrame(hex('07 03 0001 0001'));
  assert.equal(await say(request), rtuFrame(hex('07 03 02 0001')).toString('hex'));
  assert.equal(await say(rtuFrame(hex('08 03 0001 0001'))), '', 'another unit');
  const damaged = Buffer.from(request);
  damaged[3]! ^= 1;
  assert.equal(await say(damaged), '', 'damaged');
  assert.equal(await say(hex('a5 5a 00 00 00 00 00 00 00')), '', 'noise');
  assert.equal(await say(request.subarray(0, 3)), '');
  assert.equal(await say(request.subarray(3)), rtuFrame(hex('07 03 02 0001')).toString('hex'), 'in two pieces');
  assert.equal(await say(rtuFrame(hex('07 06 0002 00ff'))), rtuFrame(hex('07 06 0002 00ff')).toString('hex'));
  assert.equal(bank.holding.readUInt16BE(4), 255);
});
