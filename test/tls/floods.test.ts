import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { monotonicMs } from '#hal/wall.ts';
import { Connection } from '#edge/client/connection.ts';
import { garbageFlood } from './garbage-flood.ts';
import { TlsStand } from './tls-stand.ts';

/** Connections that say nothing. */
async function silent(port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  return sockets;
}

/** The server hears of a connection's end a moment after the client. */
async function comesAgain(connection: Connection): Promise<void> {
  for (let tries = 50; ; tries--) {
    try {
      await connection.get('/dcap', 'DeviceCapability');
      return;
    } catch (error) {
      if (tries === 0) throw error;
    }
  }
}

suite('too many handshakes and connections', { concurrency: false }, () => {
  let ground: TlsStand;
  before(async () => {
    ground = await TlsStand.open();
  });
  after(() => ground[Symbol.asyncDispose]());

  test('handshakes of garbage are refused, and boards behind the same address post and come as ever', async () => {
    const { taken, posts, worstMs, handshakes } = await garbageFlood(ground, 2000, 1);
    assert.ok(taken > 1900, `${taken} were taken`);
    assert.ok(posts > 20, `${posts} posts`);
    assert.ok(worstMs < 1500, `a post took ${worstMs} ms`);
    assert.equal(handshakes, 1);
  });

  test('handshakes that take their time give way to a board, and end by themselves', async () => {
    const limits = { handshakes: 16, handshakesOfAddress: 8, slowMs: 0 };
    await using stand = await ground.another({ limits, handshakeTimeoutMs: 400 });
    const identity = await stand.device('BOARD');
    const sockets = await silent(stand.port, 8);
    const closed = sockets.map((socket) => once(socket, 'close'));
    await using connection = new Connection(`https://127.0.0.1:${stand.port}`, identity);
    await connection.get('/dcap', 'DeviceCapability');
    assert.equal(connection.handshakes, 1);
    // The first, which gave way; then the others, which the server waits for no longer.
    await Promise.race(closed);
    await Promise.all(closed);
    assert.ok(stand.log.some(({ code }) => code === 'ERR_TLS_HANDSHAKE_TIMEOUT'));
    await connection.get('/dcap', 'DeviceCapability');
    assert.equal(connection.handshakes, 1);
  });

  test('where no handshake is slow, one too many has to come again, and the others go on', async () => {
    const limits = { handshakesOfAddress: 4, slowMs: 60_000 };
    await using stand = await ground.another({ limits });
    const identity = await stand.device('BOARD');
    const sockets = await silent(stand.port, 4);
    await using connection = new Connection(`https://127.0.0.1:${stand.port}`, identity);
    await assert.rejects(connection.get('/dcap', 'DeviceCapability'), { code: 'GTX-SEP-001' });
    const gone = once(sockets[0]!, 'close');
    sockets[0]!.destroy();
    await gone;
    await comesAgain(connection);
    assert.ok(sockets.slice(1).every((socket) => !socket.destroyed));
    for (const socket of sockets) socket.destroy();
  });

  test('of too many connections of one device the oldest ends', async () => {
    await using stand = await ground.another({ limits: { ofDevice: 2 } });
    const [identity, other] = [await stand.device('BOARD'), await stand.device('OTHER')];
    await using first = new Connection(`https://127.0.0.1:${stand.port}`, identity);
    await using second = new Connection(`https://127.0.0.1:${stand.port}`, identity);
    await using third = new Connection(`https://127.0.0.1:${stand.port}`, identity);
    await using others = new Connection(`https://127.0.0.1:${stand.port}`, other);
    for (const connection of [others, first, second, third]) await connection.get('/tm', 'Time');
    for (const connection of [second, third, others]) {
      await connection.get('/tm', 'Time');
      assert.equal(connection.handshakes, 1);
    }
    await first.get('/tm', 'Time');
    assert.equal(first.handshakes, 2);
  });

  test('the server stops at once, whoever is in the middle of a handshake', async () => {
    const stand = await ground.another({});
    const sockets = await silent(stand.port, 3);
    // The server has taken them when it has answered somebody who came later.
    await using connection = new Connection(`https://127.0.0.1:${stand.port}`, await stand.device('BOARD'));
    await connection.get('/tm', 'Time');
    const closed = sockets.map((socket) => once(socket, 'close'));
    const started = monotonicMs();
    await stand.server[Symbol.asyncDispose]();
    assert.ok(monotonicMs() - started < 3000, `it took ${monotonicMs() - started} ms`);
    await Promise.all(closed);
  });
});
