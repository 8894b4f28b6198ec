import { createServer, type AddressInfo } from 'node:net';
import { uniform } from '#hal/random.ts';

/** A TPM for tests that answers with noise: wrong sizes, cut answers, wrong lengths within, other codes. */
const header = (size: number, code: number): Buffer => {
  const bytes = Buffer.alloc(10);
  bytes.writeUInt16BE(0x8001, 0);
  bytes.writeUInt32BE(size, 2);
  bytes.writeUInt32BE(code, 6);
  return bytes;
};

const draw = (seed: number, n: number): number => uniform(1, seed * 1000 + n);
const noise = (seed: number, length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => Math.floor(draw(seed, i) * 256)));

/** Lengths within the body are small more often than chance would have them, so that parsing goes on. */
function body(seed: number, length: number): Buffer {
  const bytes = noise(seed, length);
  for (let at = 0; at + 1 < length; at += 2) if (draw(seed, 500 + (at % 400)) < 0.5) bytes[at] = 0;
  return bytes;
}

function answer(seed: number): Buffer {
  const length = Math.floor(draw(seed, 901) * 490);
  const kind = Math.floor(draw(seed, 902) * 5);
  if (kind === 0) return noise(seed, length);
  if (kind === 1) return Buffer.concat([header(0xffffffff, 0), body(seed, length)]);
  if (kind === 2) return Buffer.concat([header(10 + length * 2, 0), body(seed, length)]);
  if (kind === 3) return Buffer.concat([header(10, Math.floor(draw(seed, 903) * 0x7ff) + 1)]);
  return Buffer.concat([header(10 + length, 0), body(seed, length)]);
}

let told = 0;
const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.once('data', () => socket.end(answer(told++)));
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
