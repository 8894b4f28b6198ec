import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { exceptionCode, type ModbusException } from './protocol.ts';
import { answer, type RegisterBank, serveModbusStream, serveModbusTcp } from './server.ts';
import { TcpPort } from '#hal/linux/tcp.ts';

/** Registers 0 to 199, all writable; 150 refuses. */
class Memory implements RegisterBank {
  readonly bytes = Buffer.alloc(400);

  read(address: number, count: number): Buffer | ModbusException {
    if (address + count > 200) return exceptionCode.illegalDataAddress;
    return this.bytes.subarray(2 * address, 2 * (address + count));
  }

  write(address: number, registers: Buffer): ModbusException | undefined {
    if (address + registers.length / 2 > 200) return exceptionCode.illegalDataAddress;
    if (address === 150) return exceptionCode.serverDeviceBusy;
    registers.copy(this.bytes, 2 * address);
    return undefined;
  }
}

const unitsWith = (bank: RegisterBank): ReadonlyMap<number, RegisterBank> => new Map([[1, bank]]);

/** The answer to a PDU for unit 1, without the header; `undefined` when the connection would end. */
function ask(pdu: string, bank: RegisterBank = new Memory(), unit = 1): string | undefined {
  const body = Buffer.from(pdu.replaceAll(' ', ''), 'hex');
  const head = Buffer.from([0xab, 0xcd, 0, 0, 0, body.length + 1, unit]);
  const response = answer(Buffer.concat([head, body]), unitsWith(bank));
  if (response === undefined) return undefined;
  assert.equal(response.toString('hex', 0, 4), 'abcd0000');
  assert.equal(response.readUInt16BE(4), response.length - 6);
  assert.equal(response[6], unit);
  return response.toString('hex', 7);
}

test('holding registers are read, one or many are written and echoed', () => {
  const bank = new Memory();
  assert.equal(ask('06 0003 1234', bank), '0600031234');
  assert.equal(ask('10 0004 0002 04 56789abc', bank), '1000040002');
  assert.equal(ask('03 0003 0003', bank), '0306123456789abc');
});

test('what a unit does not have is an exception of the protocol', () => {
  const readOnly: RegisterBank = { read: (_, count) => Buffer.alloc(2 * count) };
  assert.equal(ask('03 0000 0001', new Memory(), 2), '830b', 'unknown unit');
  assert.equal(ask('01 0000 0001'), '8101', 'unknown function');
  assert.equal(ask('04 0000 0001'), '8401', 'no input registers');
  assert.equal(ask('06 0000 0001', readOnly), '8601', 'nothing to write');
  assert.equal(ask('03 00c7 0002'), '8302', 'beyond the bank');
  assert.equal(ask('03 ffff 0002'), '8302', 'beyond the address space');
  assert.equal(ask('10 ffff 0002 04 00000000'), '9002', 'a write beyond the address space');
  assert.equal(ask('03 0000 0000'), '8303', 'no register');
  assert.equal(ask('03 0000 007e'), '8303', 'too many registers');
  assert.equal(ask('10 0000 0002 02 0000'), '9003', 'a count that is not that of the bytes');
  assert.equal(ask('06 0096 0001'), '8606', 'the bank refuses');
});

test('input registers come from their own table', () => {
  const bank: RegisterBank = { read: () => Buffer.from('0001', 'hex'), readInput: () => Buffer.from('0002', 'hex') };
  assert.equal(ask('03 0000 0001', bank), '03020001');
  assert.equal(ask('04 0000 0001', bank), '04020002');
});

test('a request whose length cannot be that of its function ends the connection', () => {
  for (const pdu of ['03 0000 00', '03 0000 0001 00', '06 0000', '10 0000 0001', '10 0000 0001 02 00']) {
    assert.equal(ask(pdu), undefined, pdu);
  }
});

test('any bytes are answered or end the connection, and writes stay within the bank', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 5 }), async (chunks) => {
      const [client, served] = duplexPair();
      serveModbusStream(served, unitsWith(new Memory()));
      client.on('error', () => undefined).resume();
      for (const chunk of chunks) if (!served.destroyed) client.write(chunk);
      const closed = new Promise((resolve) => {
        served.once('close', resolve);
      });
      client.end();
      // A server that still reads sees the end; one that refused has closed already.
      await new Promise(setImmediate);
      served.destroy();
      await closed;
    }),
    { numRuns: 200 },
  );
});

test('a client that does not read its answers is not read from any more', async () => {
  const [client, served] = duplexPair();
  serveModbusStream(served, unitsWith(new Memory()));
  const request = Buffer.from('000100000006010300000064', 'hex');
  let isTaken = true;
  for (let i = 0; i < 5000 && isTaken; i++) {
    isTaken = client.write(Buffer.concat(Array.from({ length: 20 }, () => request)));
    await new Promise(setImmediate);
  }
  assert.equal(isTaken, false, 'the client is held back');
  assert.ok(served.writableLength < 200_000, `${served.writableLength} bytes wait`);
  let answered = 0;
  client.on('data', (chunk: Buffer) => (answered += chunk.length));
  await new Promise((resolve) => {
    client.once('drain', resolve);
  });
  assert.ok(answered > 0, 'it goes on when the client reads');
  client.destroy();
  served.destroy();
});

test('a seventeenth client is turned away, and a place that gets free is given again', async () => {
  await using server = await serveModbusTcp({ port: 0, units: unitsWith(new Memory()) });
  const port = new TcpPort('127.0.0.1', server.port);
  const clients = await Promise.all(Array.from({ length: 16 }, () => port.open()));
  const extra = await port.open();
  await new Promise((resolve) => {
    extra.once('close', resolve).resume();
  });
  clients[0]!.destroy();
  await new Promise((resolve) => {
    clients[0]!.once('close', resolve);
  });
  // The server learns of it a moment later: ask until it does.
  for (let isServed = false; !isServed; ) {
    const again = await port.open();
    again.on('error', () => undefined).write(Buffer.from('000100000006010300000001', 'hex'));
    isServed = await new Promise((resolve) => {
      again.once('data', () => resolve(true)).once('close', () => resolve(false));
    });
    again.destroy();
  }
  for (const client of clients) client.destroy();
});
