import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Aedes } from 'aedes';
import { testFolder } from './fake-kernel.ts';
import { MqttConnection } from './mqtt.ts';

interface Broker {
  readonly port: number;
  stop(): Promise<void>;
}

/** A real broker; `port` 0 takes any free one. */
async function broker(t: TestContext, port = 0, password?: string): Promise<Broker> {
  const aedes = await Aedes.createBroker({
    authenticate: (_client, user, given, done) =>
      done(null, password === undefined || (user === 'board' && given?.toString() === password)),
  });
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    aedes.handle(socket);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    await new Promise<void>((resolve) => {
      aedes.close(() => resolve());
    });
  };
  t.after(stop);
  return { port: (server.address() as net.AddressInfo).port, stop };
}

function link(t: TestContext, port: number, rest: { user?: string; passwordFile?: string } = {}): MqttConnection {
  const made = new MqttConnection({ mqtt: `127.0.0.1:${port}`, ...rest });
  t.after(() => made[Symbol.asyncDispose]());
  return made;
}

test('what one publishes another gets that has subscribed to it, retained messages also later', async (t) => {
  const { port } = await broker(t);
  const [shelly, board] = [link(t, port), link(t, port)];
  assert.equal(board.name, `mqtt 127.0.0.1:${port}`);
  await shelly.start();
  await shelly.publish('shellies/em/emeter/0/power', '12.5', { isRetained: true });
  await board.start();
  const got: string[] = [];
  const second = Promise.withResolvers<void>();
  await board.subscribe('shellies/+/emeter/#', (topic, payload) => {
    if (got.push(`${topic} ${payload.toString()}`) === 2) second.resolve();
  });
  await shelly.publish('shellies/other', '1');
  await shelly.publish('shellies/em/emeter/1/power', '-3');
  await second.promise;
  assert.deepEqual(got, ['shellies/em/emeter/0/power 12.5', 'shellies/em/emeter/1/power -3']);
});

test('a link comes back by itself with its subscriptions, and refuses to publish meanwhile', async (t) => {
  const first = await broker(t);
  const board = link(t, first.port);
  await board.start();
  const got = Promise.withResolvers<string>();
  await board.subscribe('state', (_topic, payload) => got.resolve(payload.toString()));
  await first.stop();
  await assert.rejects(board.publish('a', 'b'), { code: 'GTX-HAL-012' });
  assert.equal(board.isConnected, false);
  const back = Promise.withResolvers<void>();
  using _watch = board.onConnect(() => back.resolve());
  await broker(t, first.port);
  await back.promise;
  const other = link(t, first.port);
  await other.start();
  await other.publish('state', 'on', { isRetained: true });
  assert.equal(await got.promise, 'on');
});

test('a broker that is not there or refuses the password fails the start, and the next one tries again', async (t) => {
  const gone = await broker(t);
  await gone.stop();
  const board = link(t, gone.port);
  await assert.rejects(
    board.subscribe('a', () => undefined),
    { code: 'GTX-HAL-012' },
  );
  await assert.rejects(board.start(), {
    code: 'GTX-HAL-011',
    message: new RegExp(`^Cannot connect to mqtt 127.0.0.1:${gone.port}`),
  });
  await broker(t, gone.port);
  await board.start();
  assert.ok(board.isConnected);

  const { port } = await broker(t, 0, 'secret');
  const passwordFile = join(testFolder(t), 'password');
  writeFileSync(passwordFile, 'wrong\n');
  const guarded = link(t, port, { user: 'board', passwordFile });
  await assert.rejects(guarded.start(), { code: 'GTX-HAL-011' });
  writeFileSync(passwordFile, 'secret\n');
  await guarded.start();
  assert.ok(guarded.isConnected);
  await assert.rejects(link(t, port, { user: 'board', passwordFile: `${passwordFile}.none` }).start(), {
    code: 'GTX-HAL-011',
    message: /password file .* cannot be read/,
  });
});
