import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FrameKind, RecordedFrame } from '#hal/recording/frame.ts';
import { replayScript } from './replay-script.ts';

const frames = (list: readonly (readonly [ms: number, kind: FrameKind, body: object])[]): readonly RecordedFrame[] =>
  list.map(([ms, kind, body], i) => ({
    us: 1000 * ms,
    kind,
    port: 0,
    body: Buffer.from(JSON.stringify(body)),
    place: i + 1,
  }));
const call = (number: number) => ({ number, role: 'battery', method: 'readGrid', args: [] });
const sampling = (number: number) => ({ number, now: 100, unixMs: 100_000 });

test('what a board did at once is one scene, and what it did because of an answer waits for that', () => {
  const { scenes, samples } = replayScript(
    frames([
      [0, 'call', call(1)],
      [1000, 'sampling', sampling(2)],
      [1001, 'call', call(3)],
      [1020, 'sampled', { number: 2, sample: { time: 100, gridW: 5 } }],
      [1021, 'call', call(4)],
      [1021, 'call', call(5)],
      [1030, 'answered', { number: 4 }],
      [1030, 'call', call(6)],
      [1050, 'call', call(7)],
      [2000, 'answered', { number: 7 }],
      [2001, 'sampling', sampling(8)],
    ]),
  );
  assert.deepEqual(
    scenes.map(({ ms, after, steps }) => [ms, after, steps.map(({ number }) => number)]),
    [
      [0, undefined, [1]],
      [1000, undefined, [2, 3]],
      [1021, 2, [4, 5]],
      [1030, 4, [6]],
      [1050, undefined, [7]],
      // A second begins by itself, whatever ended just before.
      [2001, undefined, [8]],
    ],
  );
  assert.deepEqual([...samples], [[2, { time: 100, gridW: 5 }]]);
});

test('frames that say nothing that can be done are passed over', () => {
  const { scenes } = replayScript(
    frames([
      [0, 'call', { number: 1, role: 'battery', method: 'constructor', args: [] }],
      [0, 'call', { number: 1, role: 'battery', method: 'start' }],
      [0, 'call', { number: 1, role: 'market', method: 'start', args: [] }],
      [0, 'sampling', { number: 1, now: 'soon', unixMs: 0 }],
      [0, 'sampled', [1]],
      [0, 'sent', {}],
    ]),
  );
  assert.deepEqual(scenes, []);
});
