import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GridError } from '#hal/errors.ts';
import { createLog } from '#hal/log.ts';
import { frameKinds, type RecordedFrame } from '#hal/recording/frame.ts';
import { readRecording, type Recording } from '#hal/recording/recording.ts';
import { RecordedModbus } from '#drivers/recording/modbus-words.ts';
import { replayBoard } from '#edge/recording/board-replay.ts';
import { cases } from './cases.ts';

const log = createLog('test', 'silent');
/** The start of the devices, and a few samples. */
const frameCount = 500;
const recordings = cases().map(({ path }) => {
  const recording = readRecording(path);
  return { ...recording, frames: recording.frames.slice(0, frameCount) };
});

/** What another program could have written, with good checksums. */
const edits = fc.array(
  fc.record({
    at: fc.nat(frameCount - 1),
    kind: fc.option(fc.constantFrom(...frameKinds), { nil: undefined }),
    port: fc.option(fc.nat(3), { nil: undefined }),
    cutTo: fc.option(fc.nat(20), { nil: undefined }),
    flip: fc.option(fc.nat(500), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 30 },
);

function edited(recording: Recording, list: typeof edits extends fc.Arbitrary<infer T> ? T : never): Recording {
  const frames: RecordedFrame[] = [...recording.frames];
  for (const { at, kind, port, cutTo, flip } of list) {
    const frame = frames[at];
    if (frame === undefined) continue;
    const body = Buffer.from(frame.body.subarray(0, cutTo));
    if (flip !== undefined && body.length > 0) body[flip % body.length]! ^= 1 << (flip % 8);
    frames[at] = { ...frame, kind: kind ?? frame.kind, port: port ?? frame.port, body };
  }
  return { ...recording, frames };
}

test('whatever the frames say, a replay ends, in samples or in an error with a code, and can be put in words', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...recordings), edits, async (recording, list) => {
      const other = edited(recording, list);
      await replayBoard({ recording: other, log }).catch((error: unknown) => {
        assert.ok(error instanceof GridError, String(error));
      });
      for (const [place, { wire }] of other.header.ports.entries()) {
        if (wire !== 'modbus') continue;
        const modbus = await RecordedModbus.of(other, place);
        for (const exchange of modbus.exchanges) modbus.words(exchange);
      }
    }),
    { numRuns: 12 },
  );
});
