import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import { TpmOverTcp } from './tpm-over-tcp.ts';

const command = Buffer.from('80010000000c0000017b0008', 'hex');
const response = Buffer.from('80010000000c000000000000', 'hex');

/** An end that answers each command with these pieces, and closes after them where it shall. */
async function emulator(
  t: TestContext,
  pieces: readonly Buffer[],
  then?: 'close' | 'reset',
): Promise<{ port: TpmOverTcp; got: Buffer[]; server: net.Server }> {
  const got: Buffer[] = [];
  const server = net.createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      got.push(data);
      for (const piece of pieces) socket.write(piece);
      if (then === 'close') socket.end();
      if (then === 'reset') socket.resetAndDestroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { port: new TpmOverTcp('127.0.0.1', (server.address() as net.AddressInfo).port), got, server };
}

test('a command goes out whole and its response comes back, in however many pieces', async (t) => {
  const pieces = Array.from(response, (octet) => Buffer.of(octet));
  const { port, got } = await emulator(t, pieces);
  await using channel = await port.open();
  assert.deepEqual(Buffer.from(await channel.transact(command)), response);
  assert.deepEqual(Buffer.from(await channel.transact(command)), response);
  assert.deepEqual(got, [command, command]);
});

test('what is no response is refused', async (t) => {
  for (const [octets, message] of [
    ['800100000009', /claims to have 9 octets/],
    ['80010000100100000000', /claims to have 4097 octets/],
    ['8001ffffffff00000000', /claims to have 4294967295 octets/],
    ['80010000000a0000000000', /1 octets follow/],
  ] as const) {
    const { port } = await emulator(t, [Buffer.from(octets.padEnd(20, '0'), 'hex')]);
    await using channel = await port.open();
    await assert.rejects(channel.transact(command), { code: 'GTX-TPM-003', message });
  }
});

test('an emulator that closes or dies in the middle of an answer is told from one that is not there', async (t) => {
  for (const then of ['close', 'reset'] as const) {
    const { port } = await emulator(t, [response.subarray(0, 6)], then);
    await using channel = await port.open();
    await assert.rejects(channel.transact(command), { code: 'GTX-TPM-002' });
  }
  const { port, server } = await emulator(t, [response]);
  await using channel = await port.open();
  server.close();
  await once(server, 'close');
  await assert.rejects(channel.transact(command), { code: 'GTX-TPM-001' });
  await assert.rejects(port.open(), { code: 'GTX-TPM-001', message: /Cannot open tpm tcp 127\.0\.0\.1:\d+: / });
});
