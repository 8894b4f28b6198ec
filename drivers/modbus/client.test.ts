import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { GridError } from '#hal/errors.ts';
import { TcpPort } from '#hal/linux/tcp.ts';
import type { BytePort } from '#hal/ports.ts';
import { ModbusTcpClient, type ModbusTcpClientOptions } from './client.ts';
import { exceptionCode, type ModbusException } from './protocol.ts';
import { type RegisterBank, serveModbusStream, serveModbusTcp } from './server.ts';

const echo: RegisterBank = {
  read(address, count): Buffer | ModbusException {
    if (address >= 60000) return exceptionCode.illegalDataAddress;
    const registers = Buffer.alloc(2 * count);
    for (let i = 0; i < count; i++) registers.writeUInt16BE(address + i, 2 * i);
    return registers;
  },
};

/** A port whose device is what `serve` does with its end of the stream. */
class FakePort implements BytePort {
  readonly name = 'test port';
  opened = 0;
  readonly #serve: (stream: Duplex) => void;

  constructor(serve: (stream: Duplex) => void) {
    this.#serve = serve;
  }

  open(): Promise<Duplex> {
    this.opened++;
    const [near, far] = duplexPair();
    far.on('error', () => undefined);
    this.#serve(far);
    return Promise.resolve(near);
  }
}

const clientOf = (serve: (stream: Duplex) => void, options?: ModbusTcpClientOptions) => {
  const port = new FakePort(serve);
  return { port, client: new ModbusTcpClient(port, { requestTimeoutMs: 40, ...options }) };
};

/** Answers each request with what `reply` makes of it. */
const answering = (reply: (request: Buffer) => Buffer | string) => (stream: Duplex) => {
  stream.on('data', (request: Buffer) => {
    const bytes = reply(request);
    stream.write(typeof bytes === 'string' ? Buffer.from(bytes.replaceAll(' ', ''), 'hex') : bytes);
  });
};

const code = (expected: string) => (error: unknown) => {
  assert.ok(error instanceof GridError, String(error));
  assert.equal(error.code, expected, error.message);
  return true;
};

test('client and server agree on every span of registers', async () => {
  const bytes = Buffer.alloc(2 * 0x10000);
  const memory: RegisterBank = {
    read: (address, count) => bytes.subarray(2 * address, 2 * (address + count)),
    readInput: (_, count) => Buffer.alloc(2 * count, 7),
    write(address, registers) {
      registers.copy(bytes, 2 * address);
      return undefined;
    },
  };
  await using server = await serveModbusTcp({ port: 0, units: new Map([[9, memory]]) });
  await using client = new ModbusTcpClient(new TcpPort('127.0.0.1', server.port));
  await client.start();
  await fc.assert(
    fc.asyncProperty(fc.nat(0xffff), fc.uint8Array({ minLength: 2, maxLength: 246 }), async (address, data) => {
      const registers = Buffer.from(data.subarray(0, 2 * Math.min(data.length >> 1, 0x10000 - address)));
      const count = registers.length / 2;
      await client.writeHolding(9, address, registers);
      assert.deepEqual(Buffer.from(await client.readHolding(9, address, count)), registers);
      await client.writeSingle(9, address, 0xbeef);
      assert.equal((await client.readHolding(9, address, 1)).readUInt16BE(0), 0xbeef);
      assert.equal((await client.readInput(9, address, count))[0], 7);
    }),
    { numRuns: 50 },
  );
});

test('many requests at once are answered each with its own registers', async () => {
  for (const maxInFlight of [1, 4, 16]) {
    const { client } = clientOf((stream) => serveModbusStream(stream, new Map([[1, echo]])), { maxInFlight });
    await using _ = client;
    const answers = await Promise.all(Array.from({ length: 60 }, (__, i) => client.readHolding(1, 100 * i, 3)));
    answers.forEach((registers, i) => assert.equal(registers.readUInt16BE(4), 100 * i + 2));
  }
});

test('never more requests are on the wire than allowed', async () => {
  let onWire = 0;
  const { client } = clientOf(
    (stream) => {
      stream.on('data', (chunk: Buffer) => {
        onWire = Math.max(onWire, chunk.length / 12);
        setImmediate(() => {
          for (let at = 0; at < chunk.length; at += 12) {
            stream.write(Buffer.concat([chunk.subarray(at, at + 2), Buffer.from('00000005010302beef', 'hex')]));
          }
        });
      });
    },
    { maxInFlight: 2 },
  );
  await using _ = client;
  await Promise.all(Array.from({ length: 9 }, () => client.readHolding(1, 0, 1)));
  assert.ok(onWire <= 2, `${onWire}`);
});

test("the device's exception becomes an error with its number and a hint", async () => {
  const { client } = clientOf((stream) => serveModbusStream(stream, new Map([[1, echo]])));
  await using _ = client;
  await assert.rejects(client.readHolding(1, 60000, 1), (error: GridError) => {
    assert.equal(error.code, 'GTX-MOD-102');
    assert.match(error.message, /test port refused reading 1 at 60000 of unit 1: it has no such register/);
    assert.ok(error.hint);
    return true;
  });
  await assert.rejects(client.readHolding(2, 0, 1), code('GTX-MOD-111'));
  await assert.rejects(client.writeSingle(1, 0, 1), code('GTX-MOD-101'));
  assert.equal((await client.readHolding(1, 5, 1)).readUInt16BE(0), 5, 'the connection lives on');
});

test('an exception that the protocol does not name is told by its number', async () => {
  const { client } = clientOf(answering((r) => Buffer.concat([r.subarray(0, 4), Buffer.from('0003018363', 'hex')])));
  await using _ = client;
  await assert.rejects(client.readHolding(1, 0, 1), code('GTX-MOD-199'));
});

test('an answer to something else than asked fails the request and ends the connection', async () => {
  const wrong = {
    'other unit': '0000 0005 02 03 02 0000',
    'other function': '0000 0005 01 04 02 0000',
    'other count': '0000 0007 01 03 04 00000000',
    'wrong byte count': '0000 0005 01 03 04 0000',
    'other protocol': '0001 0005 01 03 02 0000',
    'length of no frame': '0000 0001 01',
  };
  for (const [name, rest] of Object.entries(wrong)) {
    const reply = Buffer.from(rest.replaceAll(' ', ''), 'hex');
    const { port, client } = clientOf(answering((request) => Buffer.concat([request.subarray(0, 2), reply])));
    await using _ = client;
    await assert.rejects(client.readHolding(1, 0, 1), code('GTX-MOD-002'), name);
    await assert.rejects(client.readHolding(1, 0, 1), code('GTX-MOD-002'), name);
    assert.equal(port.opened, 2, `${name}: connected anew`);
  }
});

test('a write that is confirmed with another place fails', async () => {
  const { client } = clientOf(
    answering((request) => Buffer.concat([request.subarray(0, 4), Buffer.from('0006011000010001', 'hex')])),
  );
  await using _ = client;
  await assert.rejects(client.writeHolding(1, 0, Buffer.alloc(2)), code('GTX-MOD-002'));
});

test('a silent device times out; after two silences the connection is opened anew', async () => {
  const { port, client } = clientOf((stream) => stream.resume());
  await using _ = client;
  await assert.rejects(client.readHolding(3, 7, 2), (error: GridError) => {
    assert.equal(error.code, 'GTX-MOD-003');
    assert.match(error.message, /No answer from unit 3 on test port within 40 ms \(reading 2 at 7 of unit 3\)/);
    return true;
  });
  assert.equal(port.opened, 1);
  await assert.rejects(client.readHolding(3, 7, 2), code('GTX-MOD-003'));
  await assert.rejects(client.readHolding(3, 7, 2), code('GTX-MOD-003'));
  assert.equal(port.opened, 2);
});

test('an answer that comes after the time-out is not taken for that of the next request', async () => {
  const requests: Buffer[] = [];
  const { client } = clientOf((stream) => {
    stream.on('data', (request: Buffer) => {
      requests.push(request);
      if (requests.length !== 2) return;
      for (const asked of requests) {
        const head = Buffer.concat([asked.subarray(0, 2), Buffer.from('00000005010302', 'hex')]);
        stream.write(Buffer.concat([head, asked.subarray(8, 10)]));
      }
    });
  });
  await using _ = client;
  await assert.rejects(client.readHolding(1, 11, 1), code('GTX-MOD-003'));
  assert.equal((await client.readHolding(1, 22, 1)).readUInt16BE(0), 22);
});

test('a connection that the device closes fails what is under way and is opened for the next request', async () => {
  let isFirst = true;
  const { port, client } = clientOf((stream) => {
    if (isFirst) stream.once('data', () => stream.end());
    else serveModbusStream(stream, new Map([[1, echo]]));
    isFirst = false;
  });
  await using _ = client;
  await assert.rejects(client.readHolding(1, 1, 1), code('GTX-MOD-001'));
  assert.equal((await client.readHolding(1, 1, 1)).readUInt16BE(0), 1);
  assert.equal(port.opened, 2);
});

test('a device that is not there fails the start and every request, and is found when it comes', async () => {
  let port: number;
  {
    await using gone = await serveModbusTcp({ port: 0, units: new Map() });
    port = gone.port;
  }
  await using client = new ModbusTcpClient(new TcpPort('127.0.0.1', port));
  await assert.rejects(client.start(), (error: GridError) => error.code === 'GTX-MOD-001' && error.hint !== undefined);
  await assert.rejects(client.readHolding(1, 0, 1), code('GTX-MOD-001'));
  await using _ = await serveModbusTcp({ port, units: new Map([[1, echo]]) });
  assert.equal((await client.readHolding(1, 4, 1)).readUInt16BE(0), 4);
});

test('more requests than may wait are refused, and a closed client refuses all', async () => {
  const { client } = clientOf((stream) => stream.resume(), { maxPending: 2, requestTimeoutMs: 10_000 });
  const waiting = [client.readHolding(1, 0, 1), client.readHolding(1, 0, 1)];
  const outcomes = Promise.allSettled(waiting);
  await assert.rejects(client.readHolding(1, 0, 1), code('GTX-MOD-005'));
  await client[Symbol.asyncDispose]();
  for (const outcome of await outcomes) {
    assert.equal(outcome.status, 'rejected');
    assert.ok(outcome.status === 'rejected' && code('GTX-MOD-006')(outcome.reason));
  }
  await assert.rejects(client.readHolding(1, 0, 1), code('GTX-MOD-006'));
  await assert.rejects(client.start(), code('GTX-MOD-006'));
});

test('what Modbus has no room for is refused before it is sent', async () => {
  const { port, client } = clientOf((stream) => stream.resume());
  await using _ = client;
  const requests = [
    client.readHolding(1, 0, 126),
    client.readHolding(1, 0, 0),
    client.readHolding(256, 0, 1),
    client.readHolding(1, 0xffff, 2),
    client.readHolding(1, 0.5, 1),
    client.writeHolding(1, 0, Buffer.alloc(248)),
    client.writeHolding(1, 0, Buffer.alloc(3)),
    client.writeSingle(1, 0, 0x10000),
  ];
  for (const request of requests) await assert.rejects(request, code('GTX-MOD-004'));
  assert.equal(port.opened, 0);
});

test('whatever a device sends, a request ends in an answer or an error', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      async (chunks, isTagged) => {
        const { client } = clientOf(
          (stream) => {
            stream.once('data', (request: Buffer) => {
              for (const chunk of chunks) {
                const bytes = Buffer.from(chunk);
                // Half of the runs get past the header, to the checks behind it.
                if (isTagged && bytes.length >= 9) {
                  request.copy(bytes, 0, 0, 4);
                  bytes.writeUInt16BE(Math.min(bytes.length - 6, 254), 4);
                }
                stream.write(bytes);
              }
              stream.end();
            });
          },
          { requestTimeoutMs: 2000 },
        );
        await using _ = client;
        const outcome = await client.readHolding(1, 0, 1).catch((error: unknown) => error);
        assert.ok(outcome instanceof GridError || (Buffer.isBuffer(outcome) && outcome.length === 2), String(outcome));
      },
    ),
    { numRuns: 200 },
  );
});

test('requests that wait for their turn behind a silent one time out as well', async () => {
  const { client } = clientOf((stream) => stream.resume());
  await using _ = client;
  const outcomes = await Promise.allSettled([1, 2, 3].map((address) => client.readHolding(1, address, 1)));
  for (const outcome of outcomes) assert.ok(outcome.status === 'rejected' && code('GTX-MOD-003')(outcome.reason));
});

test('a port that takes long to open times the request out and names the connection', async () => {
  const { promise, resolve } = Promise.withResolvers<Duplex>();
  const client = new ModbusTcpClient({ name: 'slow port', open: () => promise }, { requestTimeoutMs: 40 });
  await assert.rejects(client.readHolding(1, 0, 1), (error: GridError) => {
    return error.code === 'GTX-MOD-003' && error.hint?.startsWith('Check the address') === true;
  });
  const [near, far] = duplexPair();
  serveModbusStream(far, new Map([[1, echo]]));
  resolve(near);
  assert.equal((await client.readHolding(1, 6, 1)).readUInt16BE(0), 6);
  await client[Symbol.asyncDispose]();
  assert.ok(near.destroyed);
});

test('reads that travel together and lie within one another are one request, and each gets its registers', async () => {
  let reads = 0;
  const counting: RegisterBank = {
    read(address, count) {
      reads++;
      return echo.read(address, count);
    },
  };
  const { client } = clientOf((stream) => serveModbusStream(stream, new Map([[1, counting]])), { maxInFlight: 4 });
  await using _ = client;
  await client.start();
  const [part, whole, other] = await Promise.all([
    client.readHolding(1, 110, 2),
    client.readHolding(1, 100, 20),
    client.readHolding(1, 200, 1),
  ]);
  assert.equal(reads, 2);
  assert.deepEqual([part.readUInt16BE(0), part.length], [110, 4]);
  assert.deepEqual([whole.readUInt16BE(0), whole.length], [100, 40]);
  assert.equal(other.readUInt16BE(0), 200);
  const refused = [client.readHolding(1, 60_001, 2), client.readHolding(1, 60_000, 20)];
  for (const read of refused) await assert.rejects(read, code('GTX-MOD-102'));
});

test('a device that wakes up slowly has longer for its first answer, and no longer for the next', async () => {
  let answered = 0;
  const { client } = clientOf(
    (stream) => {
      stream.on('data', (request: Buffer) => {
        const answer = Buffer.from([...request.subarray(0, 4), 0, 5, request[6]!, 3, 2, 0, 7]);
        if (answered++ === 0) setTimeout(() => stream.write(answer), 120);
      });
    },
    { requestTimeoutMs: 40, firstAnswerTimeoutMs: 1000 },
  );
  assert.equal((await client.readHolding(1, 0, 1)).readUInt16BE(0), 7);
  const started = performance.now();
  await assert.rejects(client.readHolding(1, 0, 1), code('GTX-MOD-003'));
  assert.ok(performance.now() - started < 600, 'the second one is given up in its usual time');
  await client[Symbol.asyncDispose]();
});
