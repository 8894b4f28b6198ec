import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { HttpConnection, placeOf } from './http-connection.ts';

async function listening(t: TestContext, server: Server): Promise<number> {
  const open = new Set<Socket>();
  server.on('connection', (socket) => open.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/** To a server that does with each connection what `serve` does. */
async function toServer(t: TestContext, serve: (socket: Socket, count: number) => void, timeoutMs = 2000) {
  let count = 0;
  const port = await listening(
    t,
    createServer((socket) =>
      serve(
        socket.on('error', () => undefined),
        ++count,
      ),
    ),
  );
  return { ...connectionTo(t, port, timeoutMs), connections: () => count };
}

function connectionTo(t: TestContext, port: number, timeoutMs = 2000) {
  const connection = new HttpConnection({
    host: `127.0.0.1:${port}`,
    connect: (isReady) => connect(port, '127.0.0.1', isReady),
    timeoutMs,
    idleMs: 60_000,
    maxBodyBytes: 1000,
  });
  t.after(() => connection.destroy());
  const get = (path = '/') => connection.request({ method: 'GET', path, headers: {}, body: null });
  return { connection, get };
}

const empty = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

test('Node’s own server gets what was sent, and its answer comes back, over one connection', async (t) => {
  let connections = 0;
  const server = createHttpServer((request, response) => {
    text(request).then(
      (body) => response.end(`${request.method} ${request.url} ${String(request.headers['x-a'])} ${body}`),
      (error: Error) => response.destroy(error),
    );
  }).on('connection', () => connections++);
  const { connection, get } = connectionTo(t, await listening(t, server));
  const send = (method: string, body: string | null) =>
    connection.request({ method, path: '/a?b=c', headers: { 'x-a': 'y' }, body });
  const answers = await Promise.all([send('POST', 'äöü€'), send('PUT', null), get()]);
  assert.deepEqual(
    answers.map(({ body }) => body.toString()),
    ['POST /a?b=c y äöü€', 'PUT /a?b=c y ', 'GET / undefined '],
  );
  assert.equal(connections, 1);
});

test('a connection that the server has closed is opened anew, and what was asked on it fails', async (t) => {
  const { get, connections } = await toServer(t, (socket, count) => {
    socket.on('data', () => (count === 1 ? socket.destroy() : socket.write(empty)));
  });
  await assert.rejects(get(), /ended the connection/);
  assert.equal((await get()).status, 200);
  assert.equal((await get()).status, 200);
  assert.equal(connections(), 2, 'nothing is asked twice, and the second is kept');
});

test('requests that wait go on over another connection when one is not kept', async (t) => {
  const { get, connections } = await toServer(t, (socket) => {
    socket.on('data', () => socket.end(empty.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n')));
  });
  const statuses = (await Promise.all([get(), get(), get()])).map(({ status }) => status);
  assert.deepEqual([statuses, connections()], [[200, 200, 200], 3]);
});

test('an idle connection is closed sooner than the server says that it will be', async (t) => {
  const { get, connections } = await toServer(t, (socket) => {
    socket.on('data', () => socket.write(empty.replace('\r\n\r\n', '\r\nkeep-alive: timeout=1\r\n\r\n')));
  });
  await get();
  await get();
  assert.equal(connections(), 2);
});

test('a server that is silent, speaks unasked or is not there fails with the reason', async (t) => {
  const silent = await toServer(t, () => undefined, 50);
  await assert.rejects(silent.get(), /no answer within 50 ms/);
  const port = await listening(t, createServer());
  const absent = connectionTo(t, port === 1 ? 2 : 1);
  const [first, second] = await Promise.allSettled([absent.get(), absent.get()]);
  assert.deepEqual([first.status, second.status], ['rejected', 'rejected'], 'all that wait for it');
  const eager = await toServer(t, (socket) => {
    socket.on('data', () => socket.write(empty + empty));
  });
  assert.equal((await eager.get()).isKept, false);
});

test('closing lets what is under way end and takes nothing more; destroying fails it', async (t) => {
  const slow = await toServer(t, (socket) => {
    socket.on('data', () => setImmediate(() => socket.write(empty)));
  });
  const asked = slow.get();
  const closing = slow.connection.close();
  await assert.rejects(slow.get(), /is closed/);
  assert.equal((await asked).status, 200);
  await closing;
  const never = await toServer(t, () => undefined);
  const waiting = Promise.allSettled([never.get(), never.get()]);
  await never.connection.destroy();
  assert.deepEqual(
    (await waiting).map(({ status }) => status),
    ['rejected', 'rejected'],
  );
});

test('a request whose connection cannot be begun fails with the reason, and is not asked later', async (t) => {
  const asked: string[] = [];
  const server = createHttpServer((request, response) => {
    asked.push(request.url ?? '');
    response.end();
  });
  const port = await listening(t, server);
  let hasKey = false;
  const connection = new HttpConnection({
    host: `127.0.0.1:${port}`,
    connect: (isReady) => {
      if (!hasKey) throw new Error('no key');
      return connect(port, '127.0.0.1', isReady);
    },
    timeoutMs: 2000,
    idleMs: 60_000,
    maxBodyBytes: 1000,
  });
  t.after(() => connection.destroy());
  const get = (path: string) => connection.request({ method: 'GET', path, headers: {}, body: null });
  await assert.rejects(get('/1'), { message: 'no key' });
  await assert.rejects(get('/2'), { message: 'no key' });
  hasKey = true;
  assert.equal((await get('/3')).status, 200);
  assert.deepEqual(asked, ['/3']);
});

test('nothing can be slipped into a request', async (t) => {
  const { connection } = await toServer(t, (socket) => socket.write(empty));
  for (const more of [{ path: '/a b' }, { path: '/a\r\nx: y' }, { headers: { a: 'b\r\nc: d' } }]) {
    await assert.rejects(
      connection.request({ method: 'GET', path: '/', headers: {}, body: null, ...more }),
      RangeError,
    );
  }
});

test('an origin is told to the server as it stands, and to TLS by a name only where it is one', () => {
  assert.deepEqual(placeOf('https://head-end.example'), {
    host: 'head-end.example',
    tls: { host: 'head-end.example', port: 443, servername: 'head-end.example', ALPNProtocols: ['http/1.1'] },
  });
  const { host, tls } = placeOf('https://[::1]:8443');
  assert.deepEqual([host, tls.host, tls.port, tls.servername], ['[::1]:8443', '::1', 8443, '']);
});
