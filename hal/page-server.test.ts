import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { type Page, PageServer } from './page-server.ts';

const told = ({ method, path, host }: { method: string; path: string; host: string | undefined }): Page => ({
  status: path === '/' ? 200 : 404,
  type: 'text/plain',
  body: `${method} ${path} ${host} ü`,
  headers: { 'x-a': 'b' },
});

async function openServer(): Promise<PageServer> {
  const server = new PageServer(told);
  await server.listen({ port: 0, host: '127.0.0.1' });
  return server;
}

test('Node’s own client gets the page that it asks for', async () => {
  await using server = await openServer();
  for (const [method, path, status] of [
    ['GET', '/', 200],
    ['GET', '/x?y', 404],
    ['POST', '/', 200],
  ] as const) {
    const asking = request({ port: server.port, method, path }).end(method === 'POST' ? 'a body' : undefined);
    const [response] = await once(asking, 'response');
    assert.deepEqual([response.statusCode, response.headers['x-a']], [status, 'b']);
    assert.equal(await text(response), `${method} ${path} localhost:${server.port} ü`);
  }
});

test('what is no request is told so, and one that never ends is cut off', async () => {
  await using server = await openServer();
  for (const nonsense of ['hello\r\n\r\n', 'GET http://elsewhere/ HTTP/1.1\r\n\r\n', 'a'.repeat(20_000)]) {
    const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
    socket.write(nonsense);
    assert.match(await text(socket), /^HTTP\/1\.1 400 /);
  }
});

test('a request may come in pieces, and a port that is taken is refused', async () => {
  await using server = await openServer();
  const socket = connect(server.port, '127.0.0.1');
  for (const piece of ['GET / HT', 'TP/1.1\r\nHo', 'st: a\r\n\r', '\n']) {
    await new Promise<void>((resolve) => void socket.write(piece, () => setImmediate(resolve)));
  }
  assert.match(await text(socket), /GET \/ a ü$/);
  await using other = new PageServer(told);
  await assert.rejects(other.listen({ port: server.port, host: '127.0.0.1' }), { code: 'EADDRINUSE' });
});
