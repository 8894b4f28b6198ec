import assert from 'node:assert/strict';
import { test } from 'node:test';
import { monotonicMs } from '#hal/wall.ts';
import { EdgeBench, exportLimitW } from './edge-process.ts';

test('board killed: the devices revert within 60 s of the wall’s time', async (t) => {
  const bench = await EdgeBench.start(t);
  const { child, ended } = bench.edge();
  await bench.until('export is limited', ({ pvW }) => pvW > exportLimitW && pvW < 9_000);
  child.kill('SIGKILL');
  await ended;
  const from = monotonicMs();
  bench.loadW = 0;
  await bench.until('nothing is drawn', ({ gridW }) => gridW < -exportLimitW);
  await bench.until('export is held', ({ gridW, batteryW }) => gridW >= -exportLimitW && batteryW === 0, 90);
  const seconds = (monotonicMs() - from) / 1000;
  t.diagnostic(`export at most ${exportLimitW} W after ${seconds.toFixed(1)} s`);
  assert.ok(seconds <= 61, `${seconds} s`);
});
