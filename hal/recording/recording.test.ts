import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { GridError } from '../errors.ts';
import { fileHead, sealBlock } from './block.ts';
import { decodeFrames, encodeFrame, type Frame, frameKinds } from './frame.ts';
import type { RecordingHeader } from './header.ts';
import { readRecording, type Recording, scanRecording } from './recording.ts';
import { RecordingWriter } from './recording-writer.ts';

const header: RecordingHeader = {
  software: '1.2.3',
  startedAtMs: 1_800_000_000_000,
  board: { meterId: 'TEST_001', name: 'Test' },
  ports: [{ name: 'serial /dev/ttyUSB0', wire: 'modbus', baud: 9600 }],
  devices: { clamps: { port: 0 } },
};

const frames = fc.array(
  fc.record({
    since: fc.oneof(fc.nat(10_000), fc.nat(2 ** 40)),
    kind: fc.constantFrom(...frameKinds),
    port: fc.nat(254),
    body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  }),
);

/** Frames by their time since the beginning. */
const timed = (list: readonly (Omit<Frame, 'us'> & { readonly since: number })[]): Frame[] => {
  let us = 0;
  return list.map(({ since, ...frame }) => ({ ...frame, us: (us += since) }));
};

/** A recording with a block for each list of frames. */
async function fileOf(...blocks: readonly (readonly Frame[])[]): Promise<Buffer> {
  const sealed = blocks.map((list) =>
    sealBlock(Buffer.concat(list.map((frame, i) => encodeFrame(frame, list[i - 1]?.us ?? 0)))),
  );
  return Buffer.concat([
    fileHead,
    await sealBlock(Buffer.from(JSON.stringify(header))),
    ...(await Promise.all(sealed)),
  ]);
}

const small = (): Promise<Buffer> =>
  fileOf(
    [
      { us: 10, kind: 'sent', port: 0, body: Buffer.from('0103000000014440', 'hex') },
      { us: 20_000, kind: 'received', port: 0, body: Buffer.from('01030200077986', 'hex') },
    ],
    [{ us: 3_000_000, kind: 'sampled', port: 0, body: Buffer.from('{"number":1}') }],
    [{ us: 4_000_000, kind: 'closed', port: 0, body: Buffer.from('it was closed') }],
  );

/** Whether reading ends well, in a cut, in damage, or is refused with a code. */
function outcome(bytes: Buffer): Recording | string {
  try {
    return scanRecording('test.gtxr', bytes);
  } catch (error) {
    assert.ok(error instanceof GridError, String(error));
    assert.equal(error.kind, 'input');
    assert.match(error.message, /test\.gtxr/);
    return error.code;
  }
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'gtx-recording-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('frames are read as they were written', () => {
  fc.assert(
    fc.property(frames, (list) => {
      const written = timed(list);
      const bytes = Buffer.concat(written.map((frame, i) => encodeFrame(frame, written[i - 1]?.us ?? 0)));
      assert.deepEqual(decodeFrames(bytes), written);
    }),
  );
});

test('a recording that is cut off anywhere is read up to its last whole block, and says so', async () => {
  const bytes = await small();
  const whole = scanRecording('test.gtxr', bytes);
  assert.deepEqual(whole.end, { at: 'end', offset: bytes.length });
  const counts = new Set<number>();
  for (let length = 0; length < bytes.length; length++) {
    const read = outcome(bytes.subarray(0, length));
    if (typeof read === 'string') {
      assert.equal(read, 'GTX-REC-002');
      assert.equal(counts.size, 0, 'what has a header is a recording');
      continue;
    }
    assert.deepEqual(read.frames, whole.frames.slice(0, read.frames.length));
    assert.ok(read.end.offset <= length);
    assert.equal(read.end.at, read.end.offset === length ? 'end' : 'cut');
    counts.add(read.frames.length);
  }
  assert.deepEqual([...counts], [0, 2, 3]);
});

test('a flipped bit is found wherever it is, and what stands before it is read', async () => {
  const bytes = await small();
  const whole = scanRecording('test.gtxr', bytes);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const damaged = Buffer.from(bytes);
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    const read = outcome(damaged);
    if (typeof read === 'string') {
      const expected = bit >> 3 < 6 ? 'GTX-REC-002' : bit >> 3 < fileHead.length ? 'GTX-REC-003' : 'GTX-REC-004';
      assert.equal(read, expected, `bit ${bit}`);
      continue;
    }
    assert.equal(read.end.at, 'damage', `bit ${bit}`);
    assert.ok(read.end.offset <= bit >> 3);
    assert.deepEqual(read.frames, whole.frames.slice(0, read.frames.length));
  }
});

test('damage is told with file and offset', async (t) => {
  const path = join(folder(t), 'site.gtxr');
  const bytes = await small();
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(path, bytes);
  assert.throws(
    () => readRecording(path),
    (error) =>
      error instanceof GridError &&
      error.code === 'GTX-REC-004' &&
      new RegExp(`${path} .* byte \\d+`).test(error.message),
  );
});

test('a version that is not known is refused', async () => {
  const bytes = await small();
  bytes[6] = 2;
  assert.equal(outcome(bytes), 'GTX-REC-003');
});

test('whatever the bytes, reading ends: in a recording or in an error with a code', async () => {
  const bytes = await small();
  const edits = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 20 });
  fc.assert(
    fc.property(edits, (list) => {
      const damaged = Buffer.from(bytes);
      for (const [at, byte] of list) damaged[at] = byte;
      outcome(damaged);
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (random) => {
      outcome(Buffer.concat([fileHead, random]));
      decodeFrames(Buffer.from(random));
    }),
    { numRuns: 500 },
  );
  // Blocks with good checksums, as another program could write them.
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 3 }), async (contents) => {
      const blocks = await Promise.all(contents.map((content) => sealBlock(Buffer.from(content))));
      outcome(Buffer.concat([await small(), ...blocks]));
      outcome(Buffer.concat([fileHead, ...blocks]));
    }),
    { numRuns: 50 },
  );
});

test('a block that would be more than any block is not inflated', async () => {
  const bomb = await sealBlock(Buffer.alloc(20_000_000));
  const read = outcome(Buffer.concat([await small(), bomb]));
  assert.ok(typeof read !== 'string' && read.end.at === 'damage');
});

test('what is appended is written in order, and chunks that are too long for a frame are cut', async (t) => {
  const path = join(folder(t), 'site.gtxr');
  const writer = new RecordingWriter({ path, header });
  await writer.start();
  const long = Buffer.alloc(150_000, 7);
  writer.append('opened', 0, Buffer.from('12'));
  writer.append('received', 0, long);
  await writer[Symbol.asyncDispose]();
  const { frames: read, header: readHeader, end } = readRecording(path);
  assert.deepEqual(readHeader, header);
  assert.equal(end.at, 'end');
  assert.deepEqual(
    read.map(({ kind }) => kind),
    ['opened', 'received', 'received', 'received'],
  );
  assert.deepEqual(Buffer.concat(read.slice(1).map(({ body }) => body)), long);
  assert.ok(read.every(({ us }, i) => us >= (read[i - 1]?.us ?? 0)));
});

test('what a slow disk has no room for is lost and counted, and the recording tells of it', async (t) => {
  const path = join(folder(t), 'site.gtxr');
  const writer = new RecordingWriter({ path, header });
  await writer.start();
  const chunk = Buffer.alloc(65_536, 1);
  // Nothing is written before this turn of the event loop has ended.
  for (let i = 0; i < 40; i++) writer.append('received', 0, chunk);
  const { lost } = writer;
  assert.ok(lost >= 20, `${lost} frames lost`);
  while (writer.bytes < 1000) await new Promise(setImmediate);
  writer.append('sent', 0, Buffer.from([1]));
  await writer[Symbol.asyncDispose]();
  const { frames: read } = readRecording(path);
  const told = read.filter(({ kind }) => kind === 'lost').map(({ body }) => Number(body.toString()));
  assert.deepEqual(told, [lost]);
  assert.equal(read.filter(({ kind }) => kind === 'received').length, 40 - lost);
  assert.equal(read.at(-1)?.kind, 'sent');
});

test('a recording grows to its limit and ends whole; the work goes on', async (t) => {
  const path = join(folder(t), 'site.gtxr');
  const ended: string[] = [];
  const writer = new RecordingWriter({ path, header, maxBytes: 3000, onEnd: (why) => ended.push(why) });
  await writer.start();
  for (let i = 0; i < 200; i++) {
    // Noise, so that it does not shrink.
    const noise = Buffer.from(Array.from({ length: 1000 }, (_, k) => (k * 7919 * (i + 1) + i) >>> 3));
    writer.append('received', 0, noise);
    if (i % 20 === 0) await new Promise(setImmediate);
  }
  await writer[Symbol.asyncDispose]();
  assert.deepEqual(ended, ['full']);
  assert.ok(statSync(path).size <= 3000);
  assert.equal(readRecording(path).end.at, 'end');
  writer.append('received', 0, Buffer.from([1]));
});

test('the recording before is kept, and a folder that is missing is told of', async (t) => {
  const root = folder(t);
  const path = join(root, 'site.gtxr');
  writeFileSync(path, 'before');
  const writer = new RecordingWriter({ path, header });
  await writer.start();
  await writer[Symbol.asyncDispose]();
  assert.equal(readFileSync(`${path}.old`, 'utf8'), 'before');
  const nowhere = new RecordingWriter({ path: join(root, 'none', 'site.gtxr'), header });
  await assert.rejects(nowhere.start(), { code: 'GTX-HAL-020' });
  nowhere.append('sent', 0, Buffer.from([1]));
  await nowhere[Symbol.asyncDispose]();
  assert.ok(!existsSync(join(root, 'none')));
});
