import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { seedOf, uniform } from '#hal/random.ts';
import { clientTls } from '#ieee2030_5/tls.ts';

/**
 * A program that throws handshakes at a port that are none, and prints how many the port took:
 * `node garbage.ts PORT COUNT SEED`. What it sends follows from the seed.
 */

/** Connections at once. */
const width = 32;
const [port = 0, count = 0, seed = 0] = process.argv.slice(2).map(Number);

/** What a client of IEEE 2030.5 says first. */
async function clientHello(): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { ciphers, ecdhCurve, sigalgs } = clientTls({ key: '', cert: '', ca: [] });
  const client = connectTls({ port: (server.address() as AddressInfo).port, ciphers, ecdhCurve, sigalgs });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  server.close();
  return hello;
}

const draw = (which: number, n: number, below: number): number =>
  Math.floor(uniform(seedOf(seed, `garbage ${which}`), n) * below);
const noise = (which: number, length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => draw(which, 1000 + i, 256)));

function damaged(hello: Buffer, which: number): Buffer {
  const copy = Buffer.from(hello);
  for (let i = 0; i <= draw(which, 1, 4); i++) copy[draw(which, 10 + i, copy.length)] = draw(which, 20 + i, 256);
  return copy;
}

/** TLS records of a good shape with noise in them: handshake, change of cipher, alert, application data. */
function records(which: number): Buffer {
  const parts = Array.from({ length: 1 + draw(which, 2, 4) }, (_, i) => {
    const body = noise(which + i, draw(which, 30 + i, 600));
    const head = Buffer.from([20 + draw(which, 40 + i, 5), 3, 3, 0, 0]);
    head.writeUInt16BE(body.length, 3);
    return Buffer.concat([head, body]);
  });
  return Buffer.concat(parts);
}

/** Kinds of garbage, each of which has been the end of some TLS server. */
const kinds: readonly ((hello: Buffer, which: number) => Buffer)[] = [
  (_, which) => noise(which, draw(which, 3, 2000)),
  (hello, which) => damaged(hello, which),
  (hello, which) => hello.subarray(0, draw(which, 3, hello.length)),
  (hello, which) => Buffer.concat([hello, records(which)]),
  (_, which) => records(which),
  (hello) => Buffer.concat([hello, hello]),
  () => Buffer.from('GET /dcap HTTP/1.1\r\nHost: server\r\n\r\n'),
  () => Buffer.alloc(0),
];

async function throwOne(hello: Buffer, which: number): Promise<boolean> {
  const kind = kinds[which % kinds.length]!;
  const socket = connect(port, '127.0.0.1');
  const closed = once(socket, 'close').catch(() => undefined);
  let taken = false;
  socket.on('error', () => undefined);
  socket.once('connect', () => {
    taken = true;
    // Every other one goes without a word of good-bye.
    socket.write(kind(hello, which), () => {
      if (which % 2 === 0) socket.resetAndDestroy();
      else socket.end();
    });
  });
  socket.resume();
  await closed;
  return taken;
}

const hello = await clientHello();
let next = 0;
let taken = 0;
await Promise.all(
  Array.from({ length: width }, async () => {
    while (next < count) if (await throwOne(hello, next++)) taken++;
  }),
);
process.stdout.write(`${taken}\n`);
