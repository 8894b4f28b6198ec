import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { listenTcp, TcpPort } from './tcp.ts';

test('bytes cross both ways, as they are', async () => {
  await using listener = await listenTcp(0, (stream) => stream.pipe(stream));
  const port = new TcpPort('127.0.0.1', listener.port);
  assert.equal(port.name, `tcp 127.0.0.1:${listener.port}`);
  const stream = await port.open();
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
  stream.end(bytes);
  const back: Buffer[] = [];
  for await (const chunk of stream) back.push(chunk as Buffer);
  assert.deepEqual(Buffer.concat(back), bytes);
});

test('a port may be opened again and again, each time anew', async () => {
  let connections = 0;
  await using listener = await listenTcp(0, (stream) => {
    connections++;
    stream.destroy();
  });
  const port = new TcpPort('127.0.0.1', listener.port);
  for (let n = 1; n <= 3; n++) {
    const stream = await port.open();
    stream.resume();
    await once(stream, 'close');
    assert.equal(connections, n);
  }
});

test('where nobody listens the failure names the port and says what to check', async () => {
  const { port, ...listener } = await listenTcp(0, () => undefined);
  await listener[Symbol.asyncDispose]();
  await assert.rejects(new TcpPort('127.0.0.1', port).open(), (error: Error & { code?: string; hint?: string }) => {
    assert.match(error.message, new RegExp(`^Cannot open tcp 127.0.0.1:${port}: .*ECONNREFUSED`));
    assert.match(error.hint ?? '', /address/);
    return error.code === 'GTX-HAL-001';
  });
});

test('a taken port is refused', async () => {
  await using taken = await listenTcp(0, () => undefined);
  await assert.rejects(
    listenTcp(taken.port, () => undefined),
    { code: 'GTX-HAL-002' },
  );
});

test('a listener that is disposed ends its connections, those that are idle too', async () => {
  const accepted: Duplex[] = [];
  const listener = await listenTcp(0, (stream) => accepted.push(stream));
  const port = new TcpPort('127.0.0.1', listener.port);
  const streams = [await port.open(), await port.open()];
  const closed = streams.map(
    (stream) =>
      new Promise<void>((resolve) =>
        stream
          .on('error', () => undefined)
          .on('close', resolve)
          .resume(),
      ),
  );
  await listener[Symbol.asyncDispose]();
  await Promise.all(closed);
  assert.ok(accepted.every((stream) => stream.destroyed));
  await assert.rejects(port.open(), { code: 'GTX-HAL-001' });
});
