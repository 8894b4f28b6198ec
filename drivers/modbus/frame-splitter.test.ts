import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { FrameSplitter } from './frame-splitter.ts';

const frame = fc.tuple(fc.nat(0xffff), fc.uint8Array({ minLength: 3, maxLength: 254 })).map(([transaction, body]) => {
  const head = Buffer.alloc(6);
  head.writeUInt16BE(transaction, 0);
  head.writeUInt16BE(body.length, 4);
  return Buffer.concat([head, body]);
});

/** Cuts bytes at random places. */
const chunksOf = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const at = cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b);
  return [0, ...at].map((start, i) => bytes.subarray(start, at[i] ?? bytes.length));
};

test('frames come out whole and in order, however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 20 }), (frames, cuts) => {
      const splitter = new FrameSplitter();
      const seen: Buffer[] = [];
      for (const chunk of chunksOf(Buffer.concat(frames), cuts)) {
        assert.equal(
          splitter.push(chunk, (f) => {
            seen.push(Buffer.from(f));
            return true;
          }),
          true,
        );
      }
      assert.deepEqual(seen, frames);
      assert.equal(splitter.kept, 0);
    }),
  );
});

test('any bytes keep less than one frame', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 6 }), (chunks) => {
      const splitter = new FrameSplitter();
      for (const chunk of chunks) {
        if (!splitter.push(Buffer.from(chunk), () => true)) return;
        assert.ok(splitter.kept < 260);
      }
    }),
  );
});

const push = (hex: string): boolean => new FrameSplitter().push(Buffer.from(hex, 'hex'), () => false);

test('a wrong protocol id, a length of no frame or a refused frame ends the stream', () => {
  assert.equal(push('000100010006'), false);
  assert.equal(push('000100000002'), false);
  assert.equal(push('0001000000ff'), false);
  assert.equal(push('000100000003010300'), false);
  assert.equal(push('0001000000060103'), true);
});
