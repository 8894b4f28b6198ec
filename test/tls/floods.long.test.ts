import assert from 'node:assert/strict';
import { test } from 'node:test';
import { garbageFlood } from './garbage-flood.ts';
import { TlsStand } from './tls-stand.ts';

const mebibyte = 1 << 20;

test('100,000 handshakes of garbage cost no board a post, and no memory', { timeout: 900_000 }, async (t) => {
  await using stand = await TlsStand.open();
  const { taken, posts, worstMs, p99Ms, handshakes, grownBytes } = await garbageFlood(stand, 100_000, 2, 25_000);
  t.diagnostic(`${taken} taken, ${posts} posts, p99 ${p99Ms.toFixed(1)} ms, worst ${worstMs.toFixed(1)} ms`);
  t.diagnostic(`${(grownBytes / mebibyte).toFixed(1)} MiB more`);
  assert.ok(taken > 99_000, `${taken} were taken`);
  assert.ok(p99Ms < 500, `one of a hundred posts took ${p99Ms} ms`);
  assert.ok(worstMs < 2000, `a post took ${worstMs} ms`);
  assert.equal(handshakes, 1);
  assert.ok(grownBytes < 64 * mebibyte, `${grownBytes} octets more`);
});
