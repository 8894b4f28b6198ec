import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Connection } from '#edge/client/connection.ts';
import type { TlsStand } from './tls-stand.ts';
import { Watch, type Watched } from './watch.ts';

/** Boards that come while garbage does, all behind one address. */
const boards = 25;
/** Lines of the log that so many broken handshakes may cost: each kind once, then every tenfold. */
const maxLines = 150;

/** Handshakes that are none, of a process of its own; resolves with how many the port took. */
export async function throwGarbage(port: number, count: number, seed: number): Promise<number> {
  const program = join(import.meta.dirname, 'garbage.ts');
  const child = spawn(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    program,
    ...[port, count, seed].map(String),
  ]);
  const texts: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => texts.push(chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  assert.equal(status, 0, texts.join(''));
  return Number(texts.join(''));
}

export interface FloodReport extends Watched {
  readonly taken: number;
  /** How much more memory the server's process has afterwards, octets. */
  readonly grownBytes: number;
}

/**
 * Garbage while one board posts and others come for the first time; fails where any of them is kept out. Memory is
 * counted from after `warmUp` handshakes on.
 */
export async function garbageFlood(stand: TlsStand, count: number, seed: number, warmUp = 0): Promise<FloodReport> {
  const watch = await Watch.start(await stand.poster('POSTER'));
  const identities = [];
  for (let n = 0; n < boards; n++) identities.push(await stand.device(`BOARD-${n}`));
  await throwGarbage(stand.port, warmUp, seed + 1);
  const before = process.memoryUsage.rss();
  const handshakes = stand.server.handshakes;
  const flood = throwGarbage(stand.port, count, seed);
  for (const identity of identities) {
    await using connection = new Connection(`https://127.0.0.1:${stand.port}`, identity);
    const answer = await connection.get('/dcap', 'DeviceCapability');
    assert.ok(answer.TimeLink !== undefined);
  }
  const taken = await flood;
  const watched = await watch.end();
  assert.equal(stand.server.handshakes - handshakes, boards, 'garbage was let in');
  assert.ok(stand.log.length < maxLines, `${stand.log.length} lines of log`);
  return { ...watched, taken, grownBytes: process.memoryUsage.rss() - before };
}
