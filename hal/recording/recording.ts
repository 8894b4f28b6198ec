import { readFileSync } from 'node:fs';
import { GridError, reasonOf } from '../errors.ts';
import { blockHeadBytes, contentBytes, fileHead, formatVersion, magic, openBlock } from './block.ts';
import { decodeFrames, type RecordedFrame } from './frame.ts';
import { parseHeader, type RecordingHeader } from './header.ts';

/** How a recording ends: as its writer left it, cut off behind the last whole block, or damaged in the one that follows. */
export interface RecordingEnd {
  readonly at: 'end' | 'cut' | 'damage';
  /** Bytes from the beginning of the file. */
  readonly offset: number;
}

export interface Recording {
  readonly path: string;
  readonly header: RecordingHeader;
  /** In the order in which they were recorded. */
  readonly frames: readonly RecordedFrame[];
  readonly end: RecordingEnd;
}

/** The most that a recording holds, inflated: it is replayed from memory. */
const maxBytes = 512 * 1_048_576;

/**
 * Reads a recording. One that was cut off, by a power cut or a copy that did not end, is read up to its last whole
 * block and says so.
 * @throws GridError `GTX-REC-001` cannot be read · `002` no recording · `003` of a version that is not known · `004`
 * damaged, with the offset · `005` too large
 */
export function readRecording(path: string): Recording {
  const recording = scanRecording(path, readBytes(path));
  checkWhole(recording);
  return recording;
}

export function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const hint = 'Check the path and that you may read it.';
    throw new GridError('GTX-REC-001', `${path} cannot be read: ${reasonOf(error)}`, {
      kind: 'input',
      hint,
      cause: error,
    });
  }
}

/** @throws GridError `GTX-REC-004` for one that is damaged */
export function checkWhole({ path, end }: Recording): void {
  if (end.at === 'damage') throw damaged(path, end.offset);
}

/** Like `readRecording`, of the bytes of a file; one that is damaged is read up to there. */
export function scanRecording(path: string, bytes: Buffer): Recording {
  checkFileHead(path, bytes);
  let header: RecordingHeader | undefined;
  const frames: RecordedFrame[] = [];
  let held = 0;
  let at: RecordingEnd['at'] = 'end';
  let offset = fileHead.length;
  while (offset < bytes.length) {
    const head = bytes.subarray(offset, offset + blockHeadBytes);
    const length = head.length < blockHeadBytes ? 0 : contentBytes(head);
    const content = bytes.subarray(offset + blockHeadBytes, offset + blockHeadBytes + (length ?? 0));
    if (length !== undefined && (head.length < blockHeadBytes || content.length < length)) {
      at = 'cut';
      break;
    }
    const block = length === undefined ? undefined : openBlock(head, content);
    const isTaken = block !== undefined && take(block);
    if (!isTaken) {
      at = 'damage';
      break;
    }
    offset += blockHeadBytes + content.length;
  }
  if (header !== undefined) return { path, header, frames, end: { at, offset } };
  if (at === 'damage') throw damaged(path, offset);
  throw notRecording(path, `it ends at byte ${bytes.length}, within its header`);

  function take(block: Buffer): boolean {
    held += block.length;
    if (held > maxBytes) {
      const hint = 'Record for a shorter time: `gridtokenx edge --record-bytes` bounds the file.';
      throw new GridError('GTX-REC-005', `${path} holds more than ${maxBytes} bytes`, { kind: 'input', hint });
    }
    if (header === undefined) {
      header = parseHeader(block.toString('utf8'));
      return header !== undefined;
    }
    const decoded = decodeFrames(block);
    for (const frame of decoded ?? []) frames.push({ ...frame, place: frames.length + 1 });
    return decoded !== undefined;
  }
}

function checkFileHead(path: string, bytes: Buffer): void {
  const begin = bytes.subarray(0, magic.length);
  if (!begin.equals(magic) || bytes.length < fileHead.length) {
    throw notRecording(path, 'it does not begin as one');
  }
  const version = bytes[magic.length];
  if (version === formatVersion && bytes[magic.length + 1] === 0) return;
  throw new GridError('GTX-REC-003', `${path} is a recording of version ${version}, of which nothing is known here`, {
    kind: 'input',
    hint: `Read it with the program that wrote it; this one knows version ${formatVersion}.`,
  });
}

const notRecording = (path: string, why: string): GridError =>
  new GridError('GTX-REC-002', `${path} is no recording: ${why}`, {
    kind: 'input',
    hint: '`gridtokenx edge --record FILE` makes one.',
  });

const damaged = (path: string, offset: number): GridError =>
  new GridError('GTX-REC-004', `${path} is damaged at byte ${offset}`, {
    kind: 'input',
    hint: 'Copy it again from the board; `gridtokenx recording show` prints what stands before.',
  });
